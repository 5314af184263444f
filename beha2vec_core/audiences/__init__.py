"""Audiences: groups of users to act on, each by a rule in a reviewed file.

What belongs here, lower ones first: ``file`` (the file and its checks), ``area`` (a group drawn on the map), ``names``
(what a rule can use), ``rule`` (a rule as SQL), ``selection`` (who may be contacted, step by step), ``members`` (who is
in each audience, day by day).
"""
