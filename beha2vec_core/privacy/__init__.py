"""What is personal in GA4's texts, and how it is removed: one rule list (rules.yml), detectors, and cleaning.

Belongs here: all that decides which text is personal. Pure functions on texts; reading and writing partitions is in
`columns` and `partitions`.
"""
