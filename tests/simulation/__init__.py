"""The graph left alone: many nights, kills, what a night costs. Commands; short cuts of them are tests.

What checks one part or one rule belongs into the other folders.
"""
