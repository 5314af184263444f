"""How often people buy or visit, put into the words of limits: "one-time buyers" ordered exactly once."""

from __future__ import annotations

PEOPLE = r"users?|customers?|buyers?|visitors?|people|shoppers?"
_BOUGHT = r"(?:bought|buy|buys|ordered|order|orders|purchased?|purchases|shopped|shop)"
_CAME = r"(?:visited|visit|visits|came|come|comes)"
OFTEN: tuple[tuple[str, str], ...] = (
    (
        r"\brepeat (?:purchase|order|buying|customer|buyer) rate\b|\b(?:repurchase|reorder) rate\b",
        "share of buyers who ordered more than once",
    ),
    (
        r"\b(?:repeat|repeated|repeating) (?:customers?|buyers?|purchasers?|shoppers?)\b",
        "buyers who ordered more than once",
    ),
    (
        r"\b(?:one[\s-]?(?:time|off)|single[\s-]?(?:purchase|order|time)) (?:customers?|buyers?|purchasers?|"
        r"shoppers?)\b",
        "buyers who ordered exactly 1 times",
    ),
    (
        r"\b(?:come|came|comes|coming|return|returned) (?:back )?(?:to|and|for) (?:buy|bought|order|ordered|"
        r"purchased?|shop) "
        r"(?:again|(?:a|for a) (?:second|2nd) time|(?:something|anything) (?:else|again))\b",
        "ordered more than once",
    ),
    (
        r"\b(?:come|came|comes|coming|return|returned) (?:back )?(?:to|and|for) (?:buy|bought|order|ordered|"
        r"purchase|purchased|"
        r"a second order|another order)(?! (?:again|more|less|on|in|a third))\b",
        "ordered more than once",
    ),
    (
        rf"\b{_BOUGHT} (?:something |anything |from us )?(?:for )?(?:a|the) (?:second|2nd) time\b",
        "ordered more than once",
    ),
    (
        rf"\b{_BOUGHT} (?:something |anything |from us )?(?:for )?(?:a|the) (?:third|3rd) time\b",
        "ordered at least 3 times",
    ),
    (
        r"\b(?:placed|made|place|make|have|had|with) (?:a second|another|a 2nd) (?:order|purchase)\b",
        "ordered more than once",
    ),
    (
        rf"\b{_BOUGHT} (?:something |anything |from us )?(?:repeatedly|(?:several|multiple|many|two or more|2 "
        rf"or more) times|"
        r"twice or more|more often than once)\b",
        "ordered more than once",
    ),
    (
        rf"\b(?:only |just |exactly )?({_BOUGHT}) (?:something |anything |from us )?(?:only |just |exactly |"
        rf"precisely )?"
        r"(?:once|one time|1 time|a single time)\b(?! (?:or|a|per|every|in a)\b)",
        r"ordered exactly 1 times",
    ),
    (
        rf"\b(?:only |just |exactly )?({_BOUGHT}) (?:something |anything |from us )?(?:only |just |exactly |"
        rf"precisely )?"
        r"twice\b(?! (?:or|as|a|per|every)\b)",
        r"ordered exactly 2 times",
    ),
    (
        rf"\b{_BOUGHT} (?:something |anything |from us )?(?:only|just|exactly|precisely) (\d+|two|three|four|"
        rf"five) times\b",
        r"ordered exactly \1 times",
    ),
    (
        rf"\b({PEOPLE})((?: (?:who|that))?) (?:with|have|has|had|made|placed|make) (?:only|just|exactly|precisely) "
        r"(?:one|1|a single|a) (order|purchase)\b",
        r"\1 with exactly 1 orders",
    ),
    (
        rf"\b({PEOPLE})((?: (?:who|that))?) (?:with|have|has|had|made|placed|make) (?:only|just|exactly|precisely) "
        r"(two|three|four|five|\d+) (?:orders|purchases)\b",
        r"\1 with exactly \3 orders",
    ),
    (
        rf"\b({_CAME})(?: (?:us|back|the (?:site|shop)))* (?:only |just |exactly |precisely )?(once|twice|one "
        rf"time|a single time)\b"
        r"(?! (?:or|a|per|every|as)\b)",
        r"\1 exactly \2 times",
    ),
    (
        rf"\b({_CAME})(?: us| back)* (?:only|just|exactly|precisely) (\d+|two|three|four|five) times\b",
        r"\1 exactly \2 times",
    ),
    (r"\bexactly (?:once|one time|a single time) times\b", "exactly 1 times"),
    (r"\bexactly twice times\b", "exactly 2 times"),
    (
        rf"\b({PEOPLE})((?: (?:who|that))?) (?:with|have|has|had) (?:only|just|exactly|precisely) (?:one|1|a "
        rf"single|a) (session|visit)\b",
        r"\1 with exactly 1 \3s",
    ),
    (r"\bat least once\b", "ever"),
    (
        r"\b(\d+|two|three|four|five) (?:times|orders|purchases) or more\b|\b(\d+)\+ (?:times|orders|purchases)\b",
        r"at least \1\2 times",
    ),
)
