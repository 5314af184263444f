"""Names for clusters: up to four words, all different, each from a fact that is significant, large and distinguishing.

Distinguishing: more than in the other clusters together, those users left out of whom too little is known. A word for
users holds for most of them: buyers are called who mostly bought. Where no fact serves, the name is plain.
"""

import re
from collections import Counter
from collections.abc import Iterator

from beha2vec_core.insights.sheet import CLEAR_LIFT, Fact, FactSheet
from beha2vec_core.insights.wording import label_words

# page type: (who they are, how they go about it)
_PAGE_TYPES = {
    "home": ("home page visitors", "home-page"),
    "category": ("category browsers", "category"),
    "product": ("product viewers", "product"),
    "search": ("searchers", "search-led"),
    "comparison": ("product comparers", "comparing"),
    "cart": ("cart page visitors", "cart"),
    "checkout": ("checkout page visitors", "checkout"),
    "confirmation": ("confirmation page visitors", "confirmation"),
    "account": ("account users", "account-led"),
    "login": ("account users", "signed-in"),
    "signup": ("sign-up page visitors", "sign-up"),
    "wishlist": ("wish list viewers", "wish-list"),
    "support": ("help seekers", "help-seeking"),
    "documentation": ("documentation readers", "documentation"),
    "article": ("article readers", "reading"),
    "article_list": ("article readers", "reading"),
    "feature": ("feature explorers", "feature"),
    "pricing": ("pricing page readers", "pricing"),
    "policy": ("policy readers", "policy"),
    "store_finder": ("store finder users", "store-finding"),
    "company": ("company page readers", "company"),
    "campaign": ("campaign page visitors", "campaign"),
    "error": ("error page visitors", "error-hit"),
}
_THEMES = {"offers": "deal-led", "brands": "brand-led", "gifts": "gift-seeking"}
# themes that add nothing to the page type
_EMPTY_LABELS = {"unknown", "general", "purchase", "account", "customer_service", "company", "legal", "stores"}
_MEDIUMS = {
    "email": "email",
    "newsletter": "newsletter",
    "cpc": "paid-search",
    "ppc": "paid-search",
    "paid_social": "paid-social",
    "social": "social",
    "affiliate": "affiliate",
    "referral": "referral",
    "display": "display-ad",
    "organic": "organic-search",
    "(none)": "direct",
}
# of a page type, theme or medium by its label, more words for users who have more of it
WORDS = {label: f"{who} {how}" for label, (who, how) in _PAGE_TYPES.items()} | _THEMES | _MEDIUMS
ONE_CLUSTER = "All visitors together"
_LABEL = re.compile(r"[^\W\d_](?:[\w&'’-]| (?! )){0,39}")  # what can be part of a name
_PART_OF_BUYING = {"product", "cart", "checkout", "confirmation"}  # every buyer passes these
_STRONG_PURCHASE_LIFT = 1.5
_LEAST_DIFFERENCE = 0.02  # a smaller part of the attention describes no one
_STRONG_THEME = 0.5  # as `Fact.strength`: from here a theme is the first thing to say
# what a name may say: of most users, or a medium effect (Cohen 1988; for Cliff's delta Romano and others 2006)
MOST = 0.5
_LARGE_H, _LARGE_DELTA = 0.5, 0.33


def page_type_focus(sheet: FactSheet) -> list[Fact]:
    """Page types that get more of these users' attention, the most telling first."""
    return _focus(sheet, "page_type_view_share", {"unknown", "home"})


def theme_focus(sheet: FactSheet) -> list[Fact]:
    """Themes that get more of these users' attention, the most telling first."""
    return _focus(sheet, "theme_view_share", _EMPTY_LABELS)


def _focus(sheet: FactSheet, metric: str, silent: set[str]) -> list[Fact]:
    return [
        fact
        for fact in sheet.over(metric)
        if fact.feature not in silent
        and _LABEL.fullmatch(fact.feature or "")
        and fact.value - fact.population_value >= _LEAST_DIFFERENCE
    ]


def buys(sheet: FactSheet) -> bool:
    """Whether these users buy clearly more often than others."""
    rate = sheet.number("purchase_rate")
    return rate is not None and rate.is_over and (rate.lift or 0) >= _STRONG_PURCHASE_LIFT


def cluster_names(sheets: list[FactSheet]) -> dict[int, str]:
    """A name for each cluster, no two alike whatever the case of letters."""
    if len(sheets) == 1:
        return {sheets[0].cluster_key: ONE_CLUSTER}
    candidates = {
        sheet.cluster_key: [*_candidates(sheet, sheets), f"Visitors of cluster {sheet.cluster_key}"] for sheet in sheets
    }
    level = dict.fromkeys(candidates, 0)
    for _ in range(max(map(len, candidates.values()), default=0)):
        chosen = {key: names[level[key]] for key, names in candidates.items()}
        uses = Counter(chosen.values())
        # all who share a name get a closer one: "product viewers" beside "email product viewers" is unclear
        clashing = [key for key, name in chosen.items() if uses[name] > 1 and level[key] + 1 < len(candidates[key])]
        if not clashing:
            break
        for key in clashing:
            level[key] += 1
    names: dict[int, str] = {}
    for key, options in candidates.items():
        names[key] = distinct_name(key, [options[level[key]], *options], set(names.values()))
    return names


def mostly_bought(rate: Fact) -> bool:
    """Whether users may be called buyers, by their purchase rate."""
    return rate.value >= MOST


def distinct_name(cluster_key: int, options: list[str], taken: set[str]) -> str:
    """The first option that is not taken (letters' case aside), else the first with the cluster's key."""
    used = {name.lower() for name in taken}
    for option in options:
        if option.lower() not in used:
            return option
    return f"{options[0].split()[-1].capitalize()}, cluster {cluster_key}"


def _candidates(sheet: FactSheet, sheets: list[FactSheet]) -> Iterator[str]:
    """Names that fit, the best first."""
    others = [other for other in sheets if other is not sheet]
    types = [fact for fact in page_type_focus(sheet) if _is_large(fact) and _distinguishes(fact, others)]
    themes = [fact for fact in theme_focus(sheet) if _is_large(fact) and _distinguishes(fact, others)]
    strong = [_theme(fact) for fact in themes if fact.strength >= _STRONG_THEME]
    weak = [_theme(fact) for fact in themes if fact.strength < _STRONG_THEME]
    habits, origins, rate = _habits(sheet, others), _origin(sheet, others), sheet.number("purchase_rate")
    is_purchasing = rate is not None and buys(sheet) and _distinguishes(rate, others)
    role = "visitors"
    if rate and is_purchasing and mostly_bought(rate):
        ways = [
            _PAGE_TYPES[f.feature][1] for f in types if f.feature in _PAGE_TYPES and f.feature not in _PART_OF_BUYING
        ]
        modifiers = [*dict.fromkeys(ways[:2]), *strong, *weak, *habits, *origins]
        role = "buyers"
        if not modifiers:
            yield _name(role)
    else:
        idle = sheet.number("no_engagement_time_share")
        is_idle = idle is not None and idle.is_over and _is_large(idle) and _distinguishes(idle, others)
        first = ["unengaged" if idle.value >= MOST else "partly unengaged"] if idle and is_idle else []
        if rate and is_purchasing and _is_large(rate):
            first.append("purchase-led")
            types = [fact for fact in types if fact.feature not in _PART_OF_BUYING]
        first += strong
        if types:
            role = _PAGE_TYPES.get(types[0].feature or "", (f"{_short(types[0])} visitors", ""))[0]
        if not first and role != "visitors":
            yield _name(role)
        cart = sheet.number("reached_cart_share")
        if cart and cart.is_over and _is_large(cart) and _distinguishes(cart, others):
            habits = ["cart-led", *habits]
        modifiers = [*first, *habits, *weak, *origins]
    if not modifiers:
        return
    yield _name(modifiers[0], role)
    for second in modifiers[1:]:
        yield _name(modifiers[0], second, role)
    for other in modifiers[1:]:
        yield _name(other, role)


def _is_large(fact: Fact) -> bool:
    """Whether the difference is more than small; where its size is not known, it has to be seen in the values."""
    if fact.effect_size is None:
        return (fact.lift or 0.0) >= 2
    return abs(fact.effect_size) >= (_LARGE_H if fact.unit == "share" else _LARGE_DELTA)


def _distinguishes(fact: Fact, others: list[FactSheet]) -> bool:
    """Whether it is more than that of the users of all other clusters, or less: the way it differs from all users."""
    elsewhere = [
        (other.users, same.value)
        for other in others
        for same in other.facts
        if (same.metric, same.feature) == (fact.metric, fact.feature)
    ]
    users = sum(users for users, _ in elsewhere)
    if not users:
        return False
    average = sum(users * value for users, value in elsewhere) / users
    low, high = fact.interval_low, fact.interval_high
    if fact.direction > 0:
        return fact.value >= CLEAR_LIFT * average and (fact.value if low is None else low) > average
    return fact.value * CLEAR_LIFT <= average and (fact.value if high is None else high) < average


def _habits(sheet: FactSheet, others: list[FactSheet]) -> list[str]:
    """Adjectives for how most of these users go about it."""
    numbers = (
        ("return_share", "returning"),
        ("one_page_view_share", "one-page"),
        ("error_page_user_share", "error-hit"),
    )
    words = [word for metric, word in numbers if (fact := sheet.number(metric)) and _is_of_most(fact, others)]
    views = sheet.number("page_views_mean")
    if views and (views.is_over or views.is_under) and _is_large(views) and _distinguishes(views, others):
        words.append("thorough" if views.is_over else "brief")
    return words


def _origin(sheet: FactSheet, others: list[FactSheet]) -> list[str]:
    """Adjectives for the channel and the device of most of these users: what they do says more of them."""
    words = [
        _MEDIUMS.get((fact.feature or "").lower(), "")
        for fact in sheet.over("first_user_medium_share")
        if _is_of_most(fact, others)
    ]
    words += [fact.feature or "" for fact in sheet.over("device_share") if _is_of_most(fact, others)]
    return list(
        dict.fromkeys(word for word in words if len(word) <= 20 and word and _LABEL.fullmatch(word) and " " not in word)
    )


def _is_of_most(fact: Fact, others: list[FactSheet]) -> bool:
    return fact.is_over and fact.value >= MOST and _distinguishes(fact, others)


def _theme(fact: Fact) -> str:
    return _THEMES.get(fact.feature or "", _short(fact))


def _short(fact: Fact) -> str:
    """A label in at most two words: bags_and_luggage -> bags."""
    return " ".join(word[:20] for word in label_words((fact.feature or "").split("_and_")[0]).split()[:2])


def _name(*parts: str) -> str:
    words = list(dict.fromkeys(" ".join(parts).split()))  # "product product viewers"
    name = " ".join(words if len(words) <= 4 else [*words[:2], *words[-2:]])
    return name[:1].upper() + name[1:]
