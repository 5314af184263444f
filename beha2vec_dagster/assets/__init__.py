"""Assets by domain: ``ga4`` (raw events), ``dbt``, ``pages``, ``sequences``, ``encoder``, ``clusters``, ``insights``, ``serving``.

A body is short: open, call the core, write, return metadata. Heavy libraries are imported inside bodies.
"""
