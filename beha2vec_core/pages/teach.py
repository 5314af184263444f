"""What overrides and pages of a sure type say about the type of others: those of the same form in the same folder."""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable

import pandas as pd

from beha2vec_core.pages.cascade import OVERRIDE
from beha2vec_core.pages.labels import Labels
from beha2vec_core.pages.own_types import OwnTypes
from beha2vec_core.pages.text import path_segments

# how sure a page must be of its type to vote; what is voted is less sure, so that no page passes on what others gave it
VOTER, VOTED = 0.75, 0.7
# at least so many pages must vote, and at least this share of them for the same type
MIN_VOTERS, AGREED = 3, 0.8
# pages whose labels are both surer need no review
SURE = 0.9
_NUMBERS = re.compile(r"\d+")
# two letters for a language or a country, with or without the other
_LANGUAGE = re.compile(r"^/[a-z]{2}( [a-z]{2})?(?=/)")


def taught_types(pages: pd.DataFrame, given: pd.Series, labels: Labels) -> pd.Series:
    """The page types that overrides of other pages suggest, empty for none, with the index of ``pages``.

    Only types of a team's own are taught; for the bundled ones there are rules. A type is that of the pages of the same
    form (a folder, numbered) in the same folder, else at the same depth below the same first folder. Where overrides
    disagree they teach nothing, and only vote (see `voted_types`).

    Args:
        pages: as `prepare.prepare` gives them.
        given: the overrides with the index of ``pages``, null where there is none.
    """
    answer = pd.Series("", index=pages.index, dtype=object)
    if not labels.own_page_types or not given.notna().any():
        return answer
    places = [_places(*row) for row in zip(pages["hostname"], pages["page_path"], pages["shape"], strict=True)]
    form, branch = (pd.Series(column, index=pages.index, dtype=object) for column in zip(*places, strict=True))
    for keys, least in ((branch, 2), (form, 1)):
        known = _agreed(zip(keys[given.notna()], given.dropna(), strict=True), least)
        found = keys.map(lambda key, known=known: known.get(key, "")).astype(object)
        answer = answer.where(found == "", found)
    return answer


def voted_types(forms: pd.Series, answers: pd.DataFrame, anywhere: frozenset[str]) -> pd.Series:
    """The page types that the sure pages of the same form in the same folder agree on, with the index of ``forms``.

    Empty where too few vote or they disagree, and for the voters themselves.

    Args:
        forms: of each page, see `page_forms`.
        answers: what is known of the pages: ``page_type``, ``page_type_confidence``, ``page_type_method``.
        anywhere: types of pages that may be at any address, such as errors; they do not vote.
    """
    votes = answers["page_type_method"].isin(["rules", OVERRIDE]) & (
        answers["page_type_confidence"].astype(float) >= VOTER
    )
    votes &= forms.notna() & ~answers["page_type"].isin(anywhere)
    counts: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for form, label in zip(forms[votes], answers["page_type"][votes], strict=True):
        counts[form][label] += 1
    agreed = {}
    for form, of_form in counts.items():
        label, most = of_form.most_common(1)[0]
        if of_form.total() >= MIN_VOTERS and most >= AGREED * of_form.total():
            agreed[form] = label
    return forms.map(lambda form: agreed.get(form, "")).astype(object).mask(votes, "")


def pages_to_review(pages: pd.DataFrame, answers: pd.DataFrame, labels: Labels) -> pd.DataFrame:
    """The pages whose override would settle most: page views times doubt, of the page and of those it would teach.

    Of pages that teach each other one is enough: the most viewed. Where one of them has an override, the others stand
    for themselves. Pages surer than `SURE` of both labels are left out.

    Args:
        pages: as `prepare.prepare` gives them, with ``taught_page_type`` (see `taught_types`).
        answers: a row of the table for each.
        labels: the label file; only page types of a team's own are taught.

    Returns:
        ``page_key``, ``page_title``, ``page_views``, for each kind label, confidence and runner-up, and
        ``pages_like_it``, of which the type is in doubt; the most helpful page first.
    """
    columns = [f"{kind}{end}" for kind in ("theme", "page_type") for end in ("", "_confidence", "_runner_up")]
    review = pages[["page_key", "page_title", "page_views"]].join(answers[columns])
    doubt = 1 - review[["theme_confidence", "page_type_confidence"]].astype(float)
    doubt = doubt.where(doubt > 1 - SURE, 0.0)
    if labels.own_themes:  # accounts, terms and the like have none
        doubt["theme_confidence"] *= ~review["page_type"].isin(OwnTypes(labels.page_types).functional())
    views = review["page_views"]
    # a page without a template, or with nothing to teach, stands for itself, and so does one that overrides teach
    # already, whether they agree or not
    alone = pd.Series(pages.index, index=pages.index)
    forms = page_forms(pages) if labels.own_page_types else alone
    settled = set(forms[answers["page_type_method"] == OVERRIDE])
    pooled = forms.notna() & ~forms.isin(settled) & (pages["taught_page_type"] == "")
    forms = forms.where(pooled & (doubt["page_type_confidence"] > 0), alone)
    review["pages_like_it"] = forms.groupby(forms, sort=False).transform("size") - 1
    taught = (views * doubt["page_type_confidence"]).groupby(forms, sort=False).transform("sum")
    review["gain"] = views * doubt["theme_confidence"] + taught
    for kind in ("theme", "page_type"):
        review[f"{kind}_confidence"] = review[f"{kind}_confidence"].astype(float).round(2)
        runner_up = review[f"{kind}_runner_up"].astype(object)
        review[f"{kind}_runner_up"] = runner_up.where(runner_up.notna(), None)
    first = review.sort_values(["page_views", "page_key"], ascending=[False, True]).groupby(forms, sort=False).head(1)
    first = first[first["gain"] > 0].sort_values(["gain", "page_key"], ascending=[False, True])
    return first.drop(columns="gain")


def page_forms(pages: pd.DataFrame) -> pd.Series:
    """A key of the template of each page: its folder, and its form there; None where it is in no folder."""
    places = zip(pages["hostname"], pages["page_path"], pages["shape"], strict=True)
    return pd.Series([_places(*place)[0] for place in places], index=pages.index, dtype=object)


def _places(hostname: str, path: str, shape: str) -> tuple[Hashable, Hashable]:
    """Keys of the page's form in its folder, and of its form at this depth; None where it is in no folder."""
    *folders, last = _LANGUAGE.sub("", path_segments(path)).strip("/").split("/")
    if not folders:
        return None, None
    words = shape.split()
    form = ("folder" in words, "id" in words or last[-1:].isdigit())
    parent = _NUMBERS.sub("#", "/".join(folders))
    return (hostname, parent, form), (hostname, folders[0], len(folders), form)


def _agreed(pairs: Iterable[tuple[Hashable, str]], least: int) -> dict[Hashable, str]:
    """The label of each key for which at least so many are given, all the same."""
    labels: dict[Hashable, list[str]] = defaultdict(list)
    for key, label in pairs:
        if key is not None:
            labels[key].append(label)
    return {key: of_key[0] for key, of_key in labels.items() if len(of_key) >= least and len(set(of_key)) == 1}
