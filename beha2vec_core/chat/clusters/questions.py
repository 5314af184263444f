"""What a question's words stand for: clusters, metrics, and what is asked about them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from beha2vec_core.chat.data.published import Fact, Overview
from beha2vec_core.chat.parts.grammar import FILLERS
from beha2vec_core.chat.words.empty_words import is_aside, without_asides
from beha2vec_core.chat.words.lemmas import words_of_event
from beha2vec_core.chat.words.numbers import NUMBER_WORDS, count_of
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.predictions.targets import PURCHASE, RETURN
from beha2vec_core.profiles.metrics import METRICS
from beha2vec_core.profiles.metrics import metric as metric_of

_KEYS = r"(-?\d+)"
CLUSTER = re.compile(rf"\bcluster\s*#?\s*{_KEYS}", re.IGNORECASE)
TWO = re.compile(
    rf"(?:\bclusters?\s*#?\s*)?{_KEYS}\s*(?:and|with|to|vs\.?|versus|against|or|,|"
    rf"&)\s*(?:cluster\s*#?\s*)?{_KEYS}(?!\d)",
    re.IGNORECASE,
)
COMPARE = re.compile(r"\b(compare|comparison|differ\w*|vs\.?|versus|against)\b", re.IGNORECASE)
FUNNEL = re.compile(r"\b(leak\w*|checkouts?|funnel|abandon\w*|drop\w*|(?:lose|lost) (?:at|in|before))\b", re.IGNORECASE)
SIMILAR = re.compile(r"\b(resembl\w*|similar|look-?alikes?|like user|nearest|closest)\b", re.IGNORECASE)
MOVES = re.compile(r"\b(move\w*|transition\w*|migrat\w*|flow\w*|becomes?|became)\b", re.IGNORECASE)
PATHS = re.compile(r"\b(paths?|steps?|journeys?|walk)\b", re.IGNORECASE)
BEFORE = re.compile(
    r"(?i)\b(before|lead\w* to|precede\w*|on the way to)\b.*\b(buy\w*|purchas\w*|order\w*|convert|active)\b"
)
_SOMEONE = rf"(?:(?:an?|the|our|most|typical|average|new) )*(?:{PEOPLE}|they|someone|somebody|everyone)"
_BUYING = (
    r"(?:(?:they|the|their|an?|making|placing|make|place|first|finally|actually|even|decide|deciding|to) )*"
    r"(?:buy(?:ers|ing)?|purchas(?:es?|ing)|orders?|ordering|convert(?:ing)?|conversions?|checking out)"
)
_OTHERS_DO_NOT = (  # matched users who did not buy are what it is compared with
    r"(?:,? (?:that|which|but|and|unlike|more (?:often )?than|compared (?:to|with))\b.*\b(?:others?|other people|"
    rf"(?:other|the other) (?:{PEOPLE})|non[- ]?buyers|the rest|everyone else|who do not buy)\b[\w\s']*)?"
)
_DONE = (
    r"(?:do|does|did|doing|done|looks? at|looked at|looking at|views?|viewed|viewing|sees?|saw|seen|visits?|visited|"
    r"visiting|reads?|browsed?|browsing|opens?|opened|goes? to|went to|happens?|comes?|check(?:s|ed)? out)"
)
_BEFORE_BUYING = re.compile(
    r"(?i)\W*(?:(?:and|so|show me|list|tell me) )*(?:"
    r"(?:what|(?:what|which) (?:pages?|events?|actions?|steps?)) (?:drives?|makes?|leads?)\b[\w\s]*\b"
    r"(?:buy(?:ers|ing)?|purchas(?:es?|ing)|orders?|ordering|convert|conversions?)|"
    r"(?:(?:what|which|the|most|common|typical|popular|other|kinds?|of|pages?|content|events?|actions?|steps?|things?|"
    rf"do|does|did|are|is|that) )+(?:{_SOMEONE} )?(?:(?:usually|typically|mostly|often|have|had) )*{_DONE}"
    rf"(?: (?:at|most|most often|usually|often|right|just|shortly|immediately|directly|straight))* before {_BUYING}"
    rf"{_OTHERS_DO_NOT}|what do (?:(?:the|our) )*buyers (?:usually )?do (?:that|which) (?:others|non[- ]?buyers|"
    rf"(?:the )?others?(?: (?:{PEOPLE}))?) (?:do not|don't)(?: do)?(?: before {_BUYING})?)\W*"
)
LIST = re.compile(
    r"\bclusters\b|\b(overview|summary|everything)\b|\bwhich (groups|clusters)\b|\bwho are (our|the|my)\b",
    re.IGNORECASE,
)
KINDS_OF_USERS = re.compile(
    r"(?i)^\W*(?:describe|list|show|explain)(?: me)? (?:all |the |our |my |all our )?(?:\w+ )?(?:clusters|segments|"
    r"groups)\W*$|^\W*(?:what|which) (?:different )?(?:kinds?|types?|sorts?|groups?|segments?) of (?:users?|customers?|"
    r"visitors?|people|shoppers?)(?: (?:do we have|are there|visit us|exist|come to us))?\W*$"
)
# "which segment", "by segment", "segments of users", "segment 3"; the verb is another word: "segment orders by device"
_SEGMENT = re.compile(
    r"(?i)\b(which|what|each|every|per|by|our|the|this|that|a|an|any|all|in|of|from|biggest|largest|smallest|best|"
    r"worst|and|vs|two|with)((?:\s+(?:user|customer|audience|visitor|behaviou?ral|of))*)\s+segment(s?)\b|\b(?:(?:user|"
    r"customer|audience|visitor)\s+)?segment(s)\b|\bsegment(?=\s*#?\s*-?\d)"
)
# "which types of users never buy", "which group is most likely to buy": but "which age group", "user type"
GROUP = re.compile(
    r"(?i)\b(which|what|each|every|per|by|our|the|biggest|largest|smallest|best|worst)\s+(?:(?:type|kind|sort|group|"
    r"segment)(s?) of (?:users?|visitors?|customers?|people|shoppers?|audience)|(?:user|customer|visitor|"
    r"audience)[ -]group(s?)|group(s?)(?=\W*$| (?:is|are|was|were|has|have|had|buys?|bought|spends?|spent|never|"
    r"converts?|visits?|brings?|will|do|does|should|leaks?|abandons?|comes?|uses?|reads?|loses?|grew|"
    r"grows?|shrank|shrinks?|gained|by|with the)\b))"
)
GROWS = re.compile(
    r"(?i)\b(?:gr[eo]w\w*|shr[iau]nk\w*|(?:bigger|smaller|larger)|(?:in|de)creas\w*|declin\w*|"
    r"los(?:e|ing) (?:users|members)|lost most)\b"
)
DESCRIBE = re.compile(
    r"(?i)^\W*(?:(?:please|can you|could you) )*(?:describe|tell me (?:more |something )?about|profile (?:of|for)|"
    r"(?:build|give|make|show)(?: me)? (?:a |the )?(?:short |quick )?profile (?:of|for)|what do we know about|what "
    r"(?:kinds?|sorts?|types?) of|what(?:'s| is) the profile of|(?:what|how) does) (?:(?:the|our|all|an?|typical|"
    rf"average) )*(?:(?:{PEOPLE}) (?=buy|bought|order|purchas)|(?=.*\b(?:{PEOPLE})\b))"
)
TYPICAL = re.compile(r"\bdescribe (?:the|our|a|an) (?:typical|average) (?:user|visitor)s?\W*$", re.IGNORECASE)
_LEAST = re.compile(r"\b(least|fewest|lowest|smallest|worst|less|never)\b", re.IGNORECASE)
_JUDGED = re.compile(r"\b(best|worst)\b", re.IGNORECASE)
SUPERLATIVE = re.compile(r"\b(most|least|\w+est)\b", re.IGNORECASE)
NEXT = re.compile(r"\b(should|next|actions?|recommend\w*|advi[cs]e|ideas?)\b", re.IGNORECASE)
PERSONA = re.compile(
    r"\b(persona|describe|who|tell|about|profile|what (is|are)|explain|summar\w*|show|build)\b", re.IGNORECASE
)
PREDICTED = re.compile(
    r"(?i)\b(at risk|risk (?:of|to)|churn risk|(?:purchase|churn|propensity|return) (?:models?|scores?)|"
    r"(?:chances?|odds) (?:of|that|to|for)|(?:un)?likel\w*|probab\w*|predict\w*|forecast\w*|expect\w*|will|"
    r"won['’]t|going to|"
    r"about to|(?:next|coming) (?:week|month|\d+ (?:days|weeks)))\b"
)
LIKELY_GROUP = re.compile(  # of clusters, and of no days to come
    r"(?i)(?<=cluster )(?:is|are|has|have) (?:the )?(?:most|highest) (?:likely|likelihood|chance|probability) (?:to|"
    r"of) (?:buy(?:ing)?|order(?:ing)?|purchas(?:e|ing)|convert(?:ing)?)(?=\W*$)"
)
_COMING = r"return\w*|com(?:e|es|ing) (?:back|again)"
_LEAVING = (
    r"churn\w*|leav\w*|stay away|at risk(?! (?:of|to)\b)|laps(?:e|es|ing)|"
    r"los(?:e|ing)\b(?!.*\b(?:carts?|checkout|steps?|pages?|funnel|revenue|sales|money|orders?|interest)\b)"
)
_PREDICTED_TARGETS = {  # words of a question, by target; the first that is found
    RETURN: rf"{_COMING}|{_LEAVING}|retention",
    PURCHASE: r"buy\w*|purchas\w*|orders?|convert\w*|spend\w*|revenue|sales|worth|customers?",
}
_NEGATED = re.compile(r"\b(?:unlikel\w*|not|never|stop|(?<!at )least|lowest)\b|n['’]t\b", re.IGNORECASE)
_SOME = rf"(?:{PEOPLE})"
_GROUPS = r"(?:clusters?|segments?|groups?|personas?)"
_OF_USERS = re.compile(rf"\b(?:who|whom|{_SOME}|{_GROUPS})\b", re.IGNORECASE)
# the total of the site, or what users will do, when and how: predictions are of known users
_OF_THE_SITE = re.compile(
    rf"(?i)\b(?:when|where|why|what(?!\s+(?:{_SOME}|{_GROUPS})\b)|how(?! likely| many (?:of )?(?:(?:our|the|all|my|"
    rf"known|those|these|active) )*(?:{_SOME}|them|those)(?: who| that)? (?:(?:will|are|is|might|may|could|do|can)\b"
    r"(?! (?:there|be)\b| we (?!(?:\w+ )*los|(?:\w+ )?expect to\b)))))\b|"
    rf"\bnumber of\b(?! {_SOME} (?:who|that) will\b)"
)
OF_SITE = "I predict which known users and clusters will do something, not what the site will sell."
OF_SOME = "Predictions are of all known users, or of those who have bought before, or who never have."
NO_ORDERS = (
    "Orders are not predicted, and neither is what new users will do. This is how many of the known users are expected "
    "to buy; each may place several orders."
)
_ORDERS_TO_COME = re.compile(
    r"\W*(?:and |so )*(?:how many|(?:the )?number of) (?:orders|purchases|sales)\b"
    r"(?!.*\b(?:if|when|per|by|each|every|average|again|repeat|new|first)\b).*",
    re.IGNORECASE,
)
_SPENDS_MOST = re.compile(r"(?i)\b(?:spend\w*|worth)\b.*\b(?:most|more|highest)\b|\bmost (?:revenue|money|valuable)\b")
_ASKS_USERS = re.compile(
    rf"^(?!.*\bhow many\b).*\b(?:who|whom|whose|(?:which|what) (?:\w+ )?{_SOME}|list|names?|score[sd]?)\b",
    re.IGNORECASE,
)
_MONEY = r"(?:revenue|sales|turnover|income|money|takings)"
_REVENUE_TO_COME = re.compile(
    rf"\b(?:{_MONEY}\b.*\b(?:expect|predict|forecast)|(?:expect|predict|forecast)\w*\b.*\b{_MONEY}\b|"
    rf"{_MONEY}\b.*\b(?:will|next|coming)\b|(?:will|next|coming)\b.*\b{_MONEY}\b|"
    r"how much (?:will|are|is) (?:we|(?:our |the )?(?:users?|customers?|buyers?|people|shop))\b.*"
    r"\b(?:sell|earn|make|spend|buy))",
    re.IGNORECASE,
)
_OF_GOODS = re.compile(r"(?i)\brefund\w*|\breturn\w* (?:\w+ )?(?:orders?|items?|products?|goods|purchases?)\b")
_BACK_AGAIN = re.compile(r"(?i)\b(?:back|return|visit)(?: \w+)? again\b")
_SOME_BUYERS = re.compile(
    r"(?i)\b(?:again|(?:repeat|existing|loyal|new|first[\s-]time) (?:customers?|buyers?|shoppers?))\b"
)
_SHARE = re.compile(
    rf"(?i)\b(?:share|percent\w*|proportion|part|fraction) of (?:(?:the|our|all|known|these|those) )*"
    rf"(?:{_SOME}|them|{_GROUPS})\b|\b(?:average|mean|typical) (?:probabilit(?:y|ies)|chances?|likelihood|{_SOME})\b|"
    r"\b(?:probabilit(?:y|ies)|chances?|likelihood|odds|propensity)\b|\b(?:how|more|less) likely\b"
)
_MOST_LIKELY = re.compile(
    rf"(?i)\b(?:which|what) {_GROUPS}\b(?!.*\b{_SOME}\b).*\b(?:most|least|highest|lowest|likeliest|greatest)\b"
)
_SO_FAR = (
    r"(?: (?:anything|something|before|already|yet|so far|once|in the past|previously|from us|with us|here|at all))*"
)
_AND_IS = r"(?=\W*$|\W+(?:and|but|yet|is|are|will|may|might|could|who|that|to)\b)(?:,? (?:and|but|yet)\b(?: who)?)?"
_OF_BUYERS = (  # whether they have bought before, the words that say so, and what stands in their place
    (False, rf"\b(?P<who>(?:who|that|which) )?(?:(?:(?:have|has|had) )?(?:never|not)(?: yet| ever)? (?:bought|ordered|"
     rf"purchased)|did(?: not|n't)(?: ever)? (?:buy|order|purchase)){_SO_FAR}{_AND_IS}", r"\g<who>"),
    (False, r"\bnon[ -]?buyers\b", "users"),
    (False, r"\b(?:buys?|orders?|purchases?) (?:\w+ )?for the first time\b|\b(?:make|place)s? (?:their|a) first "
     r"(?:order|purchase)\b", "buy"),
    (True, rf"\b(?P<who>(?:who|that|which) )(?:(?:have|has|had) )?(?:(?:already|ever|previously|once) )*(?:bought|"
     rf"ordered|purchased){_SO_FAR}{_AND_IS}", r"\g<who>"),
    (True, r"\b(?P<does>buy|buys|order|orders|purchase|purchases) again\b", r"\g<does>"),
    (True, r"\b(?:existing|past|previous|former|current) (?:customers?|buyers?|shoppers?)\b", "users"),
)  # fmt: skip
_RIGHT = (
    r"good|bad|reliab\w*|accura\w*|trust\w*|right(?! now)|wrong|precis\w*|correct\w*|well|sure|certain|confiden\w*|"
    r"believ\w*|rely|quality|au?roc|auc|calibrat\w*|errors?|validat\w*|tested|backtest\w*|evaluat\w*|depend\w*|"
    r"perform\w*|worth|work\w*|hold up|come true|came true"
)
_MODEL = r"predictions?|predict(?:ing|ed)?|forecasts?|probabilit(?:y|ies)|likelihoods?|models?|scores?"
_OF_EACH = re.compile(
    rf"\b(?:who|whom|whose|{_GROUPS}|each|every|per|by|most|least|highest|lowest|more|less|new|average|orders?|"
    r"likely|increas\w*|grow\w*|rais\w*|affect\w*|why|when|where)\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    rf"(?i)\b(?:(?:top|first|bottom)\s+(\d+|{'|'.join(NUMBER_WORDS)})|(\d+)\s+(?:\w+\s+){{0,3}}?{_SOME})\b"
)
_CARTS = re.compile(r"\b(?:carts?|baskets?)\b", re.IGNORECASE)
_OF_PREDICTIONS = re.compile(
    r"(?i)\b(?:(?:according to|based on) (?:your|the|our|this)|model|place|placing|add\w*|once|again|soon|probably|"
    r"highest|lowest|next|window|risk|first|time|chance\w*|propensity|score\w*|someone|won|ll|re|be|due)\b"
)
_UNITS = {"tomorrow": 1, "day": 1, "week": 7, "fortnight": 14, "month": 28, "quarter": 91, "year": 365}
_DURATION = re.compile(rf"\b(\d+|{'|'.join(NUMBER_WORDS)})?[\s-]*({'|'.join(_UNITS)})s?\b", re.IGNORECASE)
_NO_CONTENT = """
    the a an of in on at for to and or is are was were do does did which who what where when how cluster
    clusters most least more less than with by from user users show me tell about many much their they it its
    this that compare give list all get my our us we i any there
"""
EMPTY_WORDS = frozenset(_NO_CONTENT.split())


def of_clusters(question: str) -> str:
    """The question with "cluster" in place of "segment", where it is a noun."""
    return _SEGMENT.sub(lambda found: f"{found[1] or ''} cluster{found[3] or found[4] or ''}".strip(), question)


def without_names(question: str, overview: Overview) -> str:
    """The question without names of clusters: "apparel buyers" asks for no purchases."""
    for cluster in overview.clusters:
        question = re.sub(re.escape(cluster.name), " ", question, flags=re.IGNORECASE)
    return question


def metrics_named(question: str) -> list[tuple[str, str | None]]:
    """Metrics that the question's words stand for, in the order of their ranks."""
    asked = sorted(
        ((words, metric.name) for metric in METRICS.values() for words in metric.asked), key=lambda pair: pair[0].rank
    )
    found = [
        (name, words.feature)
        for words, owner in asked
        if re.search(rf"\b(?:{words.words})\b", question, re.IGNORECASE)
        for name in (owner, *words.beside)
    ]
    # "where do buyers come from": of the two, the channel is what is asked for
    return sorted(dict.fromkeys(found), key=lambda metric: metric[0] in ("purchase_rate", "revenue_mean"))


def asks_before_buying(question: str) -> bool:
    """Whether it is asked what people do before they buy, of no part of them."""
    return _BEFORE_BUYING.fullmatch(question) is not None


def target_asked(question: str, predicted: Iterable[str] = ()) -> str | None:
    """The target of predictions that the question asks for; None: none.

    Events are found by the words of their names, in order: "adds something to the cart" asks for add_to_cart.
    """
    words = {
        event: words_of_event(event) for event in predicted if event not in _PREDICTED_TARGETS
    } | _PREDICTED_TARGETS
    asked = question.replace("_", " ")
    return next((target for target, some in words.items() if re.search(rf"\b(?:{some})\b", asked, re.IGNORECASE)), None)


def asks_unlikely(question: str, target: str) -> bool:
    """Whether the question asks for the users who do it with the lowest probability: who leaves does not return."""
    is_named = re.search(rf"\b(?:{_COMING})\b", question, re.IGNORECASE)
    leaving = target == RETURN and not is_named and re.search(rf"\b(?:{_LEAVING})\b", question, re.IGNORECASE)
    return bool(leaving) != (_NEGATED.search(question) is not None)


def of_buyers(question: str, target: str) -> tuple[str, bool | None]:
    """The question without words for those who have bought before (True) or never have (False); None: it has none."""
    bought = None
    buyers = (True, r"\bbuyers\b", "users")  # who will buy is no buyer yet
    for kind, pattern, new in (*_OF_BUYERS, *([buyers] if target == RETURN else [])):
        text = re.sub(pattern, new, question, flags=re.IGNORECASE)
        if text != question and bought in (None, kind):
            question, bought = " ".join(text.split()), kind
    return question, bought


def asks_share(question: str) -> bool:
    """Whether it is asked for the probability of users who are not one by one asked for, or for their share."""
    return _SHARE.search(question) is not None and not asks_users(question)


def asks_most_likely(question: str) -> bool:
    """Whether it is asked for the cluster with the highest or lowest share of users who will do something."""
    return _MOST_LIKELY.search(question) is not None


def asks_how_right(question: str) -> bool:
    """Whether it is asked how right predictions are."""
    text = question.lower()
    if not (re.search(rf"\b(?:{_RIGHT})\b", text) and re.search(rf"\b(?:{_MODEL})\b", text)):
        return False
    targets = "|".join(_PREDICTED_TARGETS.values())
    known = (
        _RIGHT,
        _MODEL,
        targets,
        _DURATION.pattern,
        r"really|actually|how|can|could|should|will|the|next|numbers?|so",
    )
    return not re.match(r"\W*(?:who|which|list|show)\b", text) and not left_over(text, *known)


def asks_users(question: str) -> bool:
    """Whether the users themselves are asked for, not how many they are: who, which customers, the top 20 users."""
    return _ASKS_USERS.search(question) is not None or _NUMBERED.search(question) is not None


def asks_revenue(question: str) -> bool:
    """Whether the revenue of days to come is asked for, of all known users."""
    return _REVENUE_TO_COME.search(question) is not None and _OF_EACH.search(question) is None


def users_asked(question: str) -> int:
    """How many users the question asks for; 10 where it does not say."""
    found = _NUMBERED.search(question)
    number = (found[1] or found[2]).lower() if found else "10"
    return max(1, count_of(number))


def not_predicted(
    question: str, unknown: Iterable[str], kinds: Iterable[str], predicted: Iterable[str] = ()
) -> str | None:
    """Why predictions do not answer the question, in a sentence; None: they do.

    Args:
        unknown: words that the reading of metrics did not understand: predictions have words of their own.
        kinds: of its words, as of a `Reading`.
    """
    target = target_asked(question, predicted)
    question, _ = of_buyers(question, target or "")
    has_groups = re.search(rf"\b{_GROUPS}\b", question, re.IGNORECASE) is not None
    is_total, is_share = asks_revenue(question), asks_share(question)
    if not is_total and (
        not _OF_USERS.search(question) or (_OF_THE_SITE.search(question) and not (has_groups or is_share))
    ):
        return OF_SITE
    if _OF_GOODS.search(question):
        return "Returns of items and refunds are not predicted."
    if _SOME_BUYERS.search(question) and not (target == RETURN and _BACK_AGAIN.search(question)):
        return OF_SOME
    if not is_total and _SPENDS_MOST.search(question) and not has_groups:
        return "I predict who will buy, not how much each user will spend."
    is_said = {"share": is_share, "average": is_share, "change": target == RETURN and asks_unlikely(question, RETURN)}
    for kind, words in (("share", "shares"), ("trend", "trends"), ("change", "changes"), ("average", "averages")):
        if kind in kinds and not is_said.get(kind):
            return f"I predict numbers of users, not {words}."
    if "compare" in kinds and not has_groups:
        return "I compare predictions of clusters only."
    left = question.lower().replace("_", " ")
    for pattern in (PREDICTED, _SHARE, _NUMBERED, _DURATION, _NEGATED, _OF_PREDICTIONS, CLUSTER, TWO):
        left = pattern.sub(" ", left)
    for target in (*_PREDICTED_TARGETS.values(), *map(words_of_event, predicted)):
        left = re.sub(target, " ", left)
    rest = [f"“{word}”" for word in unknown if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", left)]
    return f"I did not understand {', '.join(rest)}." if rest else None


def of_known_buyers(question: str, unknown: Sequence[str]) -> str | None:
    """How many users will buy, asked in place of how many orders there will be; None where it asks something else."""
    left = [word for word in unknown if not (PREDICTED.search(word) or word in ("next", "coming", *NUMBER_WORDS))]
    if left or not _ORDERS_TO_COME.fullmatch(question) or _SOME_BUYERS.search(question):
        return None
    days = days_asked(question)
    return f"how many users will buy{f' in the next {days} days' if days else ''}?"


def of_carts(question: str) -> bool:
    """Whether it is about leaving carts, not about checkout or all steps."""
    others = re.search(r"\b(?:checkouts?|funnel)\b", question, re.IGNORECASE)
    return _CARTS.search(question) is not None and FUNNEL.search(question) is not None and others is None


def days_asked(question: str) -> int | None:
    """The duration in the question, in days; None where there is none."""
    found = _DURATION.search(question)
    if not found:
        return None
    number, unit = (found[1] or "1").lower(), found[2].lower()
    return count_of(number) * _UNITS[unit]


def asks_least(question: str, metric: str) -> bool:
    """Whether the question asks for the lowest value; the worst is the highest where less is better."""
    judged = _JUDGED.search(question)
    if judged and metric_of(metric).better < 0:
        return judged.group().lower() == "best"
    return bool(_LEAST.search(question))


def content_words(text: str) -> list[str]:
    """Words that say something, in small letters."""
    return [word for word in re.findall(r"[\w-]{3,}", text.lower()) if word not in EMPTY_WORDS]


def hits(fact: Fact, words: Collection[str]) -> list[str]:
    """The words that the fact has, in its metric, feature or title."""
    text = f"{fact.metric.replace('_', ' ')} {(fact.feature or '').replace('_', ' ')} {fact.title or ''}".lower()
    ends = {word: "" if len(word) > 3 else "(?![a-z])" for word in words}  # "new" is no "news"
    return [word for word in words if re.search(rf"(?<![a-z0-9]){re.escape(_stem(word))}{ends[word]}", text)]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") else word


_LOOKED_UP = re.compile(
    r"(?i)\b(buy\w*|lose|losing|lost|stop\w*|where|do|drop\w*|off|leak\w*|before|after|lead\w*|leave|there|biggest|"
    r"step\w*|next|overview|summary|everything|groups?|describe|profile)\b"
)


# words that say nothing beside what a look-up is about; people are the members of clusters, but for buyers
_BESIDE = re.compile(
    rf"(?i){CLUSTER.pattern}|{TWO.pattern}|\b(?:users?|customers?|visitors?|people|shoppers?|members?|someone|"
    rf"audiences?|{_GROUPS}|all|others?|another|every|together|in common|numbers?|compared?|average (?=user|customer|"
    r"visitor|buyer))\b"
)
_COUNTED = re.compile(r"\b(?:how (?:many|much|long|often)|(?:average|total) number|number of|average)\b", re.IGNORECASE)
OF_FUNNELS = (
    r"(?:leak|drop|abandon|los|leav|stop|exit|end|quit|fail|step|stage|point|worst|most|biggest|session|visit|order|"
    r"purchas|buy|finish|complet|cart|checkout|funnel|where|off|out|before|why|not|conver)\w*"
)
OF_BUYING = (
    r"before|lead\w*|preced\w*|way|(?:buy|purchas|order|convert|conversion|active|driv|mak|typical|usual|become|"
    r"likel)\w*|became|right|pages?|events?|actions?|steps?|an?"
)
OF_MOVES = rf"{MOVES.pattern}|next|into|between|over time|most|often|frequent\w*|where"
OF_PATHS = rf"{PATHS.pattern}|tak\w*|often|frequent\w*|typical\w*|usual\w*|common\w*|order|next|more"
OF_ACTIONS = rf"{NEXT.pattern}|reach|target\w*|offer\w*|approach|treat|campaigns?|market\w*|steps?|run|win"
OF_PERSONAS = (
    rf"{PERSONA.pattern}|buyer persona|special|unusual|typical\w*|distinct\w*|character\w*|different|stands? out|"
    r"kinds?|sorts?|types?|looks?|like|behav\w*|overview|more|details?|facts?|short|brief|descriptions?|rest|makes?"
)
OF_COMPARISONS = rf"{COMPARE.pattern}|between|than|distinguish\w*|apart|rest"
OF_LISTS = (
    rf"{LIST.pattern}|summari[sz]e|per|each|number|sizes?|big|large|small|exist|named?|names|kinds?|types?|sorts?"
)


def words_of(metrics: Iterable[tuple[str, str | None]]) -> str:
    """A pattern: the words of questions that ask for these metrics."""
    chosen = {*metrics}
    found = [
        words.words
        for one in METRICS.values()
        for words in one.asked
        if {(name, words.feature) for name in (one.name, *words.beside)} & chosen
    ]
    return "|".join(found) or r"(?!)"


def left_over(question: str, *patterns: str, counts: bool = True) -> list[str]:
    """Words of a question that none of the patterns knows, so that an answer could be to another question.

    Args:
        patterns: of what the answer is about.
        counts: whether the answer has numbers of what is asked for.
    """
    found = [] if counts else [one[0] for one in _COUNTED.finditer(_BESIDE.sub(" ", question))]
    text = _BESIDE.sub(" ", question)
    for pattern in patterns:
        text = re.sub(rf"\b(?:{pattern})\b", " ", text, flags=re.IGNORECASE)
    words = [
        word.strip("'-") for word in re.findall(r"[^\W\d_][\w'-]*", without_asides(text.lower().replace("\u2019", "'")))
    ]
    empty = EMPTY_WORDS | FILLERS
    words = [word for word in words if not {word, word.removesuffix("s")} & empty and len(word) > 1]
    return found + [word for word in words if not is_aside(word)]


def explained(word: str) -> bool:
    """Whether the look-up among clusters and facts knows the word."""
    patterns = (_LOOKED_UP, FUNNEL, MOVES, PATHS, SUPERLATIVE, PERSONA)
    return any(pattern.search(word) for pattern in patterns) or bool(metrics_named(word))
