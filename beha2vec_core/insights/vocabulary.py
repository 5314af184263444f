"""Words that make claims: directions, likeness, superlatives, quantities, and what each metric is called in prose.

Patterns for the check of what a language model writes (see ``verify``); all are matched without regard to case.
"""

import re

from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.wording import label_words


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{'|'.join(alternatives)})(?!\w)", re.IGNORECASE)


# -- what is said of a number --

MORE = _words(
    "more", "higher", "greater", "above", "over-?represented", "over-?index(?:es|ed|ing)?", "exceed(?:s|ed|ing)?",
    "likelier", "bigger", "larger", "(?<!no )longer", "heavier", "stronger", "better", "elevated", "increased",
    "inflated",
    "surpass(?:es|ed|ing)?", "outpac(?:e|es|ed|ing)", "outperform(?:s|ed|ing)?", "outstrip(?:s|ped|ping)?",
    "ahead of", "up from", "disproportionate(?:ly)?", "high(?!-)", "dwarfs?", "deeper", "extra",
    "unusually (?:often|many|much|high|strong(?:ly)?|heav(?:y|ily))", "keener",
)  # fmt: skip
LESS = _words(
    "less", "fewer", "lower", "below", "under", "under-?represented", "under-?index(?:es|ed|ing)?", "rarer", "smaller",
    "shorter", "weaker", "worse", "lags?", "lagged", "lagging", "trails?", "trailing", "reduced",
    "decreased", "low(?!-)", "weak", "short of", "down from", "unusually (?:few|rare(?:ly)?|little|seldom|low)",
    "shallower", "diminished", "modest",
)  # fmt: skip
OFTEN = _words(  # much of it, whatever others do
    "impressive", "substantial", "outstanding", "excellent", "massive", "huge",
    "often", "frequently", "frequent", "commonly", "regularly", "heav(?:y|ily)", "strong(?:ly)?", "eager(?:ly)?",
    "keen(?:ly)?", "loves?", "prefer(?:s|red|ring)?", "favou?r(?:s|ed)?",
    "preference", "fond", "drawn to", "gravitates?", "leans?", "skews?", "skewed", "concentrated?s?", "dominates?",
    "dominant", "focus(?:es|ed)?(?: on)?",
)  # fmt: skip
MANY = _words("many", "a lot(?: of)?", "lots of", "plenty of", "a large (?:share|part|fraction|number|portion)")
RARELY = _words(
    "rare(?:ly)?", "seldom", "hardly(?: ever)?", "barely", "scarcely", "few", "little", "infrequent(?:ly)?", "unlikely",
    "uncommon(?:ly)?", "lack(?:s|ed|ing)?", "avoid(?:s|ed|ing)?", "skip(?:s|ped|ping)?", "ignor(?:e|es|ed|ing)",
    "negligible", "tiny", "minor", "marginal", "insignificant", "disappointing", "poor(?:ly)?", "meagre", "meager",
    "irrelevant", "unimportant", "scarce", "absent", "missing", "reluctant(?:ly)?", "neglect(?:s|ed)?",
)  # fmt: skip
ONLY = _words("(?<!not )(?<!page )(?:only|just)(?! (?:a|one|the)\\b)", "merely")
NEVER = _words("never", "none", "nobody", "no one", "not one", "nothing")
ALWAYS = _words(
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
ALIKE = _words(
    r"(?:hardly|barely|scarcely) (?:any |a )?differ\w*",
    "no (?:clear |real |notable |significant |marked )?differences?",
    r"(?:not|n['’]t|never) (?:clearly |really |significantly |much |markedly )?(?:differ\w*|stand out)",
    "no different", "(?:about |much |roughly |nearly |almost )?the same", r"similar\w*", "alike", "comparable",
    "in line with", "on (?:a )?par", "close to", "as (?:often|much|many|likely|high|long|low|few|rarely) as",
    "much like", "like (?:all users|everyone|the average|other users|others)", "unremarkable", "(?<!than )usual",
    r"(?<!a )(?<!the )typical(?! (?:user|visitor|session|customer|member|day))", "identical", "indistinguishable",
    "consistent with", "matche?s", "mirrors?", "equal(?:s|ly)?", "middle of the pack",
)  # fmt: skip
NOT = _words("not", "no", "neither", "nor", "hardly", "isn['’]t", "aren['’]t", "don['’]t", "doesn['’]t", "didn['’]t")
MOSTLY = _words("mostly", "mainly", "predominantly", "largely", "primarily", "chiefly", "overwhelmingly", "above all")
MAJORITY = _words(
    "most of", "most (?:users|visitors|people)", "the majority", "a majority", "bulk", "the lion['’]s share", "majority"
)
NEARLY_ALL = _words("(?:nearly|almost|virtually|practically) (?:all|every|everyone|everybody|exclusively|always)")
MINORITY = _words("minority", "a (?:small|tiny) (?:share|part|fraction|number|minority|portion)", "a handful")
HARDLY_ANY = _words("hardly any(?:one|body)?", "(?:almost|virtually|practically|next to) (?:none|nobody|nothing|never)")
LARGEST = _words(
    r"(?<!at )most(?! of\b)", "highest", "largest", "biggest", "greatest", "strongest", "longest", "top",
    "leading", "heaviest", "leads?(?! to)", "more than any(?: other)?", "above all others?", "most frequent",
    "tops the list",
)  # fmt: skip
SMALLEST = _words(
    "(?<!at )least", "lowest", "smallest", "fewest", "shortest", "weakest", "rarest",
    "less than any(?: other)?", "fewer than any(?: other)?",
)  # fmt: skip
BOUNDED = re.compile(  # "more than {x}": the number is what it is, not a bound
    r"\b(?:more than|over|above|at least|upwards? of|less than|fewer than|under|below|at most|up to|nearly|almost)"
    r"\s*(?:the\s*)?$",
    re.IGNORECASE,
)
DIFFERENT = _words(
    r"differ\w*", "stand(?:s|ing)? out", "set(?:s|ting)? (?:them|these users|it) apart", "unusual(?:ly)?",
    r"remarkabl\w*", r"striking\w*", r"notabl\w*", r"distinctive\w*", r"exceptional\w*", r"extraordinar\w*",
)  # fmt: skip
PERHAPS_CHANCE = _words("(?:may|might|could) be chance", "by chance", "not clear", "within chance", "may be random")

# -- what the facts cannot tell --

CHANGE = _words(
    "gr(?:ow|ows|ew|own|owing)", "ris(?:e|es|en|ing)", "rose", "f(?:ell|allen|alling|alls)", "drop(?:s|ped|ping)?",
    r"declin\w+", "shr(?:ink|inks|ank|unk)", r"soar\w*", r"surg(?:e|es|ed|ing)", r"plummet\w*", r"worsen\w*",
    "(?:last|this|next|past) (?:month|week|year|quarter|season|days?)", "yesterday", "over time", "trend(?:s|ing)?",
    "year-on-year", "month-on-month", "improved", "became", "becoming", "climb(?:s|ed|ing)?", "s(?:ink|inks|ank)",
    "anymore", "any more", "nowadays",
)  # fmt: skip
CAUSE = _words(
    "because of", "due to", "thanks to", "caused by", "causes?", "leads? to", "led to", "results? in", "owing to",
    "as a result(?: of)?", "triggers?", "explains?(?: why)?",
)  # fmt: skip
PEOPLE = _words(
    "wom[ae]n", "m[ae]n", "females?", "males?", "mothers?", "fathers?", "parents?", "famil(?:y|ies)", "students?",
    r"teen\w*", "seniors", "pensioners?", "millennials?", "young (?:people|adults?|users|shoppers)", "wealthy",
    "affluent", "(?:high|low)-income", "married", "singles", "educated", "employees?", "professionals?",
)  # fmt: skip
NEGATED_DEED = re.compile(
    r"(?:\b(?:not|never|without|no longer)|n['’]t|\bfail(?:s|ed|ing)? to|\brefus(?:e|es|ed|ing) to)\s+(?:\w+\s+){0,2}$",
    re.I,
)
BUYERS = _words("buyers?", "purchasers?", "paying (?:users|customers)")

# -- numbers as words --

NUMBER_WORDS = _words(
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty|"
    r"thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?",
    "one (?:in|out of|third|half|quarter|percent|per cent)", "hundreds?", "thousands?", "millions?", "billions?",
    "dozens?", "twice", "thrice", "double[sd]?", "doubling", "tripled?", "triples", "triple", "quadrupled?", "half",
    "halves", "halved", "thirds?", "quarters?", "fourth", "fifths?", "sixth", "seventh", "eighth", "ninth", "tenths?",
    r"\w*fold", "zero", "(?:a )?couple of", "second(?! (?:session|visit|time|page))", "percent", "per cent",
    "percentage points?",
)  # fmt: skip

# -- all users, or this group --

EVERYBODY = _words(
    r"all (?:the )?(?:users?|visitors?|people|customers?|shoppers?)(?:['’]s?)?",
    "every(?:one|body)(?: else)?(?! here| in th| of th)",
    "overall", "site-?wide", "across the (?:whole |entire )?(?:site|shop|population|user base)",
    r"(?:the )?(?:average|usual) (?:user|visitor|customer|shopper)s?(?:['’]s?)?", "site average", "whole site",
    "overall average", "the population", "population average", "as a whole", "in general", "baseline", "benchmark",
    "total user base", "general population", "norm",
)  # fmt: skip
THE_REST = _words(
    "(?:all )?other (?:users|visitors|people|customers|shoppers)", "others", "the rest", "the others", "everyone else",
    "the other users", "non-members",
)  # fmt: skip
WEAK_EVERYBODY = _words("average", "all", "total", "mean", "usual", "expected")
VERSUS = _words("versus", "vs", "against", "compared (?:to|with)", "than", "up from", "down from", "beside", "next to")
THIS_GROUP = re.compile(r"\b(?:of|among|for|from) (?:them|these users|this group|this cluster|the group)\b", re.I)

# -- what the number is of --

_BUY = (
    r"b(?:uy|uys|uying|ought)", r"buyers?", r"purchas\w*", r"place[sd]? (?:an )?orders?", r"ordered",
    r"orders?(?! page)",
    r"conver(?:t|ts|ted|ting|sion|sions)", r"paying", "paid for", "made a sale",
)  # fmt: skip
_VIEWS = (
    "page ?views?", "views?", "viewing", "attention", "browsing", "what they (?:view|look at|read|see)", "pageviews?",
    "pages they (?:view|open|visit|see|read|look at)",
)  # fmt: skip
_SEEN = (
    "view(?:s|ed)?", "visit(?:s|ed)?", "saw", "see", "open(?:s|ed)?", "look(?:s|ed)? at", "read", "reach(?:es|ed)?",
    "went to", "go to", "users?", "visitors", "of them", "came across", "been (?:on|to)", "people",
)  # fmt: skip
_ERROR = ("errors?", r"error[- ]pages?", r"broken\b.*", r"fail(?:s|ed|ing|ure|ures)?", r"dead (?:link|page)s?")
OWN: dict[str, re.Pattern[str]] = {
    "page_views_mean": _words("page ?views?", "pageviews?", "pages", "views", "browse deeper"),
    "page_views_median": _words("page ?views?", "pageviews?", "pages", "views", "median", "middle user"),
    "sessions_mean": _words("sessions?", "visits?(?! page)"),
    "engagement_time_mean": _words(
        r"engag\w*", "seconds", "time on (?:the )?site", "dwell", "(?:time|stays?|spends?|active time)"
    ),
    "no_engagement_share": _words(
        r"(?:no|without|zero|not any|lack of|lacks?|any) (?:sign of )?(?:\w+ )?engag\w*", r"(?:un|dis)engaged",
        r"(?:not|n['’]t|never|nor) (?:\w+ )?engag\w*", "passive", "inactive", r"engag\w* (?:with )?nothing",
    ),
    "one_page_share": _words(
        "(?:a )?single[- ]page(?: view)?", r"bounc\w*", "one(?:[- ]|, )pages?", "(?:only|just) one page",
        "leaves? after (?:the )?(?:first|one) page", "left after (?:the )?(?:first|one) page", "sole page",
    ),
    "return_share": _words(
        "return(?:s|ed|ing)?", "c(?:a|o)me(?:s)? back", "coming back", "another session",
        "second (?:session|visit|time)",
        "again", "repeat(?:ed)?", "revisit(?:s|ed)?", "more than one session", "loyal",
    ),
    "direct_share": _words("direct(?:ly)?", "typed", "bookmarks?", "without a referrer"),
    "purchase_rate": _words(*_BUY),
    "item_bought_share": _words(*_BUY),
    "item_viewed_share": _words(*_SEEN),
    "churn_rate": _words(r"churn\w*", "(?:stay|stayed|staying) away", "lapsed", "gone quiet"),
    "revenue_mean": _words("revenue", "sp(?:end|ends|ent|ending)", "sales", "worth", "turnover", "income"),
    "error_page_user_share": _words(*_ERROR),
    "error_page_share": _words(*_ERROR),
    "page_share": _words(*_SEEN),
    "theme_share": _words(*_SEEN),
    "page_type_share": _words(*_SEEN),
    "theme_view_share": _words(*_VIEWS),
    "page_type_view_share": _words(*_VIEWS),
    "landing_page_share": _words(
        "land(?:s|ed|ing)?(?: first)?", "arriv(?:e|es|ed|al|ing)", "ent(?:er|ers|ered|ry|rance)", "start(?:s|ed|ing)?",
        "first page", "beg(?:in|ins|an)", "begun",
    ),
    "channel_share": _words(
        "c(?:o|a)me[s]? (?:first |in |here |to us )?(?:through|via|from|by)", "channels?", "traffic", "sources?",
        "medium",
        "arriv(?:e|es|ed|al|ing)", "referred", "campaigns?", "acquired", "(?:through|via|from|by)",
        "br(?:ing|ings|ought)",
        "directly",
    ),
    "device_share": _words("devices?", r"(?:smart)?phones?", "mobiles?", "desktops?", "tablets?", "computers?",
    "laptops?"),
    "browser_share": _words("browsers?", "us(?:e|es|ed|ing)"),
    "country_share": _words("countr(?:y|ies)", "liv(?:e|es|ing)", "based", "located", "in", "from", "markets?",
    "visitors"),
}  # fmt: skip
# metrics of which it can be told whether prose says what they measure
CHECKED = OWN.keys() | {"users", "user_share"}
# words of a metric that no other number may stand beside
_LOUD = {
    "purchase_rate", "return_share", "one_page_share", "no_engagement_share", "error_page_user_share",
    "landing_page_share", "device_share", "direct_share", "churn_rate",
}  # fmt: skip
_ALSO_LOUD = {
    "revenue_mean": _words("revenue", "sales", "turnover"),
    "sessions_mean": _words("sessions"),
    "engagement_time_mean": _words("seconds", "engagement time", "engaged"),
    "page_type_view_share": _words("page views", "pageviews", "attention"),
    "channel_share": _words("channels?", "traffic", "came (?:first )?(?:through|via)"),
    "browser_share": _words("browsers?"),
    "country_share": _words("countr(?:y|ies)", "live in", "based in"),
}
LOUD: dict[str, re.Pattern[str]] = {metric: OWN[metric] for metric in OWN if metric in _LOUD} | _ALSO_LOUD
# metrics that share their words
_SAME_WORDS = (
    {"page_views_mean", "page_views_median", "page_type_view_share", "theme_view_share", "error_page_share"},
    {"error_page_user_share", "error_page_share", "landing_page_share"},
    {"channel_share", "landing_page_share", "direct_share"},
    {"purchase_rate", "item_bought_share"},
)
PER_SOMETHING_ELSE = re.compile(
    r"\b(?:per|a|each|every|in a) (?:session|visit|day|week|month|hour|minute|year)\b|"
    r"\b(?:daily|weekly|monthly|hourly)\b|"
    r"\bminutes?\b|\bhours?\b",
    re.IGNORECASE,
)
OF_USERS = re.compile(
    r"^\W*of (?:(?:these|those|the|its|all|our|this group['’]s) )?(?:users|visitors|them|people|shoppers|customers|"
    r"members|this (?:group|cluster))(?!['’]s?\b)\b",
    re.IGNORECASE,
)
OF_VIEWS = re.compile(
    r"^\W*of (?:(?:all|their|the|its|a user['’]s|these users['’]) )*"
    r"(?:page ?views?|views|sessions|visits|purchases|orders|revenue|sales)\b",
    re.IGNORECASE,
)
IN_A_SESSION = re.compile(r"\b(?:per|in an?|in each|in every|a) (?:session|visit|day|week|month)\b", re.IGNORECASE)
IN_TOTAL = re.compile(r"\btotals?\b|\bsums?\b|\baltogether\b", re.IGNORECASE)
A_DIFFERENCE = re.compile(  # "{x} more": the number is a value, not a difference
    r"\s*(?:points?\s+)?(?:more|higher|less|fewer|lower|greater|larger|smaller|likelier|shorter|longer|points?)\b",
    re.IGNORECASE,
)
LANDED = _words(
    "land(?:s|ed|ing)?(?: first)?", "first page", "start(?:s|ed)?", "ent(?:er|ers|ered|ry)", "began", "begins?"
)
COUNTED = re.compile(
    r"(?:\b(?:of|the|these|those|all|with|includes?|contains?|comprises?|has|counts?|numbers?|are|is|about|around|"
    r"roughly|size|some|group|cluster|its|holds?|covers?))\W*$",
    re.IGNORECASE,
)


def shares_words(metric: str, other: str) -> bool:
    """Whether both metrics are told in the same words, so that those of one do not speak against the other."""
    return metric == other or any({metric, other} <= group for group in _SAME_WORDS)


# -- how features are called --

FAMILY = {
    "page_share": "page", "landing_page_share": "page", "theme_share": "theme", "theme_view_share": "theme",
    "page_type_share": "page type", "page_type_view_share": "page type", "channel_share": "channel",
    "device_share": "device", "browser_share": "browser", "country_share": "country",
}  # fmt: skip
_SYNONYMS = {
    ("page type", "support"): ("help", "customer service", "help centre", "help center"),
    ("page type", "article"): ("blog", "blog post"),
    ("page type", "article_list"): ("blog list", "article overview", "list of articles"),
    ("page type", "home"): ("homepage", "start page"),
    ("page type", "cart"): ("basket", "shopping cart"),
    ("page type", "comparison"): ("compare", "product comparison"),
    ("page type", "category"): ("categories", "listing"),
    ("page type", "login"): ("log-in", "sign-in"),
    ("page type", "wishlist"): ("wish list",),
    ("page type", "search"): ("search result", "searching"),
    ("theme", "offers"): ("deals", "offer", "deal"),
    ("theme", "brands"): ("brand",),
    ("device", "mobile"): ("phone", "smartphone", "mobile phone", "a phone"),
    ("device", "desktop"): ("computer", "laptop", "desktop computer"),
    ("device", "smart tv"): ("television",),
    ("channel", "(direct) / (none)"): ("direct", "directly", "direct traffic", "direct visit"),
}
_MEDIUMS = {
    "cpc": ("paid search",), "ppc": ("paid search",), "paid_social": ("paid social",), "organic": ("organic search",),
    "email": ("e-mail", "email"), "newsletter": ("newsletter",), "affiliate": ("affiliate",),
    "social": ("social media",),
    "referral": ("referral",), "display": ("display ads",),
}  # fmt: skip


def family(fact: Fact) -> str:
    """Which kind of feature the fact has: facts of one kind can be taken for each other."""
    return FAMILY.get(fact.metric, fact.metric)


def aliases(fact: Fact) -> list[str]:
    """What prose may call the fact's feature without quotes, the feature's own words first."""
    feature = fact.feature or ""
    kind = family(fact)
    found = [feature, label_words(feature)] if _is_plain(feature) else []
    if kind == "theme" and " and " in label_words(feature):
        found.append(label_words(feature).split(" and ")[0])
    if kind == "channel" and " / " in feature and _is_plain(feature):
        source, medium = feature.rsplit(" / ", 1)
        found += [f"{source} {medium}", f"{source}/{medium}", source.strip("()"), *_MEDIUMS.get(medium.lower(), ())]
        found += [f"{source} {word}" for word in _MEDIUMS.get(medium.lower(), ())]
    found += _SYNONYMS.get((kind, feature.lower()), ())
    return list(dict.fromkeys(word for word in found if len(word) > 1))


def _is_plain(feature: str) -> bool:
    """Whether a feature can stand unquoted: a label, a name or an address, not a sentence that makes claims."""
    if not any(map(str.isalpha, feature)):
        return False
    is_address = " " not in feature and ("/" in feature or "." in feature)
    without_numbers = not NUMBER_WORDS.search(feature) and not any(char.isnumeric() for char in feature)
    return is_address or (without_numbers and len(feature.split()) <= 5)
