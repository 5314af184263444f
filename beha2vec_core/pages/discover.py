"""Themes for a site that has no labels yet: groups of alike pages, named by their distinctive words, as a label file.

The file is a draft for people to edit, in the form that `beha2vec_core.pages.labels` reads. Its words are taken from
titles, which are text by strangers: they are cleaned, quoted by the YAML writer, and meant to be read before use.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from beha2vec_core.pages.classifiers import parse_steps
from beha2vec_core.pages.embedder import Embedder
from beha2vec_core.pages.enrich import classify_pages
from beha2vec_core.pages.labels import DEFAULT_LABELS_PATH, UNKNOWN, Label, LabelFileError, read_mapping
from beha2vec_core.pages.text import clean_title, page_text, title_crumbs, title_words

# What every site has: these pages are known by their address, so they keep the default themes and are not grouped.
BRANDS_THEME = "brands"
EVERY_SITE_THEMES = (
    *("purchase", "account", "customer_service", "stores", "company", "legal", "general", "offers"),
    BRANDS_THEME,
)
MIN_PAGES = 20
MAX_GROUPS = 20
_MIN_GROUPS = 4
# range of pages per group, on average, in which their number is searched
_FEWEST_PAGES, _MOST_PAGES = 8, 40
# the fewest groups that come this close to the best silhouette are taken: a theme too few is easier to split by hand
# than many to merge
_GOOD_ENOUGH = 0.8
_SILHOUETTE_PAGES = 2000
# a word on more pages than this says which site it is, not what a page is about
_SITE_WORD_SHARE = 0.5
_BRAND_WORDS = 3
_DESCRIPTION_WORDS = 8
_EXAMPLES = 5
_MAX_EXAMPLE_CHARS = 80
_NOT_WORD = re.compile(r"[\W_]+")
_WORD = re.compile(r"[^\W\d_]{3,}(?![^\W_]*\d)")


class DiscoveryError(ValueError):
    """The pages are too few, or the number of groups cannot be; the message says what to do."""


@dataclass(frozen=True)
class Suggestion:
    """A suggested theme, and what it stands for: how many pages, and which share (0 to 1) of the views looked at."""

    label: Label
    pages: int
    share_of_views: float


@dataclass(frozen=True)
class Discovery:
    """What was found."""

    themes: tuple[Suggestion, ...]  # the suggestions, most viewed first
    page_keys: tuple[str, ...]  # the pages that were grouped
    groups: NDArray[np.int64]  # the number of each one's suggestion in ``themes``; int [pages]
    left_out: int  # pages that were not: those every site has, error pages, pages without words


def discover_themes(
    pages: pd.DataFrame, embedder: Embedder, *, groups: int | None = None, max_pages: int = 5000, seed: int = 0
) -> Discovery:
    """Group pages by what they are about. Same pages, model and seed: same groups.

    Pages count by the logarithm of their views, so that a few do not stand for all.

    Args:
        pages: columns `page_key`, `page_title`, `page_path`, `hostname`, `page_views`.
        embedder: the model that turns page texts into vectors.
        groups: how many; None: the fewest that part the pages well, from 4 to 20.
        max_pages: only the most viewed.
        seed: of K-Means.

    Raises:
        DiscoveryError: fewer than `MIN_PAGES` pages have words, or ``groups`` does not fit their number.
    """
    looked_at = _most_viewed(pages, max_pages)
    content = _content_pages(looked_at)
    content = content[content["text"].map(lambda text: bool(_WORD.search(text)))].reset_index(drop=True)
    if len(content) < MIN_PAGES:
        raise DiscoveryError(
            f"only {len(content)} pages have words of their own besides cart, account and the like; {MIN_PAGES} are "
            "needed. Read more days, or write a label file by hand (docs/pages.md)"
        )
    if groups is not None and not 2 <= groups <= len(content) // 2:
        raise DiscoveryError(f"{groups} groups of {len(content)} pages: give a number from 2 to {len(content) // 2}")
    vectors = embedder.encode(content["text"].tolist())
    weights = 1 + np.log1p(content["page_views"].to_numpy(dtype=np.float64))
    members, centroids = _group(vectors, weights, groups, seed)

    order = np.argsort(-np.bincount(members, weights=content["page_views"] + 1e-9), kind="stable")
    members = np.argsort(order)[members]
    centroids = centroids[order]
    terms = _distinctive_terms(content["text"], members, weights)
    names = _names(terms)
    views = max(float(looked_at["page_views"].sum()), 1.0)
    themes = []
    for number, name in enumerate(names):
        mine = np.flatnonzero(members == number)
        examples = _examples(content.iloc[mine], vectors[mine], centroids[number])
        label = Label(name, ", ".join(terms[number][:_DESCRIPTION_WORDS]), examples)
        share = float(content["page_views"].iloc[mine].sum()) / views
        themes.append(Suggestion(label, len(mine), share))
    return Discovery(tuple(themes), tuple(content["page_key"]), members, len(looked_at) - len(content))


def label_file(discovery: Discovery) -> str:
    """The label file (YAML) with the suggested themes, the default ones of `EVERY_SITE_THEMES` and all page types."""
    defaults = read_mapping(DEFAULT_LABELS_PATH, {"themes", "page_types"}, LabelFileError)
    lines = [
        "# Themes suggested from the pages of this site: a draft. Rename, merge and delete; the description and the",
        "# examples are what a page is compared with. They are words of page titles, so read them before use.",
        "# Then set BEHA2VEC_LABELS_FILE to this file. See docs/pages.md.",
        "",
        "themes:",
    ]
    for theme in discovery.themes:
        label = theme.label
        entry = {"description": label.description} | ({"examples": list(label.examples)} if label.examples else {})
        lines += [f"  # {theme.pages} pages, {theme.share_of_views:.1%} of page views", *_entry(label.name, entry)]
    lines += ["  # what every site has"]
    for name in EVERY_SITE_THEMES:
        lines += _entry(name, defaults["themes"][name])
    lines += ["", "page_types:"]
    for name, content in defaults["page_types"].items():
        lines += _entry(name, content)
    return "\n".join(lines) + "\n"


def _entry(name: str, content: object) -> list[str]:
    dumped = yaml.safe_dump({name: content}, allow_unicode=True, sort_keys=False, width=10_000)
    return [f"  {line}" for line in dumped.splitlines()]


def _most_viewed(pages: pd.DataFrame, max_pages: int) -> pd.DataFrame:
    """One row a page_key with its most viewed title and all its views; the order depends on nothing but the pages."""
    order = pages.assign(page_title=pages["page_title"].map(clean_title), page_views=pages["page_views"].fillna(0))
    order = order.sort_values(["page_views", "page_key", "page_title"], ascending=[False, True, True])
    views = order.groupby("page_key")["page_views"].sum()
    distinct = order.drop_duplicates("page_key")
    distinct = distinct.assign(page_views=distinct["page_key"].map(views))
    distinct = distinct.sort_values(["page_views", "page_key"], ascending=[False, True]).head(max_pages)
    return distinct.reset_index(drop=True)


def _content_pages(pages: pd.DataFrame) -> pd.DataFrame:
    """The pages that no rule knows as one every site has, with ``text``: what a model reads, without names."""
    known = classify_pages(pages, steps=parse_steps("rules"), progress=False).pages.set_index("page_key")
    labels = known.reindex(pages["page_key"])
    every_site = labels["theme"].isin(EVERY_SITE_THEMES) | (labels["page_type"] == "error")
    content = pages[~every_site.to_numpy()]
    columns = zip(content["page_title"], content["page_path"], content["hostname"], strict=True)
    texts = [page_text(*page) for page in columns]
    names = _site_words(texts, content["hostname"]) | _brand_words(pages[(labels["theme"] == BRANDS_THEME).to_numpy()])
    return content.assign(text=[_without(text, names) for text in texts])


def _site_words(texts: Sequence[str], hostnames: Iterable[object]) -> set[str]:
    """The stems of words that say which site it is: they are in its host name, or on most pages."""
    pages = [{_stem(word) for word in _words(text)} for text in texts]
    counts = Counter(word for page in pages for word in page)
    hosts = " ".join({host for host in hostnames if isinstance(host, str)})
    return {word for word, count in counts.items() if count > _SITE_WORD_SHARE * len(pages)} | {
        _stem(word) for word in _words(hosts)
    }


def _brand_words(brand_pages: pd.DataFrame) -> set[str]:
    """The stems of brand names, where the site has a page a brand: they group pages by maker, not by subject."""
    columns = zip(brand_pages["page_title"], brand_pages["hostname"], strict=True)
    names = [crumbs[0] for page in columns if (crumbs := title_crumbs(*page))]
    return {_stem(word) for name in names if len(name.split()) <= _BRAND_WORDS for word in _words(name)}


def _without(text: str, names: set[str]) -> str:
    return " ".join(word for word in text.split() if _stem(_NOT_WORD.sub("", word.lower())) not in names)


def _group(
    vectors: NDArray[np.float32], weights: NDArray[np.float64], groups: int | None, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The group of each page, int [pages], and their centroids, float32 [groups, dim]."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    def fit(k: int) -> KMeans:
        return KMeans(k, n_init=10, random_state=seed).fit(vectors, sample_weight=weights)

    with threadpool_limits(1):  # on small data threads cost more than they bring
        fits = [fit(k) for k in (_candidates(len(vectors)) if groups is None else [groups])]
    quality = np.array([_silhouette(vectors, model.labels_, seed) for model in fits if len(fits) > 1] or [0.0])
    model = fits[int(np.argmax(quality >= _GOOD_ENOUGH * quality.max()))]
    return model.labels_.astype(np.int64), model.cluster_centers_.astype(np.float32)


def _candidates(pages: int) -> range:
    """The numbers of groups to try: from 4 to 10 upward, by the number of pages, to 20."""
    lowest = min(max(_MIN_GROUPS, pages // _MOST_PAGES), MAX_GROUPS // 2)
    return range(lowest, max(lowest, min(MAX_GROUPS, pages // _FEWEST_PAGES)) + 1)


def _silhouette(vectors: NDArray[np.float32], members: NDArray[np.int32], seed: int) -> float:
    from sklearn.metrics import silhouette_score

    size = min(_SILHOUETTE_PAGES, len(vectors) - 1)
    return float(silhouette_score(vectors, members, metric="cosine", sample_size=size, random_state=seed))


def _distinctive_terms(
    texts: Sequence[str] | pd.Series, members: NDArray[np.int64], weights: NDArray[np.float64]
) -> list[list[str]]:
    """The words of each group, the most distinctive first, by class-based TF-IDF (Grootendorst 2022, BERTopic).

    A word's weight in a group is its share of the group's words times log(1 + mean words of a group / its count in
    all groups). Singular and plural are one word, shown in its more frequent form.
    """
    counts: list[Counter[str]] = [Counter() for _ in range(int(members.max()) + 1)]
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text, member, weight in zip(texts, members, weights, strict=True):
        for word in _words(text):
            counts[member][_stem(word)] += weight
            forms[_stem(word)][word] += 1
    total: Counter[str] = Counter()
    for group in counts:
        total.update(group)
    mean = sum(total.values()) / len(counts)
    shown = {stem: min(words, key=lambda word: (-words[word], word)) for stem, words in forms.items()}
    terms = []
    for group in counts:
        score = {stem: count * np.log1p(mean / total[stem]) for stem, count in group.items()}
        terms.append([shown[stem] for stem in sorted(score, key=lambda stem: (-score[stem], stem))])
    return terms


def _names(terms: list[list[str]]) -> list[str]:
    """A readable name a group, from its first two words; further words, then a number, where that is taken."""
    taken = {UNKNOWN, *EVERY_SITE_THEMES}
    names = []
    for words in terms:
        tries = ["_and_".join(words[:count]) for count in range(2, 5)]
        tries += [f"{tries[0]}_{number}" for number in range(2, len(terms) + 2)]
        name = next(name for name in tries if name not in taken)
        taken.add(name)
        names.append(name)
    return names


def _examples(pages: pd.DataFrame, vectors: NDArray[np.float32], centroid: NDArray[np.float32]) -> tuple[str, ...]:
    """Titles that show a group's breadth: of the half nearest its center, the most central and those far apart."""
    columns = zip(pages["page_title"], pages["hostname"], strict=True)
    titles = [title_words(*page)[:_MAX_EXAMPLE_CHARS].strip() for page in columns]
    nearest = np.argsort(-(vectors @ centroid), kind="stable").tolist()
    near = [place for place in nearest[: max(_EXAMPLES, (len(nearest) + 1) // 2)] if titles[place]]
    chosen: dict[str, int] = {}
    while near and len(chosen) < _EXAMPLES:
        likeness = vectors[near] @ vectors[list(chosen.values())].T if chosen else np.zeros((len(near), 1))
        place = near.pop(int(np.argmin(likeness.max(axis=1))))
        chosen.setdefault(titles[place], place)
    return tuple(chosen)


def _words(text: str) -> list[str]:
    """The words of three and more letters, without digits and without words that say nothing."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return [word for word in _WORD.findall(text.lower()) if word not in ENGLISH_STOP_WORDS]


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word
