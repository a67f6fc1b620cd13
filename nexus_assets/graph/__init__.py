"""Everything that is Dagster's: assets, checks, jobs, schedules, sensors, and the lineage between them."""
