"""The narrator without a language model: the same facts give the same sentences, and it says that it is a template.

It writes drafts, as a language model does: placeholders for the numbers, which pass the same check. Limits of length
are for models: what the template writes grows with the clusters, and is always written.
"""

from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.insights.names import buys, page_type_focus, theme_focus
from beha2vec_core.insights.placeholders import written
from beha2vec_core.insights.schema import ClusterComparison, ClusterInsight
from beha2vec_core.insights.sheet import CLEAR_LIFT, Fact, FactSheet
from beha2vec_core.insights.wording import feature_words, happening

WRITTEN_BY = "template"
TOO_LITTLE_NAME = "Too little seen yet"
_DISCLAIMER = "(Written by a template from the facts, without a language model.)"
_TEST_LANDING = "Test the page they land on, for many it is all they see"
_SMALL_CLUSTER = 100
_VERY_SURE_Z = 5.0
_TYPICAL = 0.1  # what fewer users of a group do is not typical of it
# a smaller difference is none worth telling, however sure
_LIKE_LIFT = 1.15
_WORTH_TELLING_APART = 0.02  # of a share
_COMPARED = {
    "page_views_mean", "sessions_mean", "engagement_time_mean", "return_share", "one_page_share", "direct_share",
    "purchase_rate", "error_page_user_share",
}  # fmt: skip
_BEHAVIOUR = {
    "page_type_view_share", "theme_view_share", "purchase_rate", "return_share", "one_page_share", "page_views_mean",
    "no_engagement_share",
}  # fmt: skip
_ATTENTION = {"page_type_view_share", "theme_view_share"}
_ADVICE = {  # by page type
    "support": "Answer their question earlier, put it on product, order and confirmation pages",
    "error": "Check which links and campaigns lead to the failing pages",
    "account": "Offer to order again right in the account",
    "login": "Keep them signed in, and offer to order again right after the log-in",
    "search": "Read what they search for, and fix searches that find nothing",
    "comparison": "Make comparing easier, with the same attributes, in the same order, for every product",
    "article": "Link each article to the next step, a product or a list, and measure how many take it",
    "article_list": "Link each article to the next step, a product or a list, and measure how many take it",
    "store_finder": "Show stock and opening hours near them, and count visits to stores as an outcome",
    "pricing": "Offer a talk or a trial next to the prices",
    "documentation": "Ask what they were looking for, and fill the gaps of the documentation",
    "wishlist": "Remind them of the wish list when a price falls",
    "product": "Help them to choose with similar products, reviews, and a reminder of what they viewed",
    "category": "Help them to narrow down with filters, best sellers, and a short way to the product",
}


def describe(sheet: FactSheet, name: str, like: tuple[str, ...] = ()) -> ClusterInsight:
    """One cluster in words: what is unusual, how sure that is, what to do next.

    Args:
        sheet: its facts.
        name: its name.
        like: names of clusters that it cannot be told apart from by these facts.
    """
    if sheet.cluster_key == TOO_LITTLE_EVIDENCE:
        return _too_little(sheet)
    over, under = _standing_out(sheet), _missing(sheet)
    outcome = (
        [] if any(fact.metric == "purchase_rate" for fact in [*over, *under]) else _numbers(sheet, "purchase_rate")
    )
    persona, typical = _persona(sheet)
    advice = _advice(sheet)
    usual = [
        f for f in _numbers(sheet, "page_views_mean", "sessions_mean") if f.fact_id not in {o.fact_id for o in over}
    ]
    told = dict.fromkeys([*_numbers(sheet, "users", "user_share"), *over, *under, *outcome, *usual, *typical])
    told |= dict.fromkeys(fact for _, fact in advice if fact)
    summary = [
        _size(sheet),
        *(_unusual(over[:5]) if over else ["Nothing sets these users clearly apart from all users."]),
        *(_sentence(fact) for fact in [*under[:1], *[fact for fact in under[1:] if fact.metric == "purchase_rate"]]),
        *(_sentence(fact) for fact in outcome),
        _how_sure(sheet, [*over, *under]),
        f"What to do next: {_lower(advice[0][0])}.",
        _DISCLAIMER,
    ]
    differences = [_sentence(fact) for fact in [*over, *under, *outcome, *usual]] or [_size(sheet)]
    return ClusterInsight.model_construct(
        name=name,
        summary=" ".join(summary),
        differences=" ".join(differences),
        persona=persona,
        caveats=" ".join(_caveats(sheet, like)),
        evidence=[fact.fact_id for fact in told],
        actions=[_with_reason(text, fact) for text, fact in advice],
    )


def compare(sheets: list[FactSheet], names: dict[int, str]) -> ClusterComparison:
    """All clusters beside each other: what hardly differs, what differs most, and where to act first."""
    behaving = [sheet for sheet in sheets if sheet.cluster_key != TOO_LITTLE_EVIDENCE]
    alike, alike_facts = _similarities(behaving)
    differing, differing_facts = _differences(behaving, names)
    chances, chance_facts = _opportunities(behaving, names)
    return ClusterComparison.model_construct(
        similarities=" ".join([*alike, _DISCLAIMER]),
        key_differences=" ".join([*differing, _DISCLAIMER]),
        opportunities=" ".join([*chances, _DISCLAIMER]),
        evidence=list(dict.fromkeys(fact.fact_id for fact in [*alike_facts, *differing_facts, *chance_facts])),
    )


def clusters_alike(sheets: list[FactSheet]) -> dict[int, tuple[int, ...]]:
    """For each cluster those it cannot be told apart from: no number of behaviour differs beyond its interval."""
    behaving = [sheet for sheet in sheets if sheet.cluster_key != TOO_LITTLE_EVIDENCE]
    return {
        sheet.cluster_key: tuple(
            other.cluster_key for other in behaving if other is not sheet and not _tells_apart(sheet, other)
        )
        for sheet in behaving
    }


def _tells_apart(one: FactSheet, other: FactSheet) -> bool:
    theirs = {(fact.metric, fact.feature): fact for fact in other.facts if fact.metric in _BEHAVIOUR}
    pairs = ((fact, theirs.get((fact.metric, fact.feature))) for fact in one.facts if fact.metric in _BEHAVIOUR)
    return any(mine is not None and _apart(fact, mine) for fact, mine in pairs)


def _apart(one: Fact, other: Fact) -> bool:
    low, high = sorted((one, other), key=lambda fact: fact.value)
    if high.value < CLEAR_LIFT * low.value or (high.unit == "share" and high.value - low.value < _WORTH_TELLING_APART):
        return False
    bottom = high.value if high.interval_low is None else high.interval_low
    return bottom > (low.value if low.interval_high is None else low.interval_high)


# -- one cluster --


def _numbers(sheet: FactSheet, *metrics: str) -> list[Fact]:
    return [fact for metric in metrics if (fact := sheet.number(metric))]


def _size(sheet: FactSheet) -> str:
    users, share = sheet.number("users"), sheet.number("user_share")
    if users is None:
        return "A group of unknown size."
    part = f", {written(share)} of the audience" if share else ""
    return f"A group of {written(users)} of {written(users, 'all')} users{part}."


def _standing_out(sheet: FactSheet) -> list[Fact]:
    """Up to six over-represented facts of different kinds, the ones that say most about behaviour first."""
    attention = sorted([*page_type_focus(sheet)[:2], *theme_focus(sheet)[:1]], key=lambda fact: -fact.strength)
    metrics = ("purchase_rate", "error_page_user_share", "return_share", "one_page_share")
    idle = sheet.number("no_engagement_share")
    found = [
        *([idle] if idle and idle.is_over else []),  # such users may be none: it comes first
        *attention,
        *[fact for metric in metrics if (fact := sheet.number(metric)) and fact.is_over],
        *[fact for fact in sheet.over("channel_share") if fact.value >= _TYPICAL][:1],
        *[fact for fact in sheet.over("page_share") if not (fact.feature or "").endswith("/")][:1],
    ]
    return found[:6]


def _missing(sheet: FactSheet) -> list[Fact]:
    """Up to two under-represented facts."""
    rate = sheet.number("purchase_rate")
    types = [fact for fact in sheet.under("page_type_view_share") if fact.feature != "unknown"]
    return [*types[:1], *([rate] if rate and rate.is_under else types[1:2])]


def _unusual(facts: list[Fact]) -> list[str]:
    """Sentences about what is more than elsewhere; where attention goes in one."""
    attention = [fact for fact in facts if fact.metric in _ATTENTION]
    told = [", ".join([_told(attention[0]), *map(_told_shortly, attention[1:])])] if attention else []
    told += [_told(fact) for fact in facts if fact.metric not in _ATTENTION]
    return [f"What is unusual: {told[0]}.", *(f"{_upper(one)}." for one in told[1:])]


def _sentence(fact: Fact) -> str:
    return f"{_upper(_told(fact))}."


def _told(fact: Fact) -> str:
    """'search pages take {...} of their page views (all users {...})'; only, where it is less; none, where it is 0."""
    value = "none" if fact.value == 0 and fact.unit == "share" else written(fact)
    if fact.is_under and value != "none":
        value = f"only {value}"
    return f"{happening(fact.metric, fact.shown_feature).format(value)} (all users {written(fact, 'all')})"


def _told_shortly(fact: Fact) -> str:
    """'comparison pages {...} (all users {...})', after another fact of its kind."""
    words = happening(fact.metric, fact.shown_feature).partition(" take {}")[0]
    return f"{words} {written(fact)} (all users {written(fact, 'all')})"


def _how_sure(sheet: FactSheet, facts: list[Fact]) -> str:
    if not facts:
        return "How sure: no difference is at once large and unlikely to be chance."
    least = min(abs(fact.z or 0.0) for fact in facts)
    degree = (
        "very sure, chance does not make such differences"
        if least >= _VERY_SURE_Z
        else "fairly sure, chance seldom makes such differences"
    )
    first, span = facts[0], ""
    if first.interval_low is not None and first.interval_high is not None:
        ends = f"{written(first, 'low')} to {written(first, 'high')}"
        span = f" Allowing for chance, {happening(first.metric, first.shown_feature).format(ends)}."
    caution = " The group is small, so the numbers are rough." if sheet.users < _SMALL_CLUSTER else ""
    return f"How sure: {degree}.{span}{caution}"


def _caveats(sheet: FactSheet, like: tuple[str, ...]) -> list[str]:
    idle = sheet.number("no_engagement_share")
    found = []
    if like:
        found.append(f"By these facts the group cannot be told apart from {_and(like)}: treat them as one.")
    if idle and idle.is_over:
        found.append(f"Some of these users may be bots: {happening(idle.metric, None).format(written(idle))} "
                     f"(all users {written(idle, 'all')}).")  # fmt: skip
    if sheet.users < _SMALL_CLUSTER:
        found.append("The group is small: look again when it has grown.")
    found.append("The facts say what users did, not why, and an association is not a cause.")
    return found


def _persona(sheet: FactSheet) -> tuple[str, list[Fact]]:
    """A typical user: the clearly over-represented value of each attribute, else the most common one."""
    habits: list[str] = []
    facts: list[Fact] = []
    for metric, verb in (
        ("channel_share", "comes first through"),
        ("landing_page_share", "lands on"),
        ("device_share", "uses"),
        ("country_share", "lives in"),
    ):
        typical = [fact for fact in sheet.over(metric) or sheet.features(metric) if fact.value >= _TYPICAL]
        for fact in typical[:1]:
            facts.append(fact)
            what = feature_words(metric, fact.shown_feature or "")
            habits.append(f"{verb} {what} ({written(fact)} do, all users {written(fact, 'all')})")
    for metric, words in (
        ("page_views_median", "views {} pages (the median, all users {})"),
        ("engagement_time_mean", "is engaged for {} seconds on average (all users {})"),
    ):
        if plain := sheet.number(metric):
            facts.append(plain)
            habits.append(words.format(written(plain), written(plain, "all")))
    return f"A typical user {'; '.join(habits)}." if habits else "Nothing is known of how they come.", facts


def _advice(sheet: FactSheet) -> list[tuple[str, Fact | None]]:
    """Up to three things to do, each with the fact that asks for it."""
    focus = {fact.feature or "": fact for fact in page_type_focus(sheet)}
    themes = {fact.feature: fact for fact in sheet.over("theme_view_share")}
    rate, errors = sheet.number("purchase_rate"), sheet.number("error_page_user_share")
    single, idle = sheet.number("one_page_share"), sheet.number("no_engagement_share")
    page = next(iter(sheet.over("page_share")), None)
    found: list[tuple[str, Fact | None]] = []
    if idle and idle.is_over:
        found.append(("Check whether these are bots before counting them in any rate", idle))
    if errors and errors.is_over:
        found.append(("Repair or redirect the pages that fail these users", errors))
    if not buys(sheet):
        stops = [fact for fact in sheet.over("page_type_share") if fact.feature in {"cart", "checkout"}]
        found += [(f"Find out what stops them at the {fact.feature}, test costs and forms", fact) for fact in stops[:1]]
    elif rate:
        found.append(("Use them as the seed of a look-alike audience and keep their path to the order short", rate))
    if "offers" in themes:
        found.append(
            ("Show them offers first, and judge the campaign by margin, not by orders alone", themes["offers"])
        )
    if "brands" in themes:
        found.append(("Tell them what is new from their brand", themes["brands"]))
    found += [(_ADVICE[kind], fact) for kind, fact in focus.items() if kind in _ADVICE]
    if single and single.is_over:
        found.append((_TEST_LANDING, single))
    if channel := next(iter(sheet.over("channel_share")), None):
        found.append(("Speak to them where they come from", channel))
    if page and len(found) < 3:
        found.append(("Start on the page that marks them", page))
    if not found:
        return [("Build no campaign on this group yet; look again after the next fit", None)]
    advised: dict[str, Fact | None] = {}
    for text, fact in found:
        advised.setdefault(text, fact)
    return list(advised.items())[:3]


def _with_reason(text: str, fact: Fact | None) -> str:
    return f"{text}. {_sentence(fact)}" if fact else f"{text}."


def _too_little(sheet: FactSheet) -> ClusterInsight:
    """Users of whom too little is known to say what they want: no group, and it says so."""
    habits = _numbers(sheet, "page_views_mean", "one_page_share", "return_share")
    told = [*_numbers(sheet, "users", "user_share"), *habits]
    summary = [
        _size(sheet),
        "Of these users too little was seen to say what they want, so they were not put into a group by a guess.",
        *(_sentence(fact) for fact in habits),
        "What to do next: nothing yet; whoever comes back and views more is sorted into a group by the next night.",
        _DISCLAIMER,
    ]
    return ClusterInsight.model_construct(
        name=TOO_LITTLE_NAME,
        summary=" ".join(summary),
        differences=" ".join(_sentence(fact) for fact in habits) or "Nothing that can be told.",
        persona="There is no typical user: they have in common that little was seen of them.",
        caveats="This is not a group that behaves alike. Do not compare it with the others.",
        evidence=[fact.fact_id for fact in told],
        actions=[
            "Address them by what they do next, not as a group.",
            *[_with_reason(_TEST_LANDING, fact) for fact in _numbers(sheet, "one_page_share")],
        ],
    )


# -- all clusters --


def _similarities(sheets: list[FactSheet]) -> tuple[list[str], list[Fact]]:
    """Facts on which no cluster differs much, the most alike first."""
    candidates: dict[str, list[Fact]] = {}
    for sheet in sheets:
        for fact in sheet.facts:
            if fact.metric in _COMPARED and fact.feature is None:
                candidates.setdefault(fact.metric, []).append(fact)
    alike = [
        facts
        for facts in candidates.values()
        if len(facts) == len(sheets) > 1
        and facts[0].population_value > (0.1 if facts[0].unit == "share" else 0)
        and all(fact.direction == 0 or 1 / _LIKE_LIFT < (fact.lift or 0) < _LIKE_LIFT for fact in facts)
        and any(fact.z is not None for fact in facts)
    ]
    alike.sort(key=lambda facts: (max(abs((fact.lift or 1) - 1) for fact in facts), facts[0].metric))
    if not alike:
        return ["On every number that was measured, a cluster stands apart."], []
    sentences = []
    used: list[Fact] = []
    for facts in alike[:4]:
        low, high = min(facts, key=lambda f: f.value), max(facts, key=lambda f: f.value)
        used += [low, high]
        what = happening(low.metric, None, "users").format(f"{written(low)} to {written(high)}")
        sentences.append(f"In every cluster {what} (all users {written(low, 'all')}).")
    return sentences, used


def _differences(sheets: list[FactSheet], names: dict[int, str]) -> tuple[list[str], list[Fact]]:
    """The ends of the main numbers, then what marks each cluster."""
    sentences: list[str] = []
    used: list[Fact] = []
    for metric in ("purchase_rate", "page_views_mean", "return_share", "error_page_user_share"):
        facts = [fact for sheet in sheets if (fact := sheet.number(metric))]
        if len(facts) < 2 or not any(fact.is_over or fact.is_under for fact in facts):
            continue
        low, high = min(facts, key=lambda fact: fact.value), max(facts, key=lambda fact: fact.value)
        used += [low, high]
        first = f"among {names[high.cluster_key]}, {happening(metric, None, 'users').format(written(high))}"
        sentences.append(
            f"{_upper(first)}; among {names[low.cluster_key]} it is {written(low)} (all users {written(low, 'all')})."
        )
    for sheet in sheets:
        mark = next(iter(_standing_out(sheet)), None)
        if mark:
            used.append(mark)
            sentences.append(f"{names[sheet.cluster_key]}: {_told(mark)}.")
        else:
            sentences.append(f"{names[sheet.cluster_key]}: nothing stands out.")
    return sentences, used


def _opportunities(sheets: list[FactSheet], names: dict[int, str]) -> tuple[list[str], list[Fact]]:
    """Where to act first: what each cluster's own facts ask for, the largest clusters first."""
    sentences: list[str] = []
    used: list[Fact] = []
    for sheet in sorted(sheets, key=lambda sheet: (-sheet.users, sheet.cluster_key)):
        text, fact = _advice(sheet)[0]
        if fact is not None and len(sentences) < 4:
            used.append(fact)
            sentences.append(f"{names[sheet.cluster_key]}: {_lower(text)}, because {_told(fact)}.")
    return sentences or ["No cluster asks for anything of its own yet."], used


def _and(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
