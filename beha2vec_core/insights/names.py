"""Names for clusters: up to four words, from what is most over-represented, all different."""

import re
from collections import Counter
from collections.abc import Iterator

from beha2vec_core.insights.sheet import Fact, FactSheet
from beha2vec_core.insights.wording import label_words

# page type: (who they are, how they go about it)
_PAGE_TYPES = {
    "home": ("home page visitors", "home-page"),
    "category": ("category browsers", "category"),
    "product": ("product viewers", "product"),
    "search": ("searchers", "search-led"),
    "comparison": ("product comparers", "comparing"),
    "cart": ("basket fillers", "basket-filling"),
    "checkout": ("checkout starters", "checkout"),
    "confirmation": ("order placers", "ordering"),
    "account": ("account users", "account-led"),
    "login": ("account users", "signed-in"),
    "signup": ("new sign-ups", "signing-up"),
    "wishlist": ("wish list keepers", "wish-list"),
    "support": ("help seekers", "help-seeking"),
    "documentation": ("documentation readers", "documentation"),
    "article": ("article readers", "reading"),
    "article_list": ("article readers", "reading"),
    "feature": ("feature explorers", "feature"),
    "pricing": ("price checkers", "price-checking"),
    "policy": ("policy readers", "policy"),
    "store_finder": ("store finders", "store-finding"),
    "company": ("company researchers", "company"),
    "campaign": ("campaign visitors", "campaign"),
    "error": ("error page visitors", "error-hit"),
}
_THEMES = {"offers": "deal-led", "brands": "brand-led", "gifts": "gift-seeking"}
# themes that say no more than the page type does
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
_LABEL = re.compile(r"[^\W\d_](?:[\w&'’-]| (?! )){0,39}")  # what can be part of a name
_PART_OF_BUYING = {"product", "cart", "checkout", "confirmation"}  # every buyer passes these
_STRONG_PURCHASE_LIFT = 1.5
_WORTH_A_NAME = 0.02  # a smaller part of the attention describes nobody
_STRONG_THEME = 0.5  # as `Fact.strength`: from here a theme is the first thing to say


def page_type_focus(sheet: FactSheet) -> list[Fact]:
    """Page types that get more of these users' attention, the most telling first."""
    return [
        fact
        for fact in sheet.over("page_type_view_share")
        if fact.feature not in {"unknown", "home"}
        and _LABEL.fullmatch(fact.feature or "")
        and fact.value - fact.population_value >= _WORTH_A_NAME
    ]


def theme_focus(sheet: FactSheet) -> list[Fact]:
    """Themes that get more of these users' attention, the most telling first."""
    return [
        fact
        for fact in sheet.over("theme_view_share")
        if fact.feature not in _EMPTY_LABELS
        and _LABEL.fullmatch(fact.feature or "")
        and fact.value - fact.population_value >= _WORTH_A_NAME
    ]


def buys(sheet: FactSheet) -> bool:
    """Whether these users buy clearly more often than others."""
    rate = sheet.number("purchase_rate")
    return rate is not None and rate.is_over and (rate.lift or 0) >= _STRONG_PURCHASE_LIFT


def cluster_names(sheets: list[FactSheet]) -> dict[int, str]:
    """A name for each cluster, no two alike whatever the case of letters."""
    candidates = {sheet.cluster_key: list(_candidates(sheet)) for sheet in sheets}
    level = dict.fromkeys(candidates, 0)
    for _ in range(max(map(len, candidates.values()), default=0)):
        chosen = {key: names[level[key]] for key, names in candidates.items()}
        uses = Counter(chosen.values())
        # all who share a name get a closer one: "product viewers" beside "email product viewers" tells little
        clashing = [key for key, name in chosen.items() if uses[name] > 1 and level[key] + 1 < len(candidates[key])]
        if not clashing:
            break
        for key in clashing:
            level[key] += 1
    names: dict[int, str] = {}
    for key, options in candidates.items():
        names[key] = distinct_name(key, [options[level[key]], *options], set(names.values()))
    return names


def distinct_name(cluster_key: int, options: list[str], taken: set[str]) -> str:
    """The first option that is not taken (letters' case aside), else the first with the cluster's key."""
    used = {name.lower() for name in taken}
    for option in options:
        if option.lower() not in used:
            return option
    return f"{options[0].split()[-1].capitalize()}, cluster {cluster_key}"


def _candidates(sheet: FactSheet) -> Iterator[str]:
    """Names that fit, the best first."""
    types, themes = page_type_focus(sheet), theme_focus(sheet)
    role = "visitors"
    if types:
        role = _PAGE_TYPES.get(types[0].feature or "", (f"{_short(types[0])} visitors", ""))[0]
    if buys(sheet):
        ways = [
            _PAGE_TYPES[f.feature][1] for f in types if f.feature in _PAGE_TYPES and f.feature not in _PART_OF_BUYING
        ]
        modifiers = [*dict.fromkeys(ways[:2]), *map(_theme, themes), *_habits(sheet)]
        role = "buyers"
    else:
        idle = sheet.number("no_engagement_share")
        modifiers = [] if not idle or not idle.is_over else ["unengaged" if idle.value >= 0.5 else "partly unengaged"]
        modifiers += [_theme(fact) for fact in themes if fact.strength >= _STRONG_THEME]
        if not modifiers:
            yield _name(role if role != "visitors" else "typical visitors")
        modifiers += [*_habits(sheet), *(_theme(fact) for fact in themes if fact.strength < _STRONG_THEME)]
    if not modifiers:
        yield _name(role)
        return
    yield _name(modifiers[0], role)
    for second in modifiers[1:]:
        yield _name(modifiers[0], second, role)
    for first in modifiers[1:]:
        yield _name(first, role)


def _habits(sheet: FactSheet) -> list[str]:
    """Adjectives for how these users come and go."""
    words = []
    numbers = (("return_share", "returning"), ("one_page_share", "one-page"), ("error_page_user_share", "error-hit"))
    words += [word for metric, word in numbers if (fact := sheet.number(metric)) and fact.is_over]
    for fact in sheet.over("channel_share"):
        medium = (fact.feature or "").rsplit(" / ", 1)[-1].lower()
        words.append(_MEDIUMS.get(medium, ""))
    for fact in sheet.over("device_share"):
        words.append(fact.feature or "")
    views = sheet.number("page_views_mean")
    if views and (views.is_over or views.is_under):
        words.append("thorough" if views.is_over else "brief")
    return list(
        dict.fromkeys(word for word in words if len(word) <= 20 and word and _LABEL.fullmatch(word) and " " not in word)
    )


def _theme(fact: Fact) -> str:
    return _THEMES.get(fact.feature or "", _short(fact))


def _short(fact: Fact) -> str:
    """A label in at most two words: bags_and_luggage -> bags."""
    return " ".join(word[:20] for word in label_words((fact.feature or "").split("_and_")[0]).split()[:2])


def _name(*parts: str) -> str:
    words = list(dict.fromkeys(" ".join(parts).split()))  # "product product viewers"
    name = " ".join(words if len(words) <= 4 else [*words[:2], *words[-2:]])
    return name[:1].upper() + name[1:]
