"""What is remembered between loads, in the schema nexus_assets of the Nexus database: ids, loads, and what is still open."""
