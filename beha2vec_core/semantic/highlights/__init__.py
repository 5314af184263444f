"""Three things to know: the largest differences between segments and changes over time that are not chance.

``rows`` reads metrics of the semantic layer by user, day and dimensions, ``search`` compares, by the sums and squares
of ``moments``, ``choose`` corrects for the search and leaves out repetitions, ``wording`` writes the sentences,
``find`` brings them together.
"""
