"""The check of what a language model writes: no number of its own, no claim that the facts do not bear.

Prose is written with placeholders (see ``placeholders``). Of each sentence it is asked, in this order: whether anything
in it is made up (``made_up``), whether each number is described as what it is, and for all users where it is theirs
(``numbers``), whether it stands beside words for what it measures (``meaning``), the right feature (``features``) and
the right cluster (``clusters``), and whether words for a direction, likeness or quantity (``claims``) agree with the
facts (``directions``). ``review`` puts it together; a sentence that claims something without a fact is left out. The
check is strict: it refuses some true sentences, and a writer who knows why can write them more plainly.
"""

from beha2vec_core.insights.verify.review import Review, filled, review

__all__ = ["Review", "filled", "review"]
