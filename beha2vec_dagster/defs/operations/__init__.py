"""The operation of the whole graph: jobs and schedules, the core's catalogue of checks, alerts."""
