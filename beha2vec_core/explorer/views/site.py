"""Pages: themes and types, how sure they are, and corrections that the next run reads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from beha2vec_core.explorer import page
from beha2vec_core.explorer.charts import pages as charts
from beha2vec_core.explorer.data import pages as data
from beha2vec_core.explorer.data.overview import totals
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_cell, in_markdown, shown
from beha2vec_core.explorer.views import parts
from beha2vec_core.insights.wording import label_words
from beha2vec_core.pages.labels import LabelFileError, Labels, load_labels
from beha2vec_core.pages.overrides import (
    OverrideFileError,
    Overrides,
    checked_rows,
    load_overrides,
    overrides_path,
    save_overrides,
)
from beha2vec_core.words import counted, number

_KINDS: dict[data.Kind, str] = {"theme": "Theme", "page_type": "Page type"}
_SHOWN = 15
# in pixels, so that what can be chosen is visible
_WIDTHS = {"Page": 230, "Address": 170, "Theme found": 140, "Type found": 140}
_SAVED, _SAVES = "_page_saved", "_pages_saved"


def render(published: Published) -> None:
    """Show the page."""
    with page.or_empty():
        _coverage(published)
    with page.or_empty():
        _review(published)


def _coverage(published: Published) -> None:
    found = published.ask(data.coverage)
    shares = found.set_index(["kind", "level"])["share"]
    with st.container(horizontal=True):
        for kind, words in _KINDS.items():
            known = 1.0 - float(shares.get((kind, "unknown"), 0.0))
            st.metric(f"{words} known", number(known, "share"), help="Of all page views.", width=190)
            sure = float(shares.get((kind, "sure"), 0.0))
            st.metric(
                f"{words} sure",
                number(sure, "share"),
                help=f"Of all page views: confidence of {data.SURE:.0%} or more, or set by people.",
                width=190,
            )
    page.chart(charts.coverage(found, dark=page.is_dark()), key="coverage", alt="Bars: how sure labels are")
    views, everything = int(found.loc[found["kind"] == "theme", "views"].sum()), published.ask(totals).page_views
    if everything is not None and everything != views:
        st.caption(
            f"Of {counted(everything, 'page view')} in all, {everything - views:,} have no page, and so no label."
        )
    kind = st.segmented_control(
        "Show", list(_KINDS), format_func=lambda one: f"{_KINDS[one]}s", default="theme", required=True, key="by_label"
    )
    rows = published.ask(data.by_label, kind)
    page.chart(
        charts.labels(rows, f"{_KINDS[kind]}s", dark=page.is_dark()),
        key="labels",
        alt=f"Bars: page views by {_KINDS[kind].lower()}",
    )


def _review(published: Published) -> None:
    st.header("Pages to review")
    st.write(
        "Pages where a correction helps most come first. Choose a theme or a type in the table; corrections override "
        "every classifier."
    )
    if said := st.session_state.pop(_SAVED, None):
        st.success(said)
    labels, overrides = _files()
    if labels is None or overrides is None:
        return
    search = st.text_input("Find pages", placeholder="part of a title or address", max_chars=200, width=420).strip()
    found = published.ask(data.to_review, search)
    if found.empty:
        st.write("No page has this in its title or address." if search else "There are no pages yet.")
    else:
        _correct(found, labels, overrides)
    _upload(labels)
    _pending(published, labels, overrides)


def _correct(found: pd.DataFrame, labels: Labels, overrides: Overrides) -> None:
    """A table of pages with a theme and a type to choose; what was chosen is written at once."""
    given = {"theme": overrides.themes, "page_type": overrides.page_types}
    known = {"theme": labels.themes, "page_type": labels.page_types}
    now = {kind: found["page_key"].map(dict(labels_given)).astype(object) for kind, labels_given in given.items()}
    hosts = {key.partition("/")[0] for key in found["page_key"]}
    begun = len(hosts.pop()) if len(hosts) == 1 and found["page_key"].str.contains("/").all() else 0  # all of one site
    rows = pd.DataFrame({
        "Page": [in_cell(title or key, 70) for title, key in zip(found["page_title"], found["page_key"], strict=True)],
        "Address": found["page_key"].map(lambda key: in_cell(key[begun:], 90)),
        "Views": found["views"],
        "Theme found": _said(found, "theme"),
        "theme": now["theme"].where(now["theme"].notna(), None),
        "Type found": _said(found, "page_type"),
        "page_type": now["page_type"].where(now["page_type"].notna(), None),
    })  # fmt: skip
    columns: dict[str, Any] = {name: st.column_config.TextColumn(width=width) for name, width in _WIDTHS.items()}
    for kind, words in _KINDS.items():
        names = [label.name for label in known[kind]]
        columns[kind] = st.column_config.SelectboxColumn(words, options=names, width=110)
    # Streamlit keeps edits by row number: a table with other pages or another order must start without them
    order = hash(tuple(found["page_key"]))
    with st.form("corrections", border=False):
        edited = st.data_editor(
            rows,
            key=f"corrections_{st.session_state.get(_SAVES, 0)}_{order}",
            alt="Pages to review, with their themes and types",
            hide_index=True,
            height=38 + 35 * min(len(rows), _SHOWN),
            disabled=["Page", "Address", "Views", "Theme found", "Type found"],
            column_config=columns,
            placeholder="",
        )
        saving = st.form_submit_button("Save", type="primary")
    if not saving:
        return
    kinds = list(_KINDS)
    chosen = edited[kinds].astype(object).where(edited[kinds].notna(), None)
    changed = (chosen.fillna("") != rows[kinds].fillna("")).any(axis=1)
    if not changed.any():
        st.info("Nothing was changed in the table.")
        return
    rows_changed: Any = chosen.assign(page_key=found["page_key"])[changed].to_dict("records")
    _save(labels, rows_changed)


def _upload(labels: Labels) -> None:
    with st.expander("Corrections from a file"), st.form("upload", border=False, clear_on_submit=True):
        file = st.file_uploader(
            "CSV with the columns page_key, theme and page_type; both may be blank to take a correction back",
            ["csv"],
            key="override_file",
        )
        if not st.form_submit_button("Add") or file is None:
            return
        try:
            rows = checked_rows(file.getvalue().decode("utf-8-sig"), Path(Path(file.name).name), labels, whole=True)
        except UnicodeDecodeError:
            st.error("The file is not UTF-8 text. Save it as CSV (UTF-8), then load it again.")
        except OverrideFileError as error:
            _show(error)
        else:
            _save(labels, rows)


def _said(found: pd.DataFrame, kind: data.Kind) -> list[str]:
    """Each page's label, how sure it is, and the runner-up."""
    cells = []
    columns = (found[kind], found[f"{kind}_confidence"], found[f"{kind}_runner_up"])
    for label, sure, other in zip(*columns, strict=True):
        text = _words(label) + (f" ({sure:.0%})" if pd.notna(sure) else "")
        cells.append(f"{text}, or {_words(other)}" if isinstance(other, str) and other else text)
    return cells


def _words(label: object) -> str:
    return label_words(shown(label if isinstance(label, str) else "unknown", 40))


def _files() -> tuple[Labels | None, Overrides | None]:
    """Labels to choose from, and what has been overridden; None, with words, where a file is wrong."""
    file = overrides_path(page.settings())
    try:
        labels = load_labels(page.settings().pages.labels_file)
        return labels, load_overrides(file, labels) if file.exists() else Overrides()
    except (LabelFileError, OverrideFileError) as error:
        _show(error)
        return None, None


def _save(labels: Labels, rows: Sequence[Mapping[str, Any]]) -> None:
    try:
        save_overrides(overrides_path(page.settings()), labels, rows)
    except OverrideFileError as error:
        _show(error)
        return
    st.session_state[_SAVES] = st.session_state.get(_SAVES, 0) + 1
    st.session_state[_SAVED] = (
        f"Saved for {counted(len(rows), 'page')}. It applies from the next run: materialize enriched_pages and what "
        "comes after it."
    )
    st.rerun()


def _pending(published: Published, labels: Labels, overrides: Overrides) -> None:
    waiting = data.pending(published, overrides)
    st.subheader("Waiting for the next run")
    if waiting.empty:
        st.write("None: all corrections are published.")
        return
    rows = waiting.to_dict("records")
    page.table(
        {
            "Page": [shown(row["page_title"] or row["page_key"], 70) for row in rows],
            "What": waiting["kind"].map(_KINDS),
            "Now": [_words(row["now"]) if row["known"] else "never viewed" for row in rows],
            "After the next run": [
                _words(row["next"]) if isinstance(row["next"], str) else "what classifiers say" for row in rows
            ],
        }
    )
    keys = [key for key in dict.fromkeys(waiting["page_key"]) if key in overrides.page_keys]
    if not keys:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Undo", keys, format_func=lambda key: shown(key, 60), width=420, key="take_back")
        if st.button("Undo", key="take_back_now"):
            _save(labels, [{"page_key": chosen, "theme": None, "page_type": None}])


def _show(error: Exception) -> None:
    settings = page.settings()
    text = parts.without_folders(error, overrides_path(settings), settings.pages.labels_file)
    st.error("\n\n".join(in_markdown(line, 300) for line in text.splitlines()))
