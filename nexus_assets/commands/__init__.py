"""The commands of `nexus-assets`, one per module; `cli` finds them."""
