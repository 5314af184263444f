"""Answers as a language model would write them, true ones by the hundred, and the same with one thing made wrong.

Made from the facts by sentence shapes and phrases of this file's own: it knows nothing of the words that the check
looks for. A shape knows which of its words say the direction, so that a mutation turns exactly these.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from beha2vec_core.insights.schema import ClusterComparison, ClusterInsight
from beha2vec_core.insights.sheet import Fact, FactSheet

Draft = ClusterInsight | ClusterComparison


@dataclass(frozen=True)
class Saying:
    """A true sentence: ``shape`` with {slots}, the facts in them, and words that would turn it into its opposite."""

    shape: str
    slots: dict[str, str]
    turned: dict[str, str]  # slots whose other word makes the sentence wrong
    fact: Fact

    def text(self, **changes: str) -> str:
        said = self.shape.format(**(self.slots | changes))
        return said[:1].upper() + said[1:]


# metric: (what they did, what they do, what it is called)
PLAIN = {
    "purchase_rate": (
        ["bought something", "placed an order", "made a purchase", "converted", "ended up buying"],
        ["buy", "place an order", "convert", "make a purchase"],
        ["the purchase rate", "the conversion rate", "the share of buyers"],
    ),
    "return_share": (
        ["came back for another session", "returned", "came back", "returned for a second visit"],
        ["come back", "return for another session", "return"],
        ["the return rate", "the share of returning visitors"],
    ),
    "one_page_view_share": (
        ["viewed a single page", "bounced", "left after the first page", "looked at a single page only"],
        ["bounce", "leave after one page", "view a single page"],
        ["the bounce rate", "the single-page share"],
    ),
    "first_user_direct_share": (
        ["came directly", "arrived directly", "came to the site directly"],
        ["come directly", "arrive directly"],
        ["the share of direct arrivals"],
    ),
    "error_page_user_share": (
        ["ran into an error page", "met an error page", "hit an error page", "landed on a broken page"],
        ["run into errors", "meet error pages"],
        ["the share of users with errors", "the share of users who hit an error page"],
    ),
    "add_to_cart_share": (
        ["put something into the cart", "added an item to the cart"],
        ["put something into the cart"],
        ["the share of users who put something into the cart"],
    ),
    "reached_cart_share": (
        [
            "reached at least the cart",
            "came at least as far as the cart",
            "got as far as the cart",
            "made it to the cart",
        ],
        ["reach at least the cart", "get as far as the cart"],
        ["the share of users who reached the cart"],
    ),
    "begin_checkout_share": (
        ["began checkout", "started the checkout"],
        ["begin checkout", "start the checkout"],
        ["the share of users who began checkout"],
    ),
    "reached_checkout_share": (
        ["reached at least the checkout", "came as far as the checkout", "made it to the checkout"],
        ["reach at least the checkout", "make it to the checkout"],
        ["the share of users who reached the checkout"],
    ),
    "reached_item_share": (
        ["reached at least the view of an item", "came at least as far as viewing an item"],
        ["reach at least the view of an item"],
        ["the share of users who reached at least an item view"],
    ),
    "first_week_return_rate": (
        ["came back within a week", "returned within a week of their first day", "were back within a week"],
        ["come back within a week", "return within a week"],
        ["the first-week return rate", "the share of users who return within a week"],
    ),
    "churn_rate": (
        ["churned", "lapsed", "stayed away in the last week", "were not seen in the last week"],
        ["churn", "lapse", "stay away"],
        ["the churn rate", "the share of lapsed users"],
    ),
    "inflow_share": (
        ["came in the last week", "joined in the last week", "joined the group in the last week"],
        [],
        ["the inflow", "the share of newcomers"],
    ),
    "outflow_share": (
        ["left in the last week", "moved on in the last week", "left the group in the last week"],
        [],
        ["the outflow", "the share of leavers"],
    ),
}
MEANS = {
    "page_views_mean": (
        ["page views per user", "page views each", "pages per user"],
        ["page views", "number of page views"],
    ),
    "sessions_mean": (["sessions per user", "sessions each"], ["number of sessions"]),
    "engagement_time_mean": (["seconds of engagement per user", "engaged seconds each"], ["engagement time"]),
    "recency_mean": (["days since the last visit on average"], ["recency", "number of days since the last visit"]),
    "furthest_step_mean": (
        ["steps towards a purchase per user", "funnel steps each"],
        ["number of steps towards a purchase", "number of funnel steps"],
    ),
    "error_page_views_mean": (["error pages per user", "error pages each"], ["number of error pages"]),
}
MEDIANS = {
    "page_views_median": ["page views", "pages"],
    "engagement_time_median": ["seconds of engagement", "engaged seconds"],
}
SAID = {  # metric of features: what is said of one
    "page_type_view_share": [
        "{v} of their page views go to {f} pages", "{v} of what they view are {f} pages",
         "{f} pages get {v} of their page views",
         "they give {v} of their attention to {f} pages", "{f} pages make up {v} of their page views",
         "{v} of the page views of a user here are {f} pages"],
    "theme_view_share": [
        "{v} of their page views are about {f}", "pages about {f} take {v} of their page views",
         "content about {f} draws {v} of their attention", "they spend {v} of their page views on {f}"],
    "page_type_share": [
        "{v} of them viewed {f} pages", "{v} of these users opened at least a {f} page",
         "{f} pages were viewed by {v} of this group"],
    "theme_share": [
        "{v} of them viewed pages about {f}", "pages about {f} were seen by {v} of these users"],
    "page_share": [
        "{v} of them viewed {f}", "{f} was visited by {v} of these users", "{v} went to {f}"],
    "landing_page_share": [
        "{v} of them landed on {f}", "{v} started on {f}", "for {v} the first page was {f}"],
    "first_user_source_share": [
        "{v} of them came through {f}", "{v} first arrived via {f}", "{f} brought {v} of these users",
         "{f} is the source of {v} of them"],
    "event_share": [
        "{v} of them triggered {f}", "{v} of these users triggered the event {f}",
        "the event {f} was triggered by {v} of these users"],
    "hour_block_event_share": [
        "{v} of their activity falls into the {f}", "{v} of their events are in the {f}",
        "the {f} has {v} of their activity"],
    "item_category_viewed_share": [
        "{v} of them viewed items of {f}", "items from {f} were viewed by {v} of these users"],
    "path_step_share": [
        "{v} of them went {f}", "{v} of these users moved {f} within a session", "{v} went on {f}"],
    "device_share": [
        "{v} of them were on {f}", "{v} use {f}", "{f} accounts for {v} of devices here"],
    "country_share": [
        "{v} of them live in {f}", "{v} are based in {f}", "{v} of this group come from {f}"],
}  # fmt: skip
DEVICES = {"mobile": ["a phone", "mobile", "a smartphone"], "desktop": ["a desktop", "a computer", "desktop"]}
THAN = [  # (more, less): follow "... of them did it,"
    ("more than the {a} of all users", "less than the {a} of all users"),
    ("well above the {a} of all users", "well below the {a} of all users"),
    ("higher than the overall {a}", "lower than the overall {a}"),
    ("above the site average of {a}", "below the site average of {a}"),
    ("up from {a} across all users", "down from {a} across all users"),
]
BESIDE = [
    "against {a} of all users", "compared with {a} overall", "versus {a} for all users", "all users: {a}",
    "compared to {a} across the whole site", "whereas it is {a} for all users", "while all users are at {a}",
]  # fmt: skip
FREQUENT = [
    ("more often", "less often"), ("far more often", "far less often"), ("more frequently", "less frequently"),
    ("much more often", "much more rarely"),
]  # fmt: skip
LIKELY = [
    ("more likely", "less likely"),
    ("considerably more likely", "considerably less likely"),
    ("likelier", "less likely"),
]
LEVEL = [("higher", "lower"), ("clearly higher", "clearly lower"), ("elevated", "reduced"), ("high", "low")]
SAME = [
    "about the same as", "similar to", "in line with", "close to", "not clearly different from", "much like",
]  # fmt: skip


def says(fact: Fact, rng: random.Random) -> Saying:
    """A true sentence about one fact of one cluster."""
    pick = rng.choice
    more = 0 if fact.direction > 0 else 1
    slots = {"v": f"{{{fact.fact_id}}}", "a": f"{{{fact.fact_id}|all}}"}
    turned: dict[str, str] = {}

    def way(name: str, pair: tuple[str, str]) -> None:
        slots[name], turned[name] = pair[more], pair[1 - more]

    if fact.metric in PLAIN:
        did, do, called = (pick(words) if words else "" for words in PLAIN[fact.metric])
        if fact.direction == 0:
            shape = pick(
                [
                    f"{called} is {pick(SAME)} that of all users ({{v}} vs. {{a}}).",
                    f"with {{v}} against {{a}} of all users, {called} is unremarkable.",
                    f"{{v}} of them {did}, which does not differ clearly from the {{a}} of all users.",
                    f"{{v}} of these users {did} ({pick(BESIDE)}).",
                    *([f"they {do} about as often as all users do ({{v}}, all users {{a}})."] if do else []),
                ]
            )
            return Saying(shape, slots, turned, fact)
        way("than", pick(THAN))
        way("frequent", pick(FREQUENT))
        way("likely", pick(LIKELY))
        way("level", pick(LEVEL))
        way("quantity", ("Many", "Few"))
        versus, overall = pick(["against", "versus", "compared with"]), pick(["overall", "for all users"])
        shapes = [
            f"{{v}} of them {did}, {{than}}.",
            f"{{v}} of these users {did}, {pick(BESIDE)}.",
            f"{called} is {{level}}: {{v}} {versus} {{a}} {overall}.",
            f"compared with {{a}} of all users, {{v}} of this group {did}.",
            f"at {{v}}, {called} is {pick(['', 'clearly '])}{{above}} the {{a}} of all users.",
            f"while {{a}} of all users {did}, {{v}} of this group did.",
            f"against a site average of {{a}}, {{v}} of them {did}.",
        ]
        if do:
            shapes += [
                f"they {do} {{frequent}} than {pick(['the average user', 'all users', 'others'])} ({{v}} vs. {{a}}).",
                f"these users are {{likely}} to {do}: {{v}} did, {pick(BESIDE)}.",
            ]
        if more or fact.value > 0.3:
            shapes.append(f"{{quantity}} of them {did}: {{v}}, {pick(BESIDE)}.")
        if more == 0 and fact.lift and do:
            slots["t"] = f"{{{fact.fact_id}|times}}"
            shapes.append(f"they are {{t}} times as likely to {do} as all users ({{v}} against {{a}}).")
        way("above", ("above", "below"))
        if more == 1 and do:
            shapes += [f"they rarely {do}: {{v}}, {pick(BESIDE)}.", f"only {{v}} of them {did} (all users {{a}})."]
        shape = pick(shapes)
        if "rarely" in shape:
            shape, slots["rarely"], turned["rarely"] = shape.replace("rarely", "{rarely}"), "rarely", "often"
        return _used(Saying(shape, slots, turned, fact))
    if fact.metric in MEANS:
        units, called_as = MEANS[fact.metric]
        unit, called = pick(units), pick(called_as)
        way("more", ("more", "fewer"))
        way("above", ("above", "below"))
        way("level", ("higher", "lower"))
        if fact.direction == 0:
            shape = pick(
                [
                    f"the {called} is {pick(SAME)} that of all users ({{v}} vs. {{a}}).",
                    f"they have {{v}} {unit}, {pick(BESIDE)}.",
                ]
            )
            return Saying(shape, slots, {}, fact)
        if fact.metric == "recency_mean" and rng.random() < 0.5:
            way("longer", ("longer ago", "more recently"))
            shape = "they were last seen {longer} than all users: {v} days against {a} days for all users."
            return _used(Saying(shape, slots, turned, fact))
        shape = pick(
            [
                f"they have {{v}} {unit}, {{above}} the {{a}} of all users.",
                f"with {{v}} {unit}, against {{a}} for all users, the {called} is {{level}}.",
                f"the {called} is {{level}} than for all users: {{v}} against {{a}}.",
                f"their {called} of {{v}} lies {{above}} the overall {{a}}.",
                f"they have {{v}} {unit} ({pick(BESIDE)}).",
            ]
        )
        return _used(Saying(shape, slots, turned, fact))
    if fact.metric in MEDIANS:
        unit = pick(MEDIANS[fact.metric])
        shapes = [
            f"the median user has {{v}} {unit}, {pick(BESIDE)}.",
            f"the median is {{v}} {unit} ({pick(BESIDE)}).",
            f"with a median of {{v}} {unit}, against {{a}} for all users, they are easy to picture.",
        ]
        return Saying(pick(shapes), slots, {}, fact)
    slots["f"] = spoken(fact, rng)
    said = pick(SAID[fact.metric])
    if fact.direction == 0:
        return Saying(f"{said} ({pick(BESIDE)}).", slots, {}, fact)
    way("than", pick(THAN))
    way("more", ("more", "less"))
    way("over", ("over-represented", "under-represented"))
    shapes = [
        f"{said}, {{than}}.",
        f"{said} ({pick(BESIDE)}).",
        f"{said}, {pick(BESIDE)}.",
        f"compared with {{a}} of all users, {said}." if said.startswith("{v}") else f"{said}, {{than}}.",
    ]
    if fact.metric == "page_type_view_share":
        shapes += [
            "{f} pages are {over}: {v} of their page views against {a} for all users.",
            "they look at {f} pages {more} than others: {v} of their page views, all users {a}.",
            "what marks them is {f} pages, with {v} of page views (all users {a})."
            if more == 0
            else "{f} pages matter less to them, with {v} of page views (all users {a}).",
        ]
    if fact.metric == "first_user_source_share":
        shapes += ["{f} is {over} as a channel: {v}, compared with {a} of all users."]
    return _used(Saying(pick(shapes), slots, turned, fact))


def spoken(fact: Fact, rng: random.Random) -> str:
    """The feature as one would write it."""
    feature = fact.feature or ""
    if fact.metric == "device_share":
        return rng.choice(DEVICES.get(feature, [feature]))
    if fact.metric == "path_step_share":
        start, end = feature.replace("_", " ").split(" → ")
        if start == end and rng.random() < 0.5:
            return f"from one {start} page to the next"
        return rng.choice([f"from {start} to {end} pages", f"from {start} pages to {end} pages"])
    if fact.metric in {"page_share", "landing_page_share"}:
        return rng.choice([f"“{fact.title}”", f'"{fact.title}"']) if fact.title else feature
    return feature.replace("_", " ") if "/" not in feature else feature


def _used(saying: Saying) -> Saying:
    """Only the words that the shape has can be turned; "than" has a number of its own in it."""
    slots, turned = saying.slots, saying.turned
    if "than" in turned:
        slots = slots | {"than": slots["than"].format(a=slots["a"])}
        turned = turned | {"than": turned["than"].format(a=slots["a"])}
    return replace(saying, slots=slots, turned={k: word for k, word in turned.items() if f"{{{k}}}" in saying.shape})


NEUTRAL_CAVEATS = [
    "These are associations, not causes.", "The facts say what users did, not why they did it.",
    "The group was found by behaviour; nobody was asked.", "The numbers cover the days of the export alone.",
    "Who these people are outside the site is not known.",
]  # fmt: skip
ADVICE = [
    "Test a shorter checkout.", "Show related products at the end of the page.", "Invite them to the newsletter.",
    "Answer their question on the product page.", "Review the landing page with the team.",
    "Build an audience from this group and measure it against a hold-out.", "Send them what is new.",
    "Offer help before they ask for it.", "Show more reviews and fewer banners.",
]  # fmt: skip
BECAUSE = [
    "{todo}, because {said}", "{todo}: {said}", "{todo}, since {said}",
]  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """A draft, and what of it can be made wrong."""

    draft: Draft
    sayings: list[tuple[str, Saying]]  # (field, sentence)


def answer(sheet: FactSheet, facts: list[Fact], rng: random.Random, number: int) -> Answer:
    """A true answer about one cluster."""
    tellable = [
        fact for fact in facts if fact.metric in {*PLAIN, *MEANS, *MEDIANS, *SAID} and fact.feature != "unknown"
    ]
    clear = [fact for fact in tellable if fact.direction != 0]
    # metrics of many features do not crowd out the others
    metrics = rng.sample(sorted({fact.metric for fact in clear}), 5)
    chosen = [rng.choice([fact for fact in clear if fact.metric == metric]) for metric in metrics]
    chosen += rng.sample(tellable, 2)
    rng.shuffle(chosen)
    said = [says(fact, rng) for fact in dict.fromkeys(chosen)]
    size = rng.choice(
        [
            f"This group has {{c{sheet.cluster_key}.users}} of {{c{sheet.cluster_key}.users|all}} users.",
            f"A group of {{c{sheet.cluster_key}.users}} users, {{c{sheet.cluster_key}.user_share}} of all users.",
            f"The {{c{sheet.cluster_key}.users}} users of this group are {{c{sheet.cluster_key}.user_share}} of all.",
            "",
        ]
    )
    cut = max(1, len(said) // 2)
    first, second = said[:cut], said[cut:-1] or said[:1]
    last = said[-1]
    because = rng.choice(BECAUSE).format(todo=rng.choice(ADVICE).rstrip("."), said="{said}")
    draft = ClusterInsight(
        name=rng.choice(["Group", "Visitors", "Explorers", "Wanderers"]) + " " + "ABCDEFGHIJ"[number % 10],
        summary=" ".join(filter(None, [size, *(one.text() for one in first)])),
        differences=" ".join(one.text() for one in second),
        persona=f"Somebody who knows what to look for. {last.text()}",
        caveats=" ".join(rng.sample(NEUTRAL_CAVEATS, 2)),
        evidence=[one.fact.fact_id for one in said],
        actions=[because.format(said=_lower(said[0].text())), rng.choice(ADVICE)],
    )
    sayings = [("summary", one) for one in first] + [("differences", one) for one in second] + [("persona", last)]
    return Answer(draft, sayings)


def comparison(groups: dict[int, list[Fact]], names: dict[int, str], rng: random.Random) -> Answer:
    """A true comparison of clusters."""
    sentences: list[Saying] = []
    for _ in range(4):
        sentences.append(_compares(groups, names, rng))
    a = rng.choice(list(groups))
    there = [fact for fact in groups[a] if fact.metric in PLAIN and fact.direction != 0]
    own = rng.choice(there)
    did = rng.choice(PLAIN[own.metric][0])
    opportunity = Saying(
        "{todo}, starting with {n}: {v} of them " + did + " (all users {a}).",
        {
            "todo": rng.choice(ADVICE).rstrip("."),
            "n": names[a],
            "v": f"{{{own.fact_id}}}",
            "a": f"{{{own.fact_id}|all}}",
        },
        {"n": names[next(key for key in names if key != a)]},
        own,
    )
    draft = ClusterComparison(
        similarities=_in_common(groups, rng),
        key_differences=" ".join(one.text() for one in sentences),
        opportunities=opportunity.text(),
        evidence=[one.fact.fact_id for one in sentences],
    )
    return Answer(draft, [("key_differences", one) for one in sentences] + [("opportunities", opportunity)])


def _compares(groups: dict[int, list[Fact]], names: dict[int, str], rng: random.Random) -> Saying:
    while True:
        metric = rng.choice([metric for metric, (_, do, _) in PLAIN.items() if do])
        of = {key: fact for key, facts in groups.items() for fact in facts if fact.metric == metric}
        ranked = sorted(of, key=lambda key: -of[key].value)
        high, low = ranked[0], ranked[-1]
        if len(ranked) > 1 and _bottom(of[high]) > _top(of[low]):  # else nobody could say which is more
            break
    did, do, called = (rng.choice(words) for words in PLAIN[metric])
    first, second = (high, low) if rng.random() < 0.5 else (low, high)
    more = ("more", "less") if first == high else ("less", "more")
    slots = {
        "n": _call(first, names, rng), "m": _call(second, names, rng), "x": f"{{{of[first].fact_id}}}",
        "y": f"{{{of[second].fact_id}}}", "a": f"{{{of[first].fact_id}|all}}", "more": more[0],
        "most": "most" if first == high else "least",
    }  # fmt: skip
    turned = {"more": more[1], "most": "least" if first == high else "most"}
    shape = rng.choice(
        [
            f"{{n}} {do} {{more}} often than {{m}} ({{x}} against {{y}}).",
            f"{{x}} of {{n}} {did}, {{y}} of {{m}} did (all users {{a}}).",
            f"{{n}} {do} {{most}} often, with {{x}}; {{m}} are at {{y}}.",
            f"among {{n}}, {{x}} {did}, compared with {{y}} among {{m}}.",
            f"{{n}} ({{x}}) {do} {{more}} often than {{m}} ({{y}}).",
            f"{called} is {{x}} for {{n}} and {{y}} for {{m}}.",
        ]
    )
    return _used(Saying(shape, slots, turned, of[first]))


def _bottom(fact: Fact) -> float:
    return fact.value if fact.interval_low is None else fact.interval_low


def _top(fact: Fact) -> float:
    return fact.value if fact.interval_high is None else fact.interval_high


def _in_common(groups: dict[int, list[Fact]], rng: random.Random) -> str:
    metric = rng.choice(list(PLAIN))
    facts = sorted(
        (fact for facts in groups.values() for fact in facts if fact.metric == metric), key=lambda f: f.value
    )
    if len({fact.value for fact in facts}) < len(groups):
        return "The clusters are told apart by behaviour alone."
    low, high = f"{{{facts[0].fact_id}}}", f"{{{facts[-1].fact_id}}}"
    did = rng.choice(PLAIN[metric][0])
    return rng.choice(
        [
            f"In every cluster between {low} and {high} of users {did}.",
            f"Across all clusters, {low} to {high} {did}.",
        ]
    )


def _call(key: int, names: dict[int, str], rng: random.Random) -> str:
    return rng.choice([names[key], names[key], f"cluster {key}"])


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if not text.startswith(("A ", "{")) else text


# -- one thing made wrong --

Mutation = Callable[[Answer, list[Fact], dict[int, str], random.Random], Draft | None]


def _with(wrong: Answer, field: str, old: str, new: str) -> Draft | None:
    value = getattr(wrong.draft, field)
    if old == new or old not in value:
        return None
    return wrong.draft.model_copy(update={field: value.replace(old, new, 1)})


def _sayable(answer: Answer, rng: random.Random) -> tuple[str, Saying]:
    return rng.choice(answer.sayings)


def digits_for_a_number(answer: Answer, facts: list[Fact], names: dict[int, str], rng: random.Random) -> Draft | None:
    """The number itself, or another, in the place of the placeholder."""
    field, one = _sayable(answer, rng)
    slot = rng.choice([name for name in ("v", "a", "x", "y") if name in one.slots and f"{{{name}}}" in one.shape])
    number = rng.choice([one.fact.shown_value, "42%", "1,000", "3.5", f"{rng.randint(2, 99)}%"])
    return _with(answer, field, one.text(), one.text(**{slot: number}))


def another_fact(answer: Answer, facts: list[Fact], names: dict[int, str], rng: random.Random) -> Draft | None:
    """The placeholder of another fact of the same cluster."""
    field, one = _sayable(answer, rng)
    slot = next(name for name in ("v", "x") if name in one.slots)
    rivals = [
        fact
        for fact in facts
        if fact.cluster_key == one.fact.cluster_key
        and fact.unit == one.fact.unit
        and (fact.metric, fact.feature) != (one.fact.metric, one.fact.feature)
        and {fact.metric, one.fact.metric}
        != {"first_user_direct_share", "first_user_source_share"}  # "came directly" is both
    ]
    if not rivals or f"{{{slot}}}" not in one.shape:
        return None
    other = rng.choice(rivals)
    return _with(answer, field, one.text(), one.text(**{slot: f"{{{other.fact_id}}}"}))


def value_and_population_swapped(
    answer: Answer, facts: list[Fact], names: dict[int, str], rng: random.Random
) -> Draft | None:
    """The group's number where that of all users belongs, and the other way round."""
    field, one = _sayable(answer, rng)
    if not {"v", "a"} <= one.slots.keys() or one.slots["a"] not in one.text():
        return None
    value, everybody = one.slots["v"], one.slots["a"]
    swapped = one.text().replace(value, "\0").replace(everybody, value).replace("\0", everybody)
    return _with(answer, field, one.text(), swapped)


def direction_turned(answer: Answer, facts: list[Fact], names: dict[int, str], rng: random.Random) -> Draft | None:
    """More where it is less."""
    field, one = _sayable(answer, rng)
    ways = [name for name in one.turned if name != "n"]
    if not ways:
        return None
    name = rng.choice(ways)
    return _with(answer, field, one.text(), one.text(**{name: one.turned[name]}))


def number_word(answer: Answer, facts: list[Fact], names: dict[int, str], rng: random.Random) -> Draft | None:
    """A number of one's own, as a word."""
    field, one = _sayable(answer, rng)
    word = rng.choice(
        ["That is twice the usual.", "About half of them do.", "One in five of them does.", "A dozen visits suffice.",
         "This doubled.", "Three quarters agree."]
    )  # fmt: skip
    return _with(
        answer, field, one.text(), f"{one.text()} {word}".replace(". " + word, ", " + word[:1].lower() + word[1:])
    )


def cluster_changed(answer: Answer, facts: list[Fact], names: dict[int, str], rng: random.Random) -> Draft | None:
    """The number of another cluster, or another cluster's name beside the number."""
    field, one = _sayable(answer, rng)
    slot = next(name for name in ("v", "x") if name in one.slots)
    if f"{{{slot}}}" not in one.shape:
        return None
    if "n" in one.slots and rng.random() < 0.5:
        other = rng.choice(
            [f"cluster {key}" for key in names if names[key] not in (one.slots["n"], one.slots.get("m"))]
        )
        if other.removeprefix("cluster ") == str(one.fact.cluster_key) or other == one.slots.get("m"):
            return None
        return _with(answer, field, one.text(), one.text(n=other))
    key = rng.choice([key for key in names if key != one.fact.cluster_key])
    changed = one.slots[slot].replace(f"c{one.fact.cluster_key}.", f"c{key}.")
    return None if changed in one.text() else _with(answer, field, one.text(), one.text(**{slot: changed}))


def fact_id_invented(answer: Answer, facts: list[Fact], names: dict[int, str], rng: random.Random) -> Draft | None:
    """A fact that nobody measured, in the text or as evidence."""
    field, one = _sayable(answer, rng)
    invented = rng.choice(["loyalty", "purchase_rate_2", "churn", "page_views", "purchases"])
    name = f"c{one.fact.cluster_key}.{invented}"
    if rng.random() < 0.4:
        return answer.draft.model_copy(update={"evidence": [*answer.draft.evidence, name]})
    slot = next(slot for slot in ("v", "x") if slot in one.slots)
    return _with(answer, field, one.text(), one.text(**{slot: f"{{{name}}}"})) if f"{{{slot}}}" in one.shape else None


def feature_renamed(answer: Answer, facts: list[Fact], names: dict[int, str], rng: random.Random) -> Draft | None:
    """Another page, theme or channel beside the number."""
    field, one = _sayable(answer, rng)
    if "f" not in one.slots:
        return None
    rivals = [
        fact
        for fact in facts
        if fact.metric == one.fact.metric and fact.feature not in {one.fact.feature, "unknown"}
        and fact.cluster_key == one.fact.cluster_key
    ]  # fmt: skip
    return _with(answer, field, one.text(), one.text(f=spoken(rng.choice(rivals), rng))) if rivals else None


MUTATIONS: dict[str, Mutation] = {
    "number": digits_for_a_number,
    "another fact": another_fact,
    "all users and group swapped": value_and_population_swapped,
    "direction": direction_turned,
    "number word": number_word,
    "cluster": cluster_changed,
    "fact id": fact_id_invented,
    "feature": feature_renamed,
}


def corpus(
    sheets: list[FactSheet], names: dict[int, str], sent: Callable[[FactSheet], list[Fact]], seed: int, size: int
) -> list[tuple[Answer, list[Fact], dict[int, str]]]:
    """``size`` true answers, each with the facts that its writer had and the clusters it may name."""
    rng = random.Random(seed)
    groups = {sheet.cluster_key: sent(sheet) for sheet in sheets}
    made: list[tuple[Answer, list[Fact], dict[int, str]]] = []
    for number in range(size):
        if number % 5 == 4:
            everything = [fact for facts in groups.values() for fact in facts]
            made.append((comparison(groups, names, rng), everything, names))
        else:
            sheet = sheets[number % len(sheets)]
            own = {sheet.cluster_key: names[sheet.cluster_key]}
            made.append((answer(sheet, groups[sheet.cluster_key], rng, number), groups[sheet.cluster_key], own))
    return made


def mutants(
    made: list[tuple[Answer, list[Fact], dict[int, str]]], all_names: dict[int, str], seed: int, size: int
) -> list[tuple[str, Any, list[Fact], dict[int, str]]]:
    """``size`` answers in which one thing is wrong: what, the draft, the facts, the clusters."""
    rng = random.Random(seed)
    found: list[tuple[str, Any, list[Fact], dict[int, str]]] = []
    for number in range(50 * size):
        if len(found) == size:
            break
        kind = list(MUTATIONS)[number % len(MUTATIONS)]
        true, facts, names = rng.choice(made)
        draft = MUTATIONS[kind](true, facts, all_names, rng)
        if draft is not None and draft != true.draft:
            found.append((kind, draft, facts, names))
    return found
