"""How any entity reaches its table: read load.py first, it lists the steps; each step has a file of its own."""
