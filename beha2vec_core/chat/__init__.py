"""The chat: questions about the published database, answered by a language model with tools, or by look-up.

``conversation`` takes questions and gives ``events``; ``terminal`` and ``show`` write them. ``lookup`` answers without
a model. Below it, each folder imports only those that stand after it:

- ``model``: the language model with an endpoint: its tools, and what it may read
- ``clusters``: answers from clusters, facts, paths and predictions
- ``answers``: results of queries in words
- ``reading``: a whole question as queries
- ``queries``: the parts of a question as queries, or why none answers them
- ``parts``: a question as phrases that are known, and conditions on what was done
- ``rewrites``: other ways to say something, in words that are known
- ``days``: periods and hours in a question
- ``words``: forms and spelling of words, numbers, words that say nothing
- ``data``: the published database, SQL within limits, and ids that must not leave

What does not belong here: how facts and insights are made.
"""
