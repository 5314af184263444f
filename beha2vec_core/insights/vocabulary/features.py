"""How features are called: pages, themes, channels, devices."""

from beha2vec_core.insights.sheet import Fact
from beha2vec_core.insights.vocabulary.unsupported import NUMBER_WORDS
from beha2vec_core.insights.wording import label_words
from beha2vec_core.profiles.metrics import STEP_TO, metric

_SYNONYMS = {
    ("page type", "support"): ("help", "customer service", "help centre", "help center"),
    ("page type", "article"): ("blog", "blog post"),
    ("page type", "article_list"): ("blog list", "article overview", "list of articles"),
    ("page type", "home"): ("homepage", "start page"),
    ("page type", "cart"): ("basket", "shopping cart"),
    ("page type", "comparison"): ("compare", "product comparison"),
    ("page type", "category"): ("categories", "listing"),
    ("page type", "login"): ("log-in", "sign-in"),
    ("page type", "wishlist"): ("wish list",),
    ("page type", "search"): ("search result", "searching"),
    ("theme", "offers"): ("deals", "offer", "deal"),
    ("theme", "brands"): ("brand",),
    ("device", "mobile"): ("phone", "smartphone", "mobile phone", "a phone"),
    ("device", "desktop"): ("computer", "laptop", "desktop computer"),
    ("device", "smart tv"): ("television",),
    ("channel", "(direct) / (none)"): ("direct", "directly", "direct traffic", "direct visit"),
}
_MEDIUMS = {
    "cpc": ("paid search",), "ppc": ("paid search",), "paid_social": ("paid social",), "organic": ("organic search",),
    "email": ("e-mail", "email"), "newsletter": ("newsletter",), "affiliate": ("affiliate",),
    "social": ("social media",),
    "referral": ("referral",), "display": ("display ads",),
}  # fmt: skip


def family(fact: Fact) -> str:
    """Which kind of feature the fact has: facts of one kind can be taken for each other."""
    return metric(fact.metric).features or fact.metric


def aliases(fact: Fact) -> list[str]:
    """What prose may call the fact's feature without quotes, the feature's own words first."""
    feature = fact.feature or ""
    kind = family(fact)
    found = [feature, label_words(feature)] if _is_plain(feature) else []
    if kind == "theme" and " and " in label_words(feature):
        found.append(label_words(feature).split(" and ")[0])
    if kind == "channel" and " / " in feature and _is_plain(feature):
        source, medium = feature.rsplit(" / ", 1)
        found += [f"{source} {medium}", f"{source}/{medium}", source.strip("()"), *_MEDIUMS.get(medium.lower(), ())]
        found += [f"{source} {word}" for word in _MEDIUMS.get(medium.lower(), ())]
    if kind == "path" and STEP_TO in feature:
        start, end = (label_words(step) for step in feature.split(STEP_TO, 1))
        if start == end:
            found += [f"from one {start} page to the next", f"from one {start} page to another"]
        found += [f"from {start} to {end} pages", f"from {start} pages to {end} pages", f"from {start} to {end}"]
    found += _SYNONYMS.get((kind, feature.lower()), ())
    return list(dict.fromkeys(word for word in found if len(word) > 1))


def _is_plain(feature: str) -> bool:
    """Whether a feature can stand unquoted: a label, a name or an address, not a sentence that makes claims."""
    if not any(map(str.isalpha, feature)):
        return False
    is_address = " " not in feature and ("/" in feature or "." in feature)
    without_numbers = not NUMBER_WORDS.search(feature) and not any(char.isnumeric() for char in feature)
    return is_address or (without_numbers and len(feature.split()) <= 5)
