"""Questions that continue a prediction or clusters: "and in the next 28 days?", "which of them buys?"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from beha2vec_core.chat.answers.answer import Prediction
from beha2vec_core.chat.clusters.questions import days_asked, target_asked
from beha2vec_core.chat.reading.shown_again import TAIL, place_asked
from beha2vec_core.chat.words.numbers import NUMBER_WORDS
from beha2vec_core.predictions.targets import PURCHASE
from beha2vec_core.predictions.wording import does

_LEAD = r"\W*(?:(?:ok|okay|so|and|but|now|then|what about|how about|is it|will it be|also)\b\W*)*"
_THEM = r"(?:that|it|this|they|these|those|them)"
_TIME = (
    r"(?:(?:in|for|over|within|during|on|of) )?(?:the )?(?:next|coming|following)?\s*(?:(?:\d+|a|the|next|coming|"
    rf"{'|'.join(NUMBER_WORDS)}) )*(?:days?|weeks?|months?|quarters?|fortnight|tomorrow)"
)
_IN_TIME = re.compile(rf"{_LEAD}(?P<time>{_TIME})\W*", re.IGNORECASE)
_SUM = r"(?:revenue|money|turnover|income|value|euros?|eur)"
_MONEY = re.compile(
    rf"(?:{_LEAD}(?:(?:how much|what)(?: {_SUM})? (?:is|are|will|would|do|does) {_THEM} (?:be |(?:going|likely|"
    rf"expected) to )*(?:(?:worth|spend|make|bring(?: in| us)?)(?: in {_SUM})?|in {_SUM})|"
    rf"(?:how much|what) {_SUM} (?:do|can|should) (?:we|i) expect(?: from {_THEM})?|(?:how much|what) {_SUM} (?:is|are|"
    rf"will|would) {_THEM}(?: be)?|(?:the |what is the |what's the )?(?:expected|predicted) {_SUM}(?: (?:of|from) "
    rf"{_THEM})?)|\W*(?:and|what about|how about) (?:the |in )?{_SUM}(?: (?:of|from) {_THEM})?)(?: (?P<time>{_TIME}))?"
    r"(?:,? (?:all in all|altogether|in total|overall))?\W*",
    re.IGNORECASE,
)
_MOST = r"(?:mostly|mainly|most)"
_CLUSTERS = re.compile(
    rf"{_LEAD}(?:(?:in |from )?(?:which|what) (?:cluster|segment)s? (?:(?:is|are|do|does|will|would) {_THEM}|{_MOST})"
    rf"(?: (?:{_MOST}|in|be|come|from|belong|to))*|(?:(?:split|broken down|show (?:it|that|them)) )?(?:by|per|"
    rf"in each|for each) (?:cluster|segment)s?)\W*",
    re.IGNORECASE,
)
_ONE_CLUSTER = re.compile(
    rf"{_LEAD}(?P<beside>(?:(?:and|how does (?:that|it)) )?(?:compared? (?:to|with)|vs\.?|versus|against) )?"
    r"(?:(?:in|of|for|from|only|just) )*(?:the )?(?:users of )?(?:cluster|segment) (?P<key>-?\d+)(?: only)?\W*",
    re.IGNORECASE,
)
_WHO = re.compile(
    rf"{_LEAD}(?:who (?:is|are) {_THEM}|(?:show|list|name)(?: me)? (?:them|these|those))\W*", re.IGNORECASE
)
_USERS = re.compile(
    rf"{_LEAD}how many(?: (?:users|people|customers|buyers|visitors))?(?: (?:(?:is|are|will) (?:{_THEM}|there)(?: be)?|"
    r"(?:can|should|do|will) (?:we|i) expect))?(?<!users)(?<!people)(?<!customers)(?<!buyers)(?<!visitors)"
    r"(?:,? (?:in total|in all|altogether|overall))?\W*",
    re.IGNORECASE,
)
# another thing that they may do: "and add to carts?", "and how many will come back?"
_OTHER = re.compile(
    rf"{_LEAD}(?:(?:how many|the)\b\W*)?(?:(?:of )?(?:users|people|customers|visitors|them)\b\W*)?"
    r"(?:(?:will|are (?:likely|expected|going) to|expected|predicted|likely to)\b\W*)*(?:number of )?"
    rf"(?P<what>(?:[a-z]+(?:[\s-]|(?=\W*$))){{1,5}}?)(?P<time> ?{_TIME})?\W*",
    re.IGNORECASE,
)
_GROUP = r"(?:countr(?:y|ies)|devices?|browsers?|operating systems?|os)"
_GROUP_NAMES = {"countries": "country", "devices": "device", "browsers": "browser", "operating systems": "os",
                "operating system": "os"}  # fmt: skip
_BY_GROUP = re.compile(
    rf"{_LEAD}(?:(?:in |from |on |with )?(?:which|what) (?P<group>{_GROUP}) (?:is|are|do|does|did|will) {_THEM}(?: "
    rf"(?:come|be|live|use|using|from|in|on|mostly|mainly|most|buy|visit|with))*|where (?:are|do|did) {_THEM} (?:come "
    rf"|live)?(?:from)?|"
    rf"(?:split |broken down |break (?:it|that|them) down )?(?:by|per) (?P<by>{_GROUP})|"
    rf"(?:in|from|on|with) (?:which|what) (?P<of>{_GROUP}))\W*",
    re.IGNORECASE,
)
_BY_OTHER = re.compile(  # which it is said not to be predicted by
    rf"{_LEAD}(?:(?:from|via|through|on|in|by|per|with|to) )?(?:(?:which|what) )?(?P<other>channel|source|medium|"
    rf"campaign|landing page|page|product|categor(?:y|ies)|brand)s?(?: (?:is|are|do|does|did|will) {_THEM}"
    r"(?: [a-z]+){0,3})?\W*",
    re.IGNORECASE,
)
_BOUGHT_BEFORE = re.compile(
    rf"{_LEAD}(?:how many|who|which|what (?:share|percentage|part))(?: (?:of )?{_THEM})?(?: (?:users|people|customers|"
    r"buyers))? (?:(?:have|has|had|are|is|will be|be) )?(?:(?:never|not|already|ever) )?(?:(?:bought|ordered|"
    r"purchased)(?: (?:anything|something))?(?: (?:before|yet|already|so far|in the past|from us))*|(?:(?:new|"
    r"first[ -]time|returning|existing|repeat|old)(?: (?:customers?|buyers?|ones?))?))\W*",
    re.IGNORECASE,
)
_OF_LISTED = re.compile(
    r"\bwhich (?:ones?|(?:one |group |segment |kind |type )?of (?:them|those|these)(?: (?:groups|segments|clusters|"
    r"kinds|types))?|(?:of )?(?:those|these) (?:groups|segments|clusters|kinds|types))\b",
    re.IGNORECASE,
)
_IS_WHOLE = re.compile(
    r"\W*how many (?:users|people|customers|visitors)\b.*\b(?:days?|weeks?|months?)\b", re.IGNORECASE
)
_PREDICTED_NUMBER = re.compile(
    rf"{_LEAD}(?:the )?(?:predicted|expected|forecast(?:ed)?) (?:number|count) of (?P<what>[a-z][a-z -]*?) "
    rf"(?P<time>{_TIME})\W*",
    re.IGNORECASE,
)
_WHOSE: dict[bool | None, str] = {True: " who have bought before", False: " who have never bought"}
_TRUST = re.compile(
    rf"{_LEAD}(?:(?:can|should) (?:i|we|you|one) (?:really )?(?:trust|rely on|believe|depend on)|how (?:reliable|"
    rf"accurate|good|sure|certain|precise|right) (?:is|are)) {_THEM}(?: (?:predictions?|numbers?|forecasts?))?\W*",
    re.IGNORECASE,
)
_GROUP_BEFORE = r"(?:that|this|the same|said) (?:group|cluster|segment)"
_OF_GROUP = re.compile(
    rf"(?i)\b(?:out )?(?:of|in|from|within|among) (?:them|those|these|{_GROUP_BEFORE})(?: (?:users|people))?\b"
)
_LIKE = re.compile(
    rf"(?i){_LEAD}(?:(?:what|who) (?:is|are) {_THEM}(?: like| into| interested in)?|how (?:is|do|does|are) {_THEM} "
    rf"(?:behave|differ\w*)|what (?:makes|sets|is (?:so )?(?:special|different|unusual) about) {_THEM}|(?:describe|"
    rf"tell me (?:more )?about|more about) (?:{_THEM}|{_GROUP_BEFORE}))"
    r"(?:[\w ]*(?:else|others?|rest|apart|different|special|unusual))?\W*"
)
_COMPARED = re.compile(
    rf"(?i){_LEAD}(?:compare (?:{_THEM}|{_GROUP_BEFORE})|how (?:do|does|are|is) {_THEM} (?:compared?|differ\w*)) "
    r"(?:from|to|with|and|against) (?:the )?(?P<other>.+?)\W*"
)
_OF_SOME_OF_THEM = re.compile(
    r"(?i)\b(?:they|(?:how many|much|part|share|percentage|all|any|most) of (?:them|those|these))\b"
)
_THEY = re.compile(rf"(?i)\b(?:they|{_GROUP_BEFORE})\b")
_HERS = re.compile(rf"(?i){_LEAD}what(?:'s| is| are) their (?P<what>[\w ]+?)\W*")
# a question of its own, or about the groups of a list
_OWN = re.compile(
    r"(?i)\b(?:which|what) (?:ones?|of|(?:clusters?|segments?|groups?))\b|\bcompar|\bdiffer|\bcluster \d|"
    r"\b(?:users|customers|people|visitors|buyers|sessions|orders) (?:who|that|from|on|with|in)\b"
)
_DOES = re.compile(  # nothing but what they may do
    r"(?:(?:adds?|adding|put|puts|something|items?|products?|to|in|into|the|their|a|carts?|baskets?|add_to_cart|buy|"
    r"buys|buying|buyers?|purchases?|purchasing|come|comes|coming|back|return|returns|returning|again)\W*)+",
    re.IGNORECASE,
)


def asks_to_trust(question: str) -> bool:
    """Whether it is asked how right the prediction before is: "can I trust that?"."""
    return _TRUST.fullmatch(re.sub(rf"{TAIL}$", "", question, flags=re.IGNORECASE)) is not None


def as_prediction(question: str, before: Prediction | None, predicted: Callable[[], Iterable[str]]) -> str | None:
    """The whole question about predictions that one continues or shortens; None where it does neither.

    Args:
        before: the prediction before; None: there is none.
        predicted: the targets that are predicted.
    """
    if (found := _PREDICTED_NUMBER.fullmatch(question)) and _is_of_carts(found["what"], predicted()):
        return _whole("add_to_cart", found["time"])
    if before is None:
        return None
    question = re.sub(rf"{TAIL}$", "", question, flags=re.IGNORECASE)
    target, days, keys = before.target, f"in the next {before.days} days", before.clusters
    if asks_to_trust(question):
        return f"how reliable is the prediction of who will {does(target)} {days}?"
    who, no = _WHOSE.get(before.bought, ""), " not" * before.least
    if (found := _MONEY.fullmatch(question)) and target == PURCHASE and not no:
        time = _future(found["time"]) or days
        is_of_all = not (keys or who)  # else the revenue stands beside the number of users
        return f"how much revenue can we expect {time}?" if is_of_all else _whole(target, time, keys, who)
    if found := _IN_TIME.fullmatch(question):
        if before.revenue:
            return f"how much revenue can we expect {_future(found['time'])}?"
        return _whole(target, found["time"], keys, who, no)
    if _USERS.fullmatch(question) or (_CLUSTERS.fullmatch(question) and not keys):
        return _whole(target, days, keys, who, no)
    if (found := _ONE_CLUSTER.fullmatch(question)) and (keys or not found["beside"]):  # all are not compared with one
        beside = keys if found["beside"] else ()
        return _whole(target, days, tuple(dict.fromkeys((*beside, int(found["key"])))), who, no)
    if found := _BY_GROUP.fullmatch(question):  # of a cluster: declined
        group = (found["group"] or found["by"] or found["of"] or "country").lower()
        return f"{_whole(target, days, keys, who, no)[:-1]} by {_GROUP_NAMES.get(group, group)}?"
    if found := _BY_OTHER.fullmatch(question):
        return f"{_whole(target, days, keys, who, no)[:-1]} by {found['other'].lower().replace('ies', 'y')}?"
    if _WHO.fullmatch(question) and len(keys) < 2:
        return f"which users{_of(keys)}{who} will{no} {does(target)} {days}?"
    is_whole = _IS_WHOLE.match(question)
    if not is_whole and (found := _OTHER.fullmatch(question)) and _DOES.fullmatch(found["what"].strip()):
        known = list(predicted())
        other = target_asked(found["what"], known)
        return _whole(other, found["time"] or days, keys, who) if other and other in known else None
    return None


def asked_of_past(question: str, before: Prediction | None) -> tuple[str, str] | None:
    """The target and days of a prediction, where it is asked how many of those have bought before; else None."""
    if before is None or before.clusters or not _BOUGHT_BEFORE.fullmatch(question):
        return None
    if before.bought is not None or before.least:
        return None
    return before.target, f"in the next {before.days} days"


def of_listed(question: str, keys: Sequence[int]) -> str | None:
    """The whole question about clusters, or one of them, that one after their list continues; None: it does not.

    Args:
        keys: of the clusters in the order of the list; none where none were listed.
    """
    place = place_asked(question, "clusters?|segments?") if keys else None
    if place is not None and (place == -1 or 0 < place <= len(keys)):
        return f"describe cluster {keys[place - (place > 0)]}"
    return _OF_LISTED.sub("which cluster", question, count=1) if keys and _OF_LISTED.search(question) else None


def of_cluster(question: str, key: int | None, *, is_predicted: bool = False) -> str | None:
    """The whole question about the cluster of the answer before: "what are they like?"; None where it asks others.

    Args:
        is_predicted: whether some of its users were predicted: how many of "them" is of these, not of the cluster.
    """
    if key is None:
        return None
    if _LIKE.fullmatch(question):
        return f"describe cluster {key}"
    if found := _COMPARED.fullmatch(question):
        return f"compare cluster {key} and {found['other']}"
    if _OWN.search(question) or (is_predicted and _OF_SOME_OF_THEM.search(question)):
        return None
    if found := _HERS.fullmatch(question):
        return f"what is the {found['what']} of cluster {key}?"
    text = re.sub(r"(?i)\bhow many(?= (?:out )?of)", "how many users", question)
    text = _OF_GROUP.sub(f"of cluster {key}", text, count=1) if _OF_GROUP.search(text) else text
    text = _THEY.sub(f"users of cluster {key}", text, count=1) if text == question else text
    return None if text == question else re.sub(rf"^{_LEAD}", "", text, flags=re.IGNORECASE)


def _is_of_carts(what: str, predicted: Iterable[str]) -> bool:
    """Whether it is how many carts are filled: users are predicted to do so, the answer says."""
    known = list(predicted)
    return "add_to_cart" in known and target_asked(what, known) == "add_to_cart" and _DOES.fullmatch(what) is not None


def _future(time: str | None) -> str:
    """The days to come: "28 days" is the next 28 days."""
    if not time or days_asked(time) is None:
        return ""
    return f"in the next {days_asked(time)} days"


def _of(keys: tuple[int, ...]) -> str:
    return f" of {' and '.join(f'cluster {key}' for key in keys)}" if keys else ""


def _whole(target: str, time: str, keys: tuple[int, ...] = (), who: str = "", no: str = "") -> str:
    return f"how many users{_of(keys)}{who} will{no} {does(target)} {_future(time)}?"
