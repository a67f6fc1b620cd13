"""What a person does to the ledger and the database between loads: look an id up, teach old ids, guard, start over."""
