"""The words in which plans, reports and pages tell what a load repairs, and those of its figures that need explaining."""

from __future__ import annotations

FIGURES = {
    "kept": "rows with a value that somebody changed in Nexus, which a load never overwrites: `nexus-assets kept` lists them",
    "rejected": "source rows that can't be loaded until they are corrected: `nexus-assets rejects` lists them",
    "vanished": "rows that earlier exports had and this one lacks: they stay in Nexus",
    "orphans": "rows with a link to a row that does not exist: the next load repairs those that it knows",
    "unlinked": "rows that were loaded without a link, because their patient is not known",
}
"""Headings of figures, and what they count."""

STEPS = ("contract", "stage", "read", "identity", "gates", "write", "tidy and account")
"""The steps of a load in their order, as `load()` and docs/architecture.md name them; a plan takes them all, and is rolled back."""

HEALED = {
    "adopted": "Rows of Nexus that are recognised as FileMaker's, and keep their id.",
    "restored": "Rows that Nexus lost and that come back under their old id.",
    "relinked": "Links to the wrong row, or dangling.",
    "references_moved": "References to superseded ids, in any table, moved to the current id.",
    "removed_empty_batches": "Duplicate batches merged into the one that holds the images.",
    "superseded": "Rows that another tool recreated under a new id, which becomes the current one.",
    "rekeyed": "Files that FileMaker calls by new ids; they stay the rows that they are.",
    "vanished": "Rows that FileMaker no longer has; they stay in Nexus.",
    "counted": "Batches whose image_count is corrected.",
}
"""What a load repairs beside loading, or tells of it, by its code in the account, and what that means."""

ADOPTION = {
    "filled": "Existing rows had nothing there; FileMaker's value was taken.",
    "replaced": "An earlier importer left its own value there; FileMaker's took its place.",
    "kept": "A person may have written it; Nexus's value is kept, and agrees_with_filemaker lists it.",
}
"""What becomes of a value of an adopted row that differs from FileMaker's."""
