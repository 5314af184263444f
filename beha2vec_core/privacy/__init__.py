"""Personal data: the key of the installation.

What belongs here: finding a person in every file and table, removing a person, retention. What a table holds of people
is registered in ``store/tables.py``. See docs/privacy.md.
"""
