"""Personal data: removed from texts at ingest, forgotten on request, kept only as long as allowed. See docs/privacy.md.

What belongs here: the one rule list (rules.yml) with its detectors and cleaning, the key of keyed hashes, the list of
the forgotten; in ``forgetting``, finding and removing a person in every file and table, and retention. What a table
holds of people is registered in ``store/tables.py``.
"""
