"""Whether the tests notice one semantic change in the product: `python3 dev.py mutate`."""
