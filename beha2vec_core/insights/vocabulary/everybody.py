"""Words for whose number it is: that of all users, or that of this group."""

import re

from beha2vec_core.insights.vocabulary.pattern import words

EVERYBODY = words(
    r"all (?:the )?(?:users?|visitors?|people|customers?|shoppers?)(?:['’]s?)?",
    "every(?:one|body)(?: else)?(?! here| in th| of th)",
    "overall", "site-?wide", "across the (?:whole |entire )?(?:site|shop|population|user base)",
    r"(?:the )?(?:average|usual) (?:user|visitor|customer|shopper)s?(?:['’]s?)?", "site average", "whole site",
    "overall average", "the population", "population average", "as a whole", "in general", "baseline", "benchmark",
    "total user base", "general population", "norm",
)  # fmt: skip
THE_REST = words(
    "(?:all )?other (?:users|visitors|people|customers|shoppers)", "others", "the rest", "the others", "everyone else",
    "the other users", "non-members",
)  # fmt: skip
WEAK_EVERYBODY = words("average", "all", "total", "mean", "usual", "expected")
GROUP_WORDS = re.compile(r"\b(?:they|them|their|these|this|here|its?|the group|the cluster)\b", re.IGNORECASE)
# what sets one side of a comparison apart from the other
VERSUS = {
    "versus", "vs", "against", "compared with", "compared to", "than", "up from", "down from", "unlike", "beside",
    "rather than", "instead of", "as opposed to",
}  # fmt: skip  # fmt: skip
