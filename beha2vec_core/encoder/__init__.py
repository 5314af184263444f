"""The behavior encoder: from event sequences to user vectors and next-event predictions.

What belongs here: vocabularies, token fields, the network, its objectives, training and encoding.
What does not: reading tables (`beha2vec_core.events.sequences`), clusters, evaluation. Importing
`beha2vec_core.encoder.encoder` imports torch; this package does not until then.
"""
