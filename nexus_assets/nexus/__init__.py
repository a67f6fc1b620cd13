"""The Nexus database as it is: the connection, its catalogue, and what refers to what."""
