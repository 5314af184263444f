"""What overrides say about other pages: those of the same form in the same folder."""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable

import pandas as pd

from beha2vec_core.pages.labels import Labels
from beha2vec_core.pages.text import path_segments

_NUMBERS = re.compile(r"\d+")
# so many overrides of a folder must agree before their theme is that of the folder
MIN_SAME_THEME = 2


def taught(pages: pd.DataFrame, given: dict[str, pd.Series], labels: Labels) -> pd.DataFrame:
    """The labels that overrides of other pages suggest: ``taught_theme`` and ``taught_page_type``, empty for none.

    Only labels of a team's own are taught; for the bundled ones there are rules.

    A type is that of the pages of the same form (a folder, numbered) in the same folder, else at the same depth below
    the same first folder; a theme that of the same folder. Where overrides disagree they teach nothing.

    Args:
        pages: as `prepare.prepare` gives them.
        given: for each kind, the overrides with the index of ``pages``, null where there is none.
        labels: the label file.
    """
    answer = pd.DataFrame("", index=pages.index, columns=[f"taught_{kind}" for kind in given])
    own = {"theme": labels.own_themes, "page_type": labels.own_page_types}
    teaching = {kind for kind in given if own[kind] and given[kind].notna().any()}
    if not teaching:
        return answer
    places = [_places(*row) for row in zip(pages["hostname"], pages["page_path"], pages["shape"], strict=True)]
    folder, form, branch = (pd.Series(column, index=pages.index, dtype=object) for column in zip(*places, strict=True))
    for keys, kind, least in (
        (branch, "page_type", 2),
        (form, "page_type", 1),
        (folder, "theme", MIN_SAME_THEME),
    ):
        if kind not in teaching:
            continue
        known = _agreed(zip(keys[given[kind].notna()], given[kind].dropna(), strict=True), least)
        found = keys.map(lambda key, known=known: known.get(key, "")).astype(object)
        answer[f"taught_{kind}"] = answer[f"taught_{kind}"].where(found == "", found)
    return answer


def _places(hostname: str, path: str, shape: str) -> tuple[Hashable, Hashable, Hashable]:
    """Keys of the page's folder, of its form in it, and of its form at this depth; None where it lies in no folder."""
    *folders, last = path_segments(path).strip("/").split("/")
    if not folders:
        return None, None, None
    words = shape.split()
    form = ("folder" in words, "id" in words or last[-1:].isdigit())
    parent = _NUMBERS.sub("#", "/".join(folders))
    return (hostname, parent), (hostname, parent, form), (hostname, folders[0], len(folders), form)


def _agreed(pairs: Iterable[tuple[Hashable, str]], least: int) -> dict[Hashable, str]:
    """The label of each key for which at least so many are given, all the same."""
    labels: dict[Hashable, list[str]] = defaultdict(list)
    for key, label in pairs:
        if key is not None:
            labels[key].append(label)
    return {key: of_key[0] for key, of_key in labels.items() if len(of_key) >= least and len(set(of_key)) == 1}
