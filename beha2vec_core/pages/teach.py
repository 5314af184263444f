"""What overrides say about the type of other pages: those of the same form in the same folder."""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable

import pandas as pd

from beha2vec_core.pages.labels import Labels
from beha2vec_core.pages.text import path_segments

_NUMBERS = re.compile(r"\d+")


def taught_types(pages: pd.DataFrame, given: pd.Series, labels: Labels) -> pd.Series:
    """The page types that overrides of other pages suggest, empty for none, with the index of ``pages``.

    Only types of a team's own are taught; for the bundled ones there are rules. A type is that of the pages of the same
    form (a folder, numbered) in the same folder, else at the same depth below the same first folder. Where overrides
    disagree they teach nothing.

    Args:
        pages: as `prepare.prepare` gives them.
        given: the overrides with the index of ``pages``, null where there is none.
        labels: the label file.
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


def _places(hostname: str, path: str, shape: str) -> tuple[Hashable, Hashable]:
    """Keys of the page's form in its folder, and of its form at this depth; None where it lies in no folder."""
    *folders, last = path_segments(path).strip("/").split("/")
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
