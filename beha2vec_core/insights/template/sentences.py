"""One cluster in words: what is unusual, how sure that is, what to do next."""

from beha2vec_core.insights.names import page_type_focus, theme_focus
from beha2vec_core.insights.placeholders import written
from beha2vec_core.insights.schema import ClusterAnswer, ClusterInsight
from beha2vec_core.insights.sheet import Fact, FactSheet
from beha2vec_core.insights.template.advice import TEST_LANDING, advice
from beha2vec_core.insights.template.clauses import (
    DISCLAIMER,
    claimed,
    clause,
    is_known_source,
    joined,
    listed,
    lower,
    numbers,
    sentence,
    sentences,
    upper,
)
from beha2vec_core.insights.wording import feature_words, happening
from beha2vec_core.profiles.metrics import NOT_SET

TOO_LITTLE_NAME = "Too little seen yet"
_SMALL_CLUSTER = 100
_VERY_SURE_Q, _VERY_SURE_Z = 0.001, 5.0
_TYPICAL = 0.1  # what fewer users of a group do is not typical of it
_MOST_OF_ARRIVAL = 3  # in a summary
_COMMON = 0.2  # of the most common value that is not more common than elsewhere
_MOST = 0.5  # what more users of a group have, a typical one has
_WITH_ARTICLE = ("Bahamas", "Gambia", "Maldives", "Netherlands", "Philippines")
_COME_AND_GO = ("first_user_direct_share", "return_share", "one_page_view_share", "error_page_user_share")
_OVER_TIME = ("first_week_return_rate", "churn_rate", "inflow_share")
_ACTIVITY = ("page_views_mean", "sessions_mean", "engagement_time_mean")
_STEPS = ("reached_cart_share", "reached_checkout_share")


def describe(
    sheet: FactSheet, name: str, like: tuple[str, ...] = (), answer: ClusterAnswer | None = None
) -> ClusterInsight:
    """One cluster in words.

    Args:
        like: names of the clusters that these facts do not distinguish from it.
        answer: what a language model chose to say, checked: these facts in place of those that the template chooses.
    """
    if not sheet.is_cluster:
        return _too_little(sheet)
    interest, arrival, buying, missing = _interest(sheet), _arrival(sheet), _buying(sheet), _missing(sheet)
    idle = [fact for fact in numbers(sheet, "no_engagement_time_share") if fact.is_over]
    unusual = [*interest, *idle, *arrival, *(fact for fact in buying if fact.is_over or fact.is_under), *missing]
    others = [fact for fact in _others(sheet) if fact not in unusual]
    persona, typical = _persona(sheet)
    to_do = advice(sheet)
    if answer:
        chosen = [sheet.by_id[claim.fact] for claim in (*answer.summary, *answer.differences)]
        said = claimed(answer.summary, sheet.by_id)
        differences = claimed(answer.differences, sheet.by_id)
        sure = _how_sure(sheet, [fact for fact in chosen if fact.difference])
    else:
        different = [fact for fact in dict.fromkeys([*unusual, *buying, *others]) if fact.direction]
        chosen = [*different, *buying]
        said = [*_unusual(interest, idle, arrival[:_MOST_OF_ARRIVAL]), listed(buying), listed(missing[:1])]
        differences = sentences(different) or ["No difference is beyond chance."]
        sure = _how_sure(sheet, unusual)
        if not unusual:
            said.insert(0, "Nothing sets these users clearly apart from all users.")
    expected = [fact for fact in sheet.features("expected_buyers") if fact.population_value > 0]
    summary = [
        _size(sheet),
        *said,
        *map(_expected, expected),
        sure,
        f"Next step: {lower(to_do[0][0])}.",
        "" if answer else DISCLAIMER,
    ]
    evidence = [*numbers(sheet, "users", "user_share"), *chosen, *typical, *expected]
    evidence += [fact for _, fact in to_do if fact]
    return ClusterInsight(
        name=name,
        summary=" ".join(filter(None, summary)),
        differences=" ".join(differences),
        persona=persona,
        caveats=" ".join(_caveats(sheet, like)),
        evidence=list(dict.fromkeys(fact.fact_id for fact in evidence)),
        actions=[_with_reason(text, fact) for text, fact in to_do],
        interpretation=(answer.interpretation or None) if answer else None,
    )


# -- what is unusual --


def _interest(sheet: FactSheet) -> list[Fact]:
    """What they look at more than others, and the step between pages that marks them."""
    looked_at = sorted([*page_type_focus(sheet)[:2], *theme_focus(sheet)[:1]], key=lambda fact: -fact.strength)
    steps = [
        fact
        for fact in sheet.over("path_step_share")
        if fact.value >= _TYPICAL and "unknown" not in (fact.feature or "")
    ]
    pages = [fact for fact in sheet.over("page_share") if not (fact.feature or "").endswith("/")]
    return [*looked_at, *(steps[:1] or pages[:1])]


def _arrival(sheet: FactSheet) -> list[Fact]:
    """How they come, and come back, where that differs."""
    sources = [
        fact for fact in sheet.over("first_user_source_share") if fact.value >= _TYPICAL and is_known_source(fact)
    ]
    devices = [fact for fact in sheet.over("device_share") if fact.value >= 0.5]
    come_and_go = [fact for fact in numbers(sheet, *_COME_AND_GO) if fact.is_over]
    return [*sources[:1], *come_and_go[:3], *devices[:1], *sheet.over("hour_block_event_share")[:1]]


def _buying(sheet: FactSheet) -> list[Fact]:
    """How far they come on the way to an order; nothing where no one buys anything."""
    reached = numbers(sheet, *_STEPS)
    first_without = next((number for number, fact in enumerate(reached) if fact.value == 0), len(reached))
    return [
        fact for fact in [*reached[: first_without + 1], *numbers(sheet, "purchase_rate")] if fact.population_value > 0
    ]


def _missing(sheet: FactSheet) -> list[Fact]:
    """Page types that they look at less."""
    return [fact for fact in sheet.under("page_type_view_share") if fact.feature != "unknown"][:2]


def _others(sheet: FactSheet) -> list[Fact]:
    """What else is worth knowing, though it is not unusual or not the first thing to say."""
    pages = [fact for fact in sheet.over("page_share") if not (fact.feature or "").endswith("/")][:1]
    items = sheet.over("item_category_viewed_share")[:1]
    cart = [fact for fact in numbers(sheet, "add_to_cart_share") if fact.population_value > 0]
    over_time = [fact for fact in numbers(sheet, *_OVER_TIME) if fact.is_over or fact.is_under]
    return [*pages, *items, *cart, *over_time, *numbers(sheet, *_ACTIVITY)]


# -- the sentences of a summary --


def _size(sheet: FactSheet) -> str:
    users, share = sheet.number("users"), sheet.number("user_share")
    if users is None:
        return "A group of unknown size."
    part = f", {written(share)} of the audience" if share else ""
    return f"A group of {written(users)} of {written(users, 'all')} users{part}."


def _expected(fact: Fact) -> str:
    words = happening(fact.metric, fact.feature).format(written(fact))
    return f"{upper(words)} ({written(fact, 'low')} to {written(fact, 'high')})."


def _unusual(interest: list[Fact], idle: list[Fact], arrival: list[Fact]) -> list[str]:
    attention = [fact for fact in interest if fact.metric.endswith("view_share")]
    steps = [fact for fact in interest if fact not in attention]
    return [
        *([f"What is unusual: {lower(listed(attention))}"] if attention else []),
        *sentences(steps),
        *([f"Some may be bots: {clause(fact)}." for fact in idle]),
        *([listed(arrival)] if arrival else []),
    ]


def _how_sure(sheet: FactSheet, facts: list[Fact]) -> str:
    if not facts:
        return "Confidence: low, no difference is both large and unlikely to be chance."
    degree, first, span = "high" if all(map(_is_very_sure, facts)) else "medium", facts[0], ""
    if first.interval_low is not None and first.interval_high is not None:
        ends = f"{written(first, 'low')} to {written(first, 'high')}"
        span = f"; allowing for chance, {happening(first.metric, first.shown_feature).format(ends)}"
    caution = " The group is small, so the numbers are rough." if sheet.users < _SMALL_CLUSTER else ""
    return f"Confidence: {degree}{span}.{caution}"


def _is_very_sure(fact: Fact) -> bool:
    return fact.q_value <= _VERY_SURE_Q if fact.q_value is not None else abs(fact.z or 0.0) >= _VERY_SURE_Z


# -- the other fields --


def _caveats(sheet: FactSheet, like: tuple[str, ...]) -> list[str]:
    idle = sheet.number("no_engagement_time_share")
    found = []
    if like:
        found.append(f"These facts do not distinguish the group from {joined(like)}: treat them as one.")
    if idle and idle.is_over:
        found.append(f"People and bots may be mixed here: {clause(idle)}.")
    if sheet.users < _SMALL_CLUSTER:
        found.append("The group is small: look again when it has grown.")
    found.append("The facts say what users did, not why, and an association is not a cause.")
    return found


def _persona(sheet: FactSheet) -> tuple[str, list[Fact]]:
    """A typical user: the value that most have of each attribute, or the most common one, said to be no more."""
    habits: list[str] = []
    facts: list[Fact] = []
    for metric, verb in (
        ("first_user_source_share", "first came"),
        ("landing_page_share", "lands on"),
        ("device_share", "uses"),
        ("country_share", "is in"),
    ):
        known = [fact for fact in sheet.features(metric) if NOT_SET not in (fact.feature or "")]
        for fact in known[:1]:
            if fact.value >= _COMMON or (fact.is_over and fact.value >= _TYPICAL):
                facts.append(fact)
                often = "" if fact.value > _MOST else "most often "
                habits.append(f"{often}{verb} {_of_one(fact)} ({written(fact)}, all users {written(fact, 'all')})")
    for metric, words in (
        ("page_views_median", "has {} page views (the median, all users {})"),
        ("engagement_time_mean", "is engaged for {} seconds on average (all users {})"),
    ):
        if plain := sheet.number(metric):
            facts.append(plain)
            habits.append(words.format(written(plain), written(plain, "all")))
    return f"A typical user {'; '.join(habits)}." if habits else "It is not known how they arrive.", facts


def _of_one(fact: Fact) -> str:
    """A feature as what one user has: by a direct visit, from news / email, a phone, the United States."""
    words = feature_words(fact.metric, fact.shown_feature or "")
    if fact.metric == "first_user_source_share":
        return f"{'from' if is_known_source(fact) else 'by'} {words}"
    is_plural = words.startswith("United ") or words.endswith((" Islands", " Republic")) or words in _WITH_ARTICLE
    return f"the {words}" if fact.metric == "country_share" and is_plural else words


def _with_reason(text: str, fact: Fact | None) -> str:
    return f"{text}. {sentence(fact)}" if fact else f"{text}."


def _too_little(sheet: FactSheet) -> ClusterInsight:
    """Users with too few events to say what they want: no group, and it says so."""
    habits = numbers(sheet, "page_views_mean", "one_page_view_share", "return_share")
    summary = [
        _size(sheet),
        "These users have too few events to say what they want, so they are not assigned to a group.",
        listed(habits),
        "Next step: none yet; users who come back and view more join a group at the next nightly run.",
        DISCLAIMER,
    ]
    return ClusterInsight(
        name=TOO_LITTLE_NAME,
        summary=" ".join(filter(None, summary)),
        differences=" ".join(sentences(fact for fact in habits if fact.direction)) or "None known.",
        persona="There is no typical user: all they have in common is having few events.",
        caveats="This is not a group that behaves alike. Do not compare it with the others.",
        evidence=[fact.fact_id for fact in [*numbers(sheet, "users", "user_share"), *habits]],
        actions=[
            "Address them by what they do next, not as a group.",
            *[_with_reason(TEST_LANDING, fact) for fact in numbers(sheet, "one_page_view_share")],
        ],
    )


def describe_only(sheet: FactSheet, name: str, why: str = "") -> ClusterInsight:
    """The one cluster of users who are not divided: what they do, and no comparison.

    Args:
        why: they are not divided, in a sentence.
    """
    activity, buying = numbers(sheet, "page_views_mean", "sessions_mean", "return_share"), _buying(sheet)
    summary = [
        _size(sheet),
        "These users are not divided into clusters.",
        f"{upper(why.removeprefix('k = 1: '))}." if why else "",
        *sentences(activity),
        listed(buying),
        "Next step: load more days and fit the clusters again.",
        DISCLAIMER,
    ]
    persona, typical = _persona(sheet)
    return ClusterInsight(
        name=name,
        summary=" ".join(filter(None, summary)),
        differences="There is no other cluster to compare these users with.",
        persona=persona,
        caveats="The facts say what all these users did together: there may be several kinds of users among them.",
        evidence=list(
            dict.fromkeys(f.fact_id for f in [*numbers(sheet, "users", "user_share"), *activity, *buying, *typical])
        ),
        actions=["Load more days and fit the clusters again."],
    )
