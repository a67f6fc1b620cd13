"""Is the guard, where it was installed, still in force over every generic key? A migration of Nexus may have changed what it knows."""

from __future__ import annotations

from nexus_assets.admin import guard
from nexus_assets.checks.check import SAMPLE_ROWS, CheckContext, Finding


def guard_in_force(context: CheckContext) -> Finding:
    """The generic keys, and the tables that one can lead to, at which the guard is missing, disabled or outdated.

    A database into which nobody has put the guard has nothing to report.
    """
    if not guard.was_installed(context.cursor):
        return Finding(0)
    found = guard.status(context.cursor)
    unguarded = {name: state for name, state in {**found.keys, **found.tables}.items() if state != "guarded"}
    states = list(unguarded.values())
    return Finding(
        len(unguarded),
        {f"guard_{state}": states.count(state) for state in guard.WORST_FIRST if state in states},
        tuple({"guarded": name, "state": state} for name, state in list(unguarded.items())[:SAMPLE_ROWS]),
        next_step="nexus-assets guard install" if unguarded else "",
    )
