"""One app of the project."""
