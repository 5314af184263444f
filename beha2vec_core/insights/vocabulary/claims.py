"""Words that are said of a number: directions, likeness, superlatives, quantities."""

import re

from beha2vec_core.insights.vocabulary.pattern import words

MORE = words(
    "more(?! recent)", "less recent(?:ly)?",
    "higher", "greater", "above", "over-?represented", "over-?index(?:es|ed|ing)?", "exceed(?:s|ed|ing)?",
    "likelier", "bigger", "larger", "(?<!no )longer", "heavier", "stronger", "better", "elevated", "increased",
    "inflated",
    "surpass(?:es|ed|ing)?", "outpac(?:e|es|ed|ing)", "outperform(?:s|ed|ing)?", "outstrip(?:s|ped|ping)?",
    "ahead of", "up from", "disproportionate(?:ly)?", "high(?!-)", "dwarfs?", "deeper", "extra",
    "unusually (?:often|many|much|high|strong(?:ly)?|heav(?:y|ily))", "keener",
)  # fmt: skip
LESS = words(
    "less(?! recent)", "more recent(?:ly)?",
    "fewer", "lower", "below", "under", "under-?represented", "under-?index(?:es|ed|ing)?", "rarer", "smaller",
    "shorter", "weaker", "worse", "lags?", "lagged", "lagging", "trails?", "trailing", "reduced",
    "decreased", "low(?!-)", "weak", "short of", "down from", "unusually (?:few|rare(?:ly)?|little|seldom|low)",
    "shallower", "diminished", "modest",
)  # fmt: skip
OFTEN = words(  # much of it, whatever others do
    "impressive", "substantial", "outstanding", "excellent", "massive", "huge",
    "often", "frequently", "frequent", "commonly", "regularly", "heav(?:y|ily)", "strong(?:ly)?", "eager(?:ly)?",
    "keen(?:ly)?", "loves?", "prefer(?:s|red|ring)?", "favou?r(?:s|ed)?",
    "preference", "fond", "drawn to", "gravitates?", "leans?", "skews?", "skewed", "concentrated?s?", "dominates?",
    "dominant", "focus(?:es|ed)?(?: on)?",
)  # fmt: skip
MANY = words("many", "a lot(?: of)?", "lots of", "plenty of", "a large (?:share|part|fraction|number|portion)")
RARELY = words(
    "rare(?:ly)?", "seldom", "hardly(?: ever)?", "barely", "scarcely", "few", "little", "infrequent(?:ly)?", "unlikely",
    "uncommon(?:ly)?", "lack(?:s|ed|ing)?", "avoid(?:s|ed|ing)?", "skip(?:s|ped|ping)?", "ignor(?:e|es|ed|ing)",
    "negligible", "tiny", "minor", "marginal", "insignificant", "disappointing", "poor(?:ly)?", "meagre", "meager",
    "irrelevant", "unimportant", "scarce", "absent", "missing", "reluctant(?:ly)?", "neglect(?:s|ed)?",
)  # fmt: skip
ONLY = words("(?<!not )(?<!page )(?:only|just)(?! (?:a|one|the)\\b)", "merely")
NEVER = words("never", "none", "nobody", "no one", "not one", "nothing")
ALWAYS = words(
    "always",
    "exclusively",
    "entirely",
    "everyone here",
    "all (?:of )?these users",
    "each of (?:them|the|these)",
    "every(?:one|body) (?:in|of) (?:the|this) (?:group|cluster|segment)",
    "all members",
    "all of them",
    "every one of them",
)
ALIKE = words(
    r"(?:hardly|barely|scarcely) (?:any |a )?differ\w*",
    "no (?:clear |real |notable |significant |marked )?differences?",
    r"(?:not|n['’]t|never) (?:clearly |really |significantly |much |markedly )?(?:differ\w*|stand out)",
    "no different", "(?:about |much |roughly |nearly |almost )?the same", r"similar\w*", "alike", "comparable",
    "in line with", "on (?:a )?par", "close to", "as (?:often|much|many|likely|high|long|low|few|rarely) as",
    "much like", "like (?:all users|everyone|the average|other users|others)", "unremarkable", "(?<!than )usual",
    r"(?<!a )(?<!the )typical(?! (?:user|visitor|session|customer|member|day))", "identical", "indistinguishable",
    "consistent with", "matche?s", "mirrors?", "equal(?:s|ly)?", "middle of the pack",
)  # fmt: skip
MOSTLY = words("mostly", "mainly", "predominantly", "largely", "primarily", "chiefly", "overwhelmingly", "above all")
MAJORITY = words(
    "most of", "most (?:users|visitors|people)", "the majority", "a majority", "bulk", "the lion['’]s share", "majority"
)
NEARLY_ALL = words("(?:nearly|almost|virtually|practically) (?:all|every|everyone|everybody|exclusively|always)")
MINORITY = words("minority", "a (?:small|tiny) (?:share|part|fraction|number|minority|portion)", "a handful")
HARDLY_ANY = words("hardly any(?:one|body)?", "(?:almost|virtually|practically|next to) (?:none|nobody|nothing|never)")
LARGEST = words(
    r"(?<!at )most(?! of\b)", "highest", "largest", "biggest", "greatest", "strongest", "longest", "top",
    "leading", "heaviest", "leads?(?! to)", "more than any(?: other)?", "above all others?", "most frequent",
    "tops the list",
)  # fmt: skip
SMALLEST = words(
    "(?<!at )least", "lowest", "smallest", "fewest", "shortest", "weakest", "rarest",
    "less than any(?: other)?", "fewer than any(?: other)?",
)  # fmt: skip
BOUNDED = re.compile(  # "more than {x}": the number is what it is, not a bound
    r"\b(?:more than|over|above|at least|upwards? of|less than|fewer than|under|below|at most|up to|nearly|almost)"
    r"\s*(?:the\s*)?$",
    re.IGNORECASE,
)
DIFFERENT = words(
    r"differ\w*", "stand(?:s|ing)? out", "set(?:s|ting)? (?:them|these users|it) apart", "unusual(?:ly)?",
    r"remarkabl\w*", r"striking\w*", r"notabl\w*", r"distinctive\w*", r"exceptional\w*", r"extraordinar\w*",
)  # fmt: skip
PERHAPS_CHANCE = words("(?:may|might|could) be chance", "by chance", "not clear", "within chance", "may be random")
