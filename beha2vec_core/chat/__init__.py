"""The chat: questions about the published database, answered by a language model with tools, or by look-up.

What belongs here: ``conversation`` (questions in, ``events`` out), ``completion`` (one answer of an endpoint),
``tools`` (what the model can look at; ``arguments``: what it can ask for, ``groups``: which groups it may read of),
``lookup`` (answers without a model), ``question`` (what its words stand for),
``facts`` (which of them answer it), ``lines`` (how they are written), ``published`` (what is read), ``sql`` with
``sql_rules`` and ``sql_child`` (statements of others, limited),
``privacy`` (no id leaves), ``verify`` (no number that is not in the data), ``show`` and ``terminal`` (how it looks).
What does not: how facts and insights are made.
"""
