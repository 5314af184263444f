"""The graph, a folder a domain: its assets, checks, jobs and sensors, each made by a function of the settings.

An asset's body is short: open, call the core, write, return metadata. Heavy libraries are imported inside bodies.
"""
