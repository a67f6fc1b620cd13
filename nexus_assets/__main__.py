"""`python -m nexus_assets` is `nexus-assets`."""

from nexus_assets.cli import main

main()
