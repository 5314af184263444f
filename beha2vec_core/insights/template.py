"""The narrator without a language model: the same facts give the same sentences, and it says that it is a template."""

from beha2vec_core.insights.names import buys, page_type_focus, theme_focus
from beha2vec_core.insights.schema import ClusterComparison, ClusterInsight
from beha2vec_core.insights.sheet import CLEAR_Z, Fact, FactSheet
from beha2vec_core.insights.wording import feature_words, number, statement

WRITTEN_BY = "template"
_DISCLAIMER = "Template text: put together from the facts, without a language model."
_SMALL_CLUSTER = 100
_VERY_SURE_Z = 5.0
_TYPICAL = 0.1  # what fewer users of a group do is not typical of it
# a smaller difference is none worth telling, however sure
_LIKE_LIFT = 1.15
_COMPARED = {
    "page_views_mean", "sessions_mean", "engagement_time_mean", "return_share", "one_page_share", "direct_share",
    "purchase_rate", "error_page_user_share", "device_share", "browser_share", "country_share", "channel_share",
}  # fmt: skip
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


def describe(sheet: FactSheet, name: str) -> ClusterInsight:
    """One cluster in words: what is unusual, how sure that is, what to do next."""
    over, under = _standing_out(sheet), _missing(sheet)
    told = {fact.fact_id for fact in [*over, *under]}
    plain = [sheet.number(metric) for metric in ("page_views_mean", "sessions_mean", "purchase_rate")]
    usual = [fact for fact in plain if fact and fact.fact_id not in told]
    sentences = [_size(sheet)]
    sentences.append(
        f"What stands out: {_join(over)}." if over else "Nothing sets these users clearly apart from all others."
    )
    if under:
        sentences.append(f"Less than elsewhere: {_join(under)}.")
    if usual:
        sentences.append(f"Beside that: {_join(usual)}.")
    sentences += [_certainty(sheet, [*over, *under]), _DISCLAIMER]
    persona, typical = _persona(sheet)
    actions, reasons = _actions(sheet)
    size = [fact for metric in ("users", "user_share") if (fact := sheet.number(metric))]
    evidence = dict.fromkeys(fact.fact_id for fact in [*size, *over, *under, *usual, *typical, *reasons])
    return ClusterInsight(
        name=name, summary=" ".join(sentences), persona=persona, evidence=list(evidence), actions=actions
    )


def compare(sheets: list[FactSheet], names: dict[int, str]) -> ClusterComparison:
    """All clusters beside each other: what hardly differs, and what differs most."""
    alike, alike_facts = _similarities(sheets)
    differing, differing_facts = _differences(sheets, names)
    return ClusterComparison(
        similarities=" ".join([*alike, _DISCLAIMER]),
        key_differences=" ".join([*differing, _DISCLAIMER]),
        evidence=list(dict.fromkeys(fact.fact_id for fact in [*alike_facts, *differing_facts])),
    )


def _size(sheet: FactSheet) -> str:
    users, share = sheet.number("users"), sheet.number("user_share")
    if users is None:
        return "A group of unknown size."
    part = f", {share.shown_value} of all" if share else ""
    return f"{users.shown_value} of {users.shown_population} users{part}."


def _standing_out(sheet: FactSheet) -> list[Fact]:
    """Up to five over-represented facts of different kinds, the ones that say most about behaviour first."""
    attention = sorted([*page_type_focus(sheet)[:2], *theme_focus(sheet)[:1]], key=lambda fact: -fact.strength)
    metrics = ("purchase_rate", "error_page_user_share", "return_share", "one_page_share")
    idle = sheet.number("no_engagement_share")
    found = [
        *([idle] if idle and idle.is_over else []),  # such users may be none: it comes first
        *attention,
        *[fact for fact in sheet.over("page_share") if not (fact.feature or "").endswith("/")][:1],
        *[fact for metric in metrics if (fact := sheet.number(metric)) and fact.is_over],
        *[fact for fact in sheet.over("channel_share") if fact.value >= _TYPICAL][:1],
    ]
    return found[:5]


def _missing(sheet: FactSheet) -> list[Fact]:
    """Up to two under-represented facts."""
    rate = sheet.number("purchase_rate")
    types = [fact for fact in sheet.under("page_type_view_share") if fact.feature != "unknown"]
    return [*types[:1], *([rate] if rate and rate.is_under else types[1:2])]


def _join(facts: list[Fact]) -> str:
    return "; ".join(fact.sentence for fact in facts)


def _certainty(sheet: FactSheet, facts: list[Fact]) -> str:
    if not facts:
        return "How sure: no difference is large and unlikely to be chance at the same time."
    least = min(abs(fact.z or 0.0) for fact in facts)
    degree = "very" if least >= _VERY_SURE_Z else "fairly"
    caution = " The group is small, so the values themselves are rough." if sheet.users < _SMALL_CLUSTER else ""
    return (
        f"How sure: {degree}; the least certain of these differences is {number(least, 'z')} standard errors, beyond "
        f"what chance gives.{caution}"
    )


def _persona(sheet: FactSheet) -> tuple[str, list[Fact]]:
    """A typical user: the clearly over-represented value of each attribute, else the most common one."""
    habits: list[str] = []
    facts: list[Fact] = []
    for metric, verb in (
        ("channel_share", "arrives through"),
        ("landing_page_share", "lands on"),
        ("device_share", "uses"),
        ("country_share", "is in"),
    ):
        typical = [fact for fact in sheet.over(metric) or sheet.features(metric) if fact.value >= _TYPICAL]
        for fact in typical[:1]:
            facts.append(fact)
            what = feature_words(metric, fact.shown_feature or "")
            habits.append(f"{verb} {what} ({fact.shown_value}; all users {fact.shown_population})")
    for metric, words in (
        ("page_views_median", "views {} pages (median; all users {})"),
        ("engagement_time_mean", "is engaged for {} seconds (all users {})"),
    ):
        if plain := sheet.number(metric):
            facts.append(plain)
            habits.append(words.format(plain.shown_value, plain.shown_population))
    return f"Typically {', '.join(habits)}." if habits else "No attribute of these users is known.", facts


def _actions(sheet: FactSheet) -> tuple[list[str], list[Fact]]:
    """Up to three things to do, each with the fact that asks for it."""
    focus = {fact.feature or "": fact for fact in page_type_focus(sheet)}
    themes = {fact.feature: fact for fact in sheet.over("theme_view_share")}
    rate, errors = sheet.number("purchase_rate"), sheet.number("error_page_user_share")
    single, idle = sheet.number("one_page_share"), sheet.number("no_engagement_share")
    page = next(iter(sheet.over("page_share")), None)
    found: list[tuple[str, Fact]] = []
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
        found.append(("Test the page they land on, it is often the only one they see", single))
    if channel := next(iter(sheet.over("channel_share")), None):
        found.append(("Speak to them where they come from", channel))
    if page and len(found) < 3:
        found.append(("Start on the page that marks them", page))
    if not found:
        size = sheet.number("users")
        text = "Build no campaign on this group yet; look again after the next fit"
        return [f"{text}."], [size] if size else []
    advised: dict[str, Fact] = {}
    for text, fact in found:
        advised.setdefault(text, fact)
    kept = list(advised.items())[:3]
    return [f"{text}. Why: {fact.sentence}." for text, fact in kept], [fact for _, fact in kept]


def _similarities(sheets: list[FactSheet]) -> tuple[list[str], list[Fact]]:
    """Facts on which no cluster differs clearly, common ones first."""
    candidates: dict[tuple[str, str | None], list[Fact]] = {}
    for sheet in sheets:
        for fact in sheet.facts:
            if fact.metric in _COMPARED:
                candidates.setdefault((fact.metric, fact.feature), []).append(fact)
    alike = [
        facts
        for facts in candidates.values()
        if len(facts) == len(sheets)
        and facts[0].population_value > (0.1 if facts[0].unit == "share" else 0)
        and all(
            fact.z is None or abs(fact.z) < CLEAR_Z or 1 / _LIKE_LIFT < (fact.lift or 0) < _LIKE_LIFT for fact in facts
        )
        and any(fact.z is not None for fact in facts)
    ]
    alike.sort(
        key=lambda facts: (max(abs((fact.lift or 1) - 1) for fact in facts), facts[0].metric, facts[0].feature or "")
    )
    one_each = list({facts[0].metric: facts for facts in reversed(alike)}.values())[::-1][:4]
    if not one_each:
        return ["On every fact that was measured at least one cluster differs clearly from the others."], []
    sentences = []
    for facts in one_each:
        low, high = min(facts, key=lambda f: f.value), max(facts, key=lambda f: f.value)
        what = statement(low.metric, low.shown_feature)
        sentences.append(
            f"Hardly a difference: {low.shown_value} to {high.shown_value} {what} in every cluster (all users "
            f"{low.shown_population})."
        )
    return sentences, [fact for facts in one_each for fact in facts]


def _differences(sheets: list[FactSheet], names: dict[int, str]) -> tuple[list[str], list[Fact]]:
    """The range of the main numbers, then what marks each cluster."""
    sentences: list[str] = []
    used: list[Fact] = []
    for metric in ("purchase_rate", "page_views_mean", "return_share", "error_page_user_share"):
        facts = [(fact, sheet.cluster_key) for sheet in sheets if (fact := sheet.number(metric))]
        if len(facts) < 2 or not any(fact.is_over or fact.is_under for fact, _ in facts):
            continue
        low, high = min(facts, key=lambda pair: pair[0].value), max(facts, key=lambda pair: pair[0].value)
        used += [low[0], high[0]]
        sentences.append(
            f"{high[0].shown_value} {statement(metric, None)} among {names[high[1]]}, {low[0].shown_value} among "
            f"{names[low[1]]} (all users {low[0].shown_population})."
        )
    for sheet in sheets:
        mark = next(iter(_standing_out(sheet)), None)
        if mark:
            used.append(mark)
            sentences.append(f"{names[sheet.cluster_key]}: {mark.sentence}.")
        else:
            sentences.append(f"{names[sheet.cluster_key]}: nothing stands out.")
    return sentences, used
