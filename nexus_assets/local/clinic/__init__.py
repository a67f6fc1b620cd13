"""The demo clinic: invented people, a fixed seed, exactly the published numbers.

Reading order: `published` (the numbers), `plan` (seed, scale, ids, faults), one module per export, `writing`.
"""

from nexus_assets.local.clinic.published import PUBLISHED
from nexus_assets.local.clinic.words import CANARIES
from nexus_assets.local.clinic.writing import SEED, write_clinic

__all__ = ["CANARIES", "PUBLISHED", "SEED", "write_clinic"]
