"""A realistic GA4 export of an invented shop, with a known behavioral persona for each user.

``catalogue`` (with ``shop.yml``) says what pages there are, ``personas`` who does what in which order, ``audience``
where people come from, ``journeys`` turns one user into events in time, ``export`` writes GA4 rows.

Nothing here reads an export. The truth file is for benchmarks and tests only. ``tests/benchmarks/data_sets/oracle.py``
goes the other way: which persona a journey speaks for.
"""

from beha2vec_core.demo_shop.export import DemoSummary, write_demo_export

__all__ = ["DemoSummary", "write_demo_export"]
