"""What each metric is called in prose, and what it is a number of."""

import re

from beha2vec_core.insights.vocabulary.pattern import words

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
_LAST_WEEK = r"(?:in|during|within|over) the last (?:week|days)"
_WITHIN_A_WEEK = (
    r"within (?:a|the first|the) (?:first )?week(?: (?:of|after) (?:their|the|a) first (?:day|session|visit))?"
)
_REACHED = r"(?:c[ao]m(?:e|es|ing)|g[eo]ts?|got|goes|go|went|(?:made|makes?|making) it|reach(?:es|ed|ing)?)"
_AT_LEAST = rf"{_REACHED}(?: at least)?(?: as far as| to)?(?: at least)?(?: the| an| a| viewing| adding to| beginning)*"
_TO_A_PURCHASE = r"(?:\w+ ){0,2}?(?:towards?|to) (?:a |the )?(?:purchase|order)"
_FILLED_A_CART = r"(?:put(?:s|ting)?|add(?:s|ed|ing)?) (?:\w+ ){0,2}(?:in|into|to) the (?:cart|basket)"
_BEGAN_CHECKOUT = "(?:began|begun|begin|start(?:ed)?) (?:the )?checkout"
_ERROR = ("errors?", r"error[- ]pages?", r"broken\b.*", r"fail(?:s|ed|ing|ure|ures)?", r"dead (?:link|page)s?")
OWN: dict[str, re.Pattern[str]] = {
    "page_views_mean": words("page ?views?", "pageviews?", "pages", "views", "browse deeper"),
    "page_views_median": words("page ?views?", "pageviews?", "pages", "views"),
    "sessions_mean": words("sessions?", "visits?(?! page)"),
    "engagement_time_mean": words(
        r"engag\w*", "seconds", "time on (?:the )?site", "dwell", "(?:time|stays?|spends?|active time)"
    ),
    "engagement_time_median": words(r"engag\w*", "seconds", "(?:time|stays?|spends?|active time)"),
    "no_engagement_time_share": words(
        r"(?:no|without|zero|not any|lack of|lacks?|any) (?:sign of )?(?:\w+ )?engag\w*", r"(?:un|dis)engaged",
        r"(?:not|n['’]t|never|nor) (?:\w+ )?engag\w*", "passive", "inactive", r"engag\w* (?:with )?nothing",
    ),
    "one_page_view_share": words(
        "(?:a )?single[- ]page(?: view)?", r"bounc\w*", "one(?:[- ]|, )pages?", "(?:only|just) one page",
        "leaves? after (?:the )?(?:first|one) page", "left after (?:the )?(?:first|one) page", "sole page",
    ),
    "return_share": words(
        "return(?:s|ed|ing)?", "c(?:a|o)me(?:s)? back", "coming back", "another session",
        "second (?:session|visit|time)",
        "again", "repeat(?:ed)?", "revisit(?:s|ed)?", "more than one session", "loyal",
    ),
    "first_user_direct_share": words("direct(?:ly)?", "typed", "bookmarks?", "without a referrer"),
    "purchase_rate": words(*_BUY),
    "item_bought_share": words(*_BUY),
    "item_viewed_share": words(*_SEEN),
    "first_week_return_rate": words(
        r"(?:return\w*|c[ao]m(?:e|es|ing) back|(?:were|are|be|is) back|seen again) " + _WITHIN_A_WEEK,
        "(?:first[- ]week|early) returns?(?: rate)?",
    ),
    "churn_rate": words(
        r"churn\w*", f"(?:stay|stayed|staying) away(?: {_LAST_WEEK})?", "lapsed?", "gone quiet",
        f"(?:not seen|unseen)(?: {_LAST_WEEK})?",
    ),
    "inflow_share": words(
        f"(?:joined|came|arrived|moved in)(?: (?:to )?the (?:group|cluster))? {_LAST_WEEK}", "inflow", "newcomers?",
    ),
    "outflow_share": words(f"(?:left|moved (?:on|out))(?: (?:it|the group|the cluster))? {_LAST_WEEK}", "outflow",
    "leavers?"),
    "recency_mean": words(
        r"(?:days? )?since (?:\w+ ){0,3}last (?:visit|session|seen|time)", r"(?:last )?seen(?: \w+)? ?", "days ago",
        "recency", "last (?:visit|session)",
    ),
    "furthest_step_mean": words(
        rf"(?:furthest )?steps? {_TO_A_PURCHASE}", "funnel steps?", "steps? of the funnel", "furthest step",
    ),
    "view_item_share": words("view(?:s|ed|ing)? (?:an |any )?(?:items?|products?)(?! (?:page|of|from|in)\\b)"),
    "add_to_cart_share": words(_FILLED_A_CART),
    "begin_checkout_share": words(_BEGAN_CHECKOUT),
    "reached_item_share": words(rf"(?:{_AT_LEAST}|at least the) (?:view of an item|item view|item|product)(?! pages?)"),
    "reached_cart_share": words(rf"(?:{_AT_LEAST}|at least the) (?:cart|basket)(?! page)"),
    "reached_checkout_share": words(rf"(?:{_AT_LEAST}|at least the) checkout(?! page)"),
    "event_share": words("triggered(?: the event)?", "events?", "fired"),
    "hour_block_event_share": words(
        r"(?:their|these users['’]|a user['’]s) (?:activity|events)", "activity", r"of (?:\w+ ){0,2}events"
    ),
    "item_category_viewed_share": words("items?", "products? (?:of|from|in)"),
    "path_step_share": words(
        "(?:went|go|goes|going|moved?|moving|continued?|clicked|stepped)(?: on| through)?", "within a session",
    ),
    "error_page_views_mean": words(*_ERROR),
    "revenue_mean": words("revenue", "sp(?:end|ends|ent|ending)", "sales", "worth", "turnover", "income"),
    "error_page_user_share": words(*_ERROR),
    "error_page_view_share": words(*_ERROR),
    "page_share": words(*_SEEN),
    "theme_share": words(*_SEEN),
    "page_type_share": words(*_SEEN),
    "theme_view_share": words(*_VIEWS),
    "page_type_view_share": words(*_VIEWS),
    "landing_page_share": words(
        "land(?:s|ed|ing)?(?: first)?", "arriv(?:e|es|ed|al|ing)", "ent(?:er|ers|ered|ry|rance)", "start(?:s|ed|ing)?",
        "first page", "beg(?:in|ins|an)", "begun",
    ),
    "first_user_source_share": words(
        "c(?:o|a)me[s]? (?:first |in |here |to us )?(?:through|via|from|by)", "channels?", "traffic", "sources?",
        "medium",
        "arriv(?:e|es|ed|al|ing)", "referred", "campaigns?", "acquired", "(?:through|via|from|by)",
        "br(?:ing|ings|ought)",
        "directly",
    ),
    "device_share": words("devices?", r"(?:smart)?phones?", "mobiles?", "desktops?", "tablets?", "computers?",
    "laptops?"),
    "browser_share": words("browsers?", "us(?:e|es|ed|ing)"),
    "country_share": words("countr(?:y|ies)", "liv(?:e|es|ing)", "based", "located", "in", "from", "markets?",
    "visitors"),
}  # fmt: skip
_STEPS = (
    "view_item_share", "add_to_cart_share", "begin_checkout_share", "reached_item_share", "reached_cart_share",
    "reached_checkout_share",
)  # fmt: skip
SIZES = {"users", "user_share"}
# metrics of which it can be told whether prose says what they measure
CHECKED = OWN.keys() | SIZES
# words of a metric that no other number may stand beside
_LOUD = {
    "purchase_rate", "return_share", "one_page_view_share", "no_engagement_time_share", "error_page_user_share",
    "landing_page_share", "device_share", "first_user_direct_share", "churn_rate", "first_week_return_rate",
    "inflow_share", "outflow_share", "furthest_step_mean", *_STEPS,
}  # fmt: skip
_ALSO_LOUD = {
    "revenue_mean": words("revenue", "sales", "turnover"),
    "sessions_mean": words("sessions"),
    "engagement_time_mean": words("seconds", "engagement time", "engaged"),
    "page_type_view_share": words("page views", "pageviews", "attention"),
    "first_user_source_share": words("first user source", "channels?", "traffic", "came (?:first )?(?:through|via)"),
    "browser_share": words("browsers?"),
    "country_share": words("countr(?:y|ies)", "live in", "based in"),
    "event_share": words("triggered", "the event"),
    "hour_block_event_share": words(r"of (?:\w+ ){0,3}events", "(?:their|these users['’]|a user['’]s) activity"),
    "item_category_viewed_share": words("items? (?:of|from|in)"),
    "recency_mean": words("recency", "days since", "last seen", "days ago"),
}
LOUD: dict[str, re.Pattern[str]] = {metric: OWN[metric] for metric in OWN if metric in _LOUD} | _ALSO_LOUD
# metrics that share their words
_SAME_WORDS = (
    {"engagement_time_mean", "engagement_time_median"},
    {"page_views_mean", "page_views_median", "page_type_view_share", "theme_view_share", "error_page_view_share"},
    {"error_page_user_share", "error_page_view_share", "landing_page_share"},
    {"error_page_user_share", "error_page_view_share", "error_page_views_mean"},
    {"item_viewed_share", "item_category_viewed_share", "view_item_share"},
    {"first_user_source_share", "landing_page_share", "first_user_direct_share"},
    {"purchase_rate", "item_bought_share"},
)
# metrics of users who saw something at all: many words do
_GENERIC = {"page_share", "theme_share", "page_type_share"}
# what users do beyond that: such words are never of a generic metric
DEEDS = words(
    "(?:c[ao]me|g[eo]ts?|went) as far as", "made it to", "reach(?:es|ed)? at least", "triggered",
    "items? (?:of|from|in)", "within a session",
    _FILLED_A_CART, _BEGAN_CHECKOUT,
)  # fmt: skip
OF_BUYERS = {"purchase_rate", "item_bought_share", "furthest_step_mean", *_STEPS}
# of what a share is one, where not of users
SHARE_OF = {
    "page_type_view_share": "page views", "theme_view_share": "page views", "error_page_view_share": "page views",
    "hour_block_event_share": "events",
}  # fmt: skip
# metrics that look at the last days beside those before
OVER_TIME = {"churn_rate", "inflow_share", "outflow_share"}
MEDIAN = re.compile(r"\b(?:medians?|middle user|typical user)\b", re.IGNORECASE)
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
LANDED = words(
    "land(?:s|ed|ing)?(?: first)?", "first page", "start(?:s|ed)?", "ent(?:er|ers|ered|ry)", "began", "begins?"
)
COUNTED = re.compile(
    r"(?:\b(?:of|the|these|those|all|with|includes?|contains?|comprises?|has|counts?|numbers?|are|is|about|around|"
    r"roughly|size|some|group|cluster|its|holds?|covers?))\W*$",
    re.IGNORECASE,
)
NEGATED_DEED = re.compile(
    r"(?:\b(?:not|never|without|no longer)|n['’]t|\bfail(?:s|ed|ing)? to|\brefus(?:e|es|ed|ing) to)\s+(?:\w+\s+){0,2}$",
    re.I,
)
BUYERS = words("buyers?", "purchasers?", "paying (?:users|customers)")


def is_generic(metric: str) -> bool:
    """Whether the metric is of users who saw something at all."""
    return metric in _GENERIC


def shares_words(metric: str, other: str) -> bool:
    """Whether both metrics are told in the same words, so that those of one do not speak against the other."""
    return metric == other or any({metric, other} <= group for group in _SAME_WORDS)
