"""A realistic GA4 export of an invented shop, with a known behavioural persona for each user.

``catalogue`` (with ``shop.yml``) says what pages there are, ``personas`` who does what in which order, ``audience``
where people come from, ``journeys`` turns one user into events in time, ``export`` writes GA4 rows. ``oracle`` goes
the other way: which persona a journey speaks for. Nothing here reads an export, and nothing outside reads the truth
file except evaluation.
"""

from beha2vec_core.demo_shop.export import DemoSummary, write_demo_export

__all__ = ["DemoSummary", "write_demo_export"]
