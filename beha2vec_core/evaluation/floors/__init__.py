"""Cheap methods that any encoder must beat: counts, bags of pages, rankings by what came before.

Each fits in a moment and loads no torch. `FLOORS` has them in the order of the tables.
"""

from beha2vec_core.evaluation.floors import bags, counts, ranking
from beha2vec_core.evaluation.methods import Method

FLOORS = (
    Method("length", "floor", counts.fit_length),
    Method("bag of pages", "floor", bags.fit_bag),
    Method("tf-idf of pages", "floor", bags.fit_tfidf),
    Method("tf-idf of pages and words", "floor", bags.fit_tfidf_words),
    Method("recency-frequency-monetary", "floor", counts.fit_rfm),
    Method("rich counts", "floor", counts.fit_rich_counts),
    Method("popular", "floor", ranking.fit_popular),
    Method("own history", "floor", ranking.fit_own_history),
    Method("Markov", "floor", ranking.fit_markov),
    Method("Markov mix", "floor", ranking.fit_markov_mix),
)
