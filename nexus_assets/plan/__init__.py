"""Before a load: what would it do? The loads themselves, in one transaction that is rolled back; and a plan carried out."""
