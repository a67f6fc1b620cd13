"""The embedded default of the outside world: PostgreSQL, an S3 server, the tables of Nexus, a demo clinic."""
