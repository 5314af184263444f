"""Groups that a question compares in all respects: "how do buyers differ from all others", "describe mobile users"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from beha2vec_core.chat.parts.grammar import OF_ITEMS
from beha2vec_core.chat.queries.nearest import reaches_all
from beha2vec_core.semantic.query import Did, Filter, Query

_IS = r"(?:is|are|was|were|do|does|did)"
_DIFFERS = r"(?:differ(?:s|ed)?|different|special|unusual|distinct(?:ive)?|characteristic|typical|stand(?:s|ing)? out)"
_FROM = r"(?:from|to|than|compared (?:to|with)|against|versus|vs)"
_ASKED = tuple(
    re.compile(rf"^\W*(?:(?:and|so|please|tell me|show me|give me|can you|could you) )*{pattern}\W*$")
    for pattern in (
        rf"what(?: {_IS}|'?s)? (?:so |most )?{_DIFFERS} (?:about|with|for|of|in) (?P<group>.+)",
        rf"how {_IS} (?P<group>.+?) {_DIFFERS}(?: {_FROM} (?P<other>.+))?",
        rf"in (?:what|which) ways? {_IS} (?P<group>.+?) {_DIFFERS}(?: {_FROM} (?P<other>.+))?",
        rf"what (?:sets?|makes?) (?P<group>.+?) (?:apart|{_DIFFERS})(?: {_FROM} (?P<other>.+))?",
        r"what (?:distinguishes|separates|differentiates) (?P<group>.+?) from (?P<other>.+)",
        r"compare (?P<group>.+?) (?:and|with|to|against|vs) (?P<other>.+)",
        rf"(?P<group>.+?) (?:and|{_FROM}) (?P<other>.+?),? in (?:all|every|each) (?:respects?|ways?|aspects?|regards?)",
        r"what (?:characteri[sz]es?|defines?|distinguishes) (?P<group>.+)",
        r"(?:(?:what(?: is|s)|build|describe) )?(?:(?:a|an|the) )?(?:\w+ )?(?:profile|portrait|characteristics) of "
        r"(?P<group>.+)",
        r"describe (?P<group>.+)",
        r"what (?:do|does|did) (?P<group>.+?) look like",
        r"what (?:is|are) (?P<group>.+?) like",
        r"(?:what (?:is|are) )?(?:the )?(?:(?:main|biggest|key|most important) )?differences? between "
        r"(?P<group>.+?) and (?P<other>.+)",
    )
)
_LEAD = re.compile(r"^(?:(?:the|our|an?|my|all|typical|average|those|these|usual|so) )+(?=\w)")
_WHO = r"(?:users|visitors|people|sessions|visits|customers|shoppers)"
_REST = re.compile(
    rf"(?:all |the |of )*(?:rest|others?|everyone else|everybody else|everything else|(?:others? )?{_WHO}|(?:those|"
    rf"ones|{_WHO}) (?:who|that) (?:do|did|have|are|does)(?: not|n't).*)(?: (?:of )?(?:(?:the|our|all) )*{_WHO})?"
)
_OTHER = re.compile(rf"^(?P<group>.+) {_FROM} (?P<other>.+?)$")
_REST_IN = re.compile(rf"({_REST.pattern}) ((?:in|on|during|last|this|since) .+)$")
_SAYS_WHO = re.compile(rf"\b(?:{_WHO[3:-1]}|buyers?|readers?|viewers?|who|that|non\w*)\b|\w+ers\b")
_ENDS_IN_ORDER = re.compile(r"\b(?:sessions?|visits?)\b.*\b(?:purchase|order|sale|buying|convert|bought|buy)")


@dataclass(frozen=True)
class Contrast:
    """Two groups of users or sessions, by the queries that count them; the rest of the first, or another one."""

    group: Query
    other: Query
    is_rest: bool


def contrast_of(question: str, read: Callable[[str], Query | None]) -> Contrast | None:
    """The groups that a question compares in all respects; None where it asks for something else.

    Args:
        read: a question as a query, or None where it is not understood.
    """
    text = re.split(r"[?!]\s", question.lower().replace("\u2019", "'"), maxsplit=1)[0]
    if re.search(r"\b(?:clusters?|segments?|personas?)\b", text):
        return None
    for pattern in _ASKED:
        found = pattern.match(text)
        if not found:
            continue
        named = found.groupdict().get("other") or ""
        if (group := _group(found["group"], read)) is None:
            if named or not (found := _OTHER.match(found["group"])) or (group := _group(found["group"], read)) is None:
                continue
            named = found["other"]
        named = named.strip(" ?.!")
        if rest := _REST_IN.match(named):  # all others in March
            named, group = rest[1], _group(f"{found['group']} {rest[2]}", read) or group
        if not named or _REST.fullmatch(named):
            return Contrast(group, _rest(group), is_rest=True)
        other = _group(named, read)
        if text.startswith("compare") and not (_SAYS_WHO.search(named) and _SAYS_WHO.search(found["group"])):
            return None  # customers of Chrome and Safari are buyers by browser
        if other is None or (text.startswith("compare") and not (group.filters[0].did or other.filters[0].did)):
            return None
        metric = group.metric if group.metric == other.metric else "users"
        group, other = (  # mobile users and desktop users in March: the days are of both
            replace(one, metric=metric, period=one.period or group.period or other.period) for one in (group, other)
        )
        return Contrast(group, other, is_rest=False)
    return None


def contrast_again(contrast: Contrast | None, read: Callable[[Query], Query | None]) -> Contrast | None:
    """The groups of a question before, as a follow-up changes them: "and in March?"; None where it does not.

    Args:
        read: the follow-up as it continues a query, or None where it does not.
    """
    if contrast is None:
        return None
    group, other = read(contrast.group), read(contrast.other)
    plain = contrast.group.metric
    if (
        not group
        or not other
        or any(one.by or one.is_share or one.versus or one.metric != plain for one in (group, other))
    ):
        return None
    is_replaced = len(group.filters) == len(contrast.group.filters) and group.filters != contrast.group.filters
    if is_replaced:  # another group, against all others
        return Contrast(group, _rest(group), is_rest=True) if contrast.is_rest else None
    return Contrast(group, other, contrast.is_rest)


def groups_said(question: str) -> Iterator[tuple[str, str]]:
    """What a question compares in all respects, as it says it: each group, and the other one (empty: all others)."""
    text = question.lower().replace("\u2019", "'")
    for found in filter(None, (pattern.match(text) for pattern in _ASKED)):
        named = found.groupdict().get("other") or ""
        split = None if named else _OTHER.match(found["group"])
        for group, other in [(found["group"], named)] + ([(split["group"], split["other"])] if split else []):
            other = _LEAD.sub("", other.strip(" ?.!"))
            yield _LEAD.sub("", group.strip(" ?.!,")), "" if _REST.fullmatch(other) else other


def _group(said: str, read: Callable[[str], Query | None]) -> Query | None:
    """The query that counts a group."""
    said = _LEAD.sub("", said.strip(" ?.!,"))
    for asked in (f"how many {said}", f"how many sessions from {said}"):
        query = read(asked)
        if query is not None and (_SAYS_WHO.search(said) or not any(one.did for one in query.filters)):
            break  # "paid" alone is traffic, not who paid
    else:
        return None
    if query.by or query.versus or query.is_share or query.per or query.over is not None or query.counts_groups:
        return None
    filters, ordered = query.filters, Did("purchases")
    if query.metric == "conversion_rate" and _ENDS_IN_ORDER.search(said):
        return replace(query, metric="sessions", filters=(Filter("session", did=(ordered,)), *filters))
    if query.metric == "buyers":
        goods = tuple(one for one in filters if one.dimension in OF_ITEMS and not one.is_excluded)
        bought = Did("items", goods) if goods else ordered
        others = (one for one in filters if one not in goods)
        query = replace(query, metric="users", filters=(Filter("user", did=(bought,)), *others))
        return query if reaches_all(query) else None
    if query.metric in ("new_users", "returning_users"):
        kind = query.metric.removesuffix("_users")
        return replace(query, metric="sessions", filters=(Filter("new_or_returning", (kind,)), *filters))
    several = any(len(one.values) > 1 and one.dimension in ("device", "new_or_returning") for one in filters)
    return query if query.metric in ("users", "sessions") and filters and not several else None


def _rest(group: Query) -> Query:
    """All who are not in a group that one condition describes; all, where there are several."""
    if len(group.filters) > 1:
        return replace(group, filters=())
    (one,) = group.filters
    return replace(group, filters=(replace(one, is_excluded=not one.is_excluded),))
