"""The graph left alone: many nights, and kills. Commands; short cuts of them are tests in `tests/dagster`.

What checks one part or one rule belongs into the other folders.
"""
