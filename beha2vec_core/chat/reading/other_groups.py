"""The groups of a question before beside those of one that continues it: other ones, more of them, or all of them."""

from __future__ import annotations

import re
from dataclasses import replace

from beha2vec_core.chat.parts.grammar import OF_PAGES
from beha2vec_core.chat.words.verbs import PEOPLE
from beha2vec_core.semantic.query import Filter, Query

CANNOT = "I do not see how this continues your previous question. Please ask the full question."
KINDS = {"new_or_returning", "order_number"}  # of customers: those of one are not asked for among the other
_DID_NOT = re.compile(
    rf"\W*(?:(?:and|but|what about|how about|for|of|from|in|among|how many(?: of them)?|the|those|ones|they|{PEOPLE}|"
    r"sessions|visits|orders) )*(?:without(?: (?:one|it|any|that|them))?|(?:(?:who|that|which) )?(?:do|did|have|has|"
    r"had|does)(?: not|n't)(?: (?:have one|do (?:so|it|that)))?)\W*"
)
_LANDED = {"page": "landing_page", "page_type": "landing_page_type"}


class NotContinued(ValueError):
    """The question before cannot be continued so; the message says why."""


def of_other_rest(previous: Query, group: Filter) -> Query:
    """Another group against all others: "is it worse on mobile", and "for email".

    Raises:
        NotContinued: it is no group.
    """
    if group.did or group.is_excluded or len(group.values) > 1:
        raise NotContinued(CANNOT)
    kept = tuple(one for one in previous.filters if one.dimension not in (*previous.by, group.dimension))
    return replace(previous, by=(group.dimension,), filters=(*kept, group))


def of_those_without(question: str, previous: Query) -> Query | None:
    """The query before, of those who did not do what it is about: "and without?"; None where it asks something else.

    It stays as it is where it is of them already.

    Raises:
        NotContinued: it is about several things, or none.
    """
    if not _DID_NOT.fullmatch(question.lower().replace("\u2019", "'")):
        return None
    done = [one for one in previous.filters if one.did]
    if len(done) != 1 or len(done[0].did) != 1 or previous.limits or previous.having or previous.per:
        raise NotContinued(CANNOT)
    if done[0].did[0].is_excluded:
        return previous
    return replace(previous, filters=tuple(_denied(one) if one.did else one for one in previous.filters))


def _denied(one: Filter) -> Filter:
    return replace(one, did=tuple(replace(did, is_excluded=not did.is_excluded) for did in one.did))


def beside_others(previous: Query, group: Filter) -> Query | None:
    """One more group beside those that were compared: "and the Netherlands?" after "UK vs US"; None: they were not."""
    compared = next((one for one in previous.filters if (one.dimension,) == previous.by and len(one.values) > 1), None)
    is_one = group.dimension in previous.by and not (group.is_excluded or group.did or previous.ascending is not None)
    if compared is None or compared.is_excluded or not is_one or previous.against_rest:
        return None
    more = replace(compared, values=tuple(dict.fromkeys((*compared.values, *group.values))))
    return replace(previous, filters=tuple(more if one is compared else one for one in previous.filters))


def compares(previous: Query, name: str) -> bool:
    """Whether groups of a dimension are compared: another breakdown shows each of them."""
    named = any(one.dimension == name and len(one.values) > 1 and not one.is_excluded for one in previous.filters)
    return (named or name in KINDS) and previous.by == (name,) and not (previous.versus or previous.is_share)


def is_split(one: Filter, by: list[str], previous: Query) -> bool:
    """Whether a breakdown takes the place of one value: of Germany, now by country."""
    is_new = one.dimension in by and one.dimension not in previous.by
    return is_new and len(one.values) == 1 and not (one.is_excluded or one.did)


def of_other_pages(
    filters: tuple[Filter, ...], before: tuple[Filter, ...]
) -> tuple[tuple[Filter, ...], tuple[Filter, ...]]:
    """The filters with a page in place of the one before, and those before without it: landed on, viewed, or of.

    Raises:
        NotContinued: where people landed is not known so.
    """
    # without a coupon, in place of those with one
    before = tuple(one for one in before if not (len(one.did) == 1 and _denied(one) in filters))
    named = [one for one in filters if one.dimension in OF_PAGES and not one.did]
    landed = [one for one in before if one.dimension in _LANDED.values()]
    coupons = [one for one in filters if one.dimension == "coupon" and not one.did]
    used = [one for one in before if [inner.dimension for did in one.did for inner in did.filters] == ["coupon"]]
    if len(coupons) == len(used) == 1 and not coupons[0].is_excluded:
        as_before = replace(used[0], did=(replace(used[0].did[0], filters=(coupons[0],)),))
        return tuple(as_before if one is coupons[0] else one for one in filters), tuple(
            one for one in before if one is not used[0]
        )
    viewed = [
        one for one in before if len(one.did) == 1 and {inner.dimension for inner in one.did[0].filters} & OF_PAGES
    ]
    were = [*landed, *viewed, *(one for one in before if one.dimension in OF_PAGES)]
    if len(named) != 1 or len(were) != 1:
        return filters, before
    (new,), (old,) = named, were
    if landed and new.dimension not in _LANDED:
        raise NotContinued(CANNOT)
    if viewed:
        as_before = replace(old, did=(replace(old.did[0], filters=(new,)),))
    else:
        as_before = replace(new, dimension=_LANDED[new.dimension]) if landed else new
    others = tuple(one for one in before if one is not old)
    return tuple(as_before if one is new else one for one in filters), others
