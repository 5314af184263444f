"""Assets, a module a domain: ``ga4`` (raw events), ``dbt``, ``pages``, ``sequences``, ``encoder``, ``clusters``, ...

A body is short: open, call the core, write, return metadata. Heavy libraries are imported inside bodies.
"""
