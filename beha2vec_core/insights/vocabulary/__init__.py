"""Words that make claims, as patterns for the check of what a language model writes (see ``verify``).

``claims``: directions, likeness, superlatives, quantities. ``everybody``: whose number it is. ``metrics``: what each
metric is called. ``features``: what pages, themes and channels are called. ``unsupported``: what the facts do not show.
All are English, and matched without regard to case.
"""
