"""Personal data: who is to be forgotten, where people are stored, and how long each layer is kept.

What belongs here: finding a person in every file and table, removing a person, retention. What a table holds of people
is registered in ``store/tables.py``. See docs/privacy.md.
"""
