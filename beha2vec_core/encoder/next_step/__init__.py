"""What a user does next: counts of what followed what, the user's own history and the network, in one model.

- ``moments``: what was known when something came; ``counts``: what followed which state; ``features``: what speaks for
  a value; ``loglinear``: weights for these and probabilities; ``model``: `NextStep`, which puts them together

What does not belong here: the network. Its probabilities come in as an array.
"""
