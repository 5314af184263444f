"""Pages: themes and types, how sure they are, and corrections that the next run reads."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from beha2vec_core.explorer import page, tables
from beha2vec_core.explorer.charts import pages as charts
from beha2vec_core.explorer.data import pages as data
from beha2vec_core.explorer.data.overview import totals
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_html, in_markdown, shown
from beha2vec_core.explorer.views import parts
from beha2vec_core.insights.wording import label_words
from beha2vec_core.pages.labels import LabelFileError, Labels, load_labels
from beha2vec_core.pages.overrides import OverrideFileError, Overrides, load_overrides, save_override
from beha2vec_core.settings import PREFIX
from beha2vec_core.words import counted, number

_KINDS: dict[data.Kind, str] = {"theme": "Theme", "page_type": "Page type"}
_SHOWN = 15
_SAVED = "_page_saved"


def render() -> None:
    """Show the page."""
    st.title("Pages")
    published = page.published()
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
    st.write("Often viewed pages with uncertain labels come first. Corrections made here override every classifier.")
    search = st.text_input("Find pages", placeholder="part of a title or address", max_chars=200, width=420).strip()
    found = published.ask(data.to_review, search)
    if found.empty:
        st.write("No page has this in its title or address." if search else "There are no pages yet.")
        return
    _table(found.head(_SHOWN))
    labels, overrides = _files()
    if labels is None or overrides is None:
        return
    _set(found, labels, overrides)
    _pending(published, labels, overrides)


def _table(found: pd.DataFrame) -> None:
    pages = [
        tables.Markup(
            f'<div style="overflow-wrap:anywhere;min-width:7.5rem">{in_html(title or key, 70)}<br>'
            f'<span class="b2v-quiet">{in_html(key, 70)}</span></div>'
        )
        for title, key in zip(found["page_title"], found["page_key"], strict=True)
    ]
    page.table(
        {
            "Page": pages,
            "Theme (how sure)": _said(found, "theme"),
            "Type (how sure)": _said(found, "page_type"),
            "Views": tables.numbers(found["views"]),
        }
    )


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
    """Labels to choose from, and what has been overridden; None, with words, where pages cannot be corrected here."""
    file = page.settings().pages.overrides_file
    if file is None:
        st.info(
            f"To correct pages here, set {PREFIX}PAGE_OVERRIDES_FILE to a CSV or YAML file, for the explorer and for "
            "Dagster, and start both again."
        )
        return None, None
    try:
        labels = load_labels(page.settings().pages.labels_file)
        return labels, load_overrides(file, labels) if file.exists() else Overrides()
    except (LabelFileError, OverrideFileError) as error:
        st.error(in_markdown(_without_folder(error), 300))
        return None, None


def _set(found: pd.DataFrame, labels: Labels, overrides: Overrides) -> None:
    st.subheader("Correct a page")
    if said := st.session_state.pop(_SAVED, None):
        st.success(said)
    rows: dict[str, dict[str, Any]] = {str(row["page_key"]): row for row in found.to_dict("records")}  # type: ignore[misc]
    chosen = st.selectbox(
        "Page",
        list(rows),
        format_func=lambda key: f"{shown(rows[key]['page_title'] or key, 60)} ({shown(key, 60)})",
        index=None,
        key="override_page",
    )
    if chosen is None:
        return
    row = rows[chosen]
    with st.form("override", width=720):
        picked = {}
        for kind, known in (("theme", labels.themes), ("page_type", labels.page_types)):
            names = ["", *(label.name for label in known)]
            now = (overrides.themes if kind == "theme" else overrides.page_types).get(chosen, "")
            picked[kind] = st.selectbox(
                "Theme" if kind == "theme" else "Page type",
                names,
                index=names.index(now) if now in names else 0,
                format_func=lambda name, row=row, kind=kind: (
                    shown(label_words(name), 60) if name else f"as found: {_words(row[kind])}"
                ),
                key=f"override_{kind}_{chosen}",
            )
        if st.form_submit_button("Save", type="primary"):
            _save(labels, chosen, picked["theme"] or None, picked["page_type"] or None)


def _save(labels: Labels, page_key: str, theme: str | None, page_type: str | None) -> None:
    file = page.settings().pages.overrides_file
    assert file is not None
    try:
        save_override(file, labels, page_key, theme, page_type)
    except OverrideFileError as error:
        st.error(in_markdown(_without_folder(error), 300))
        return
    st.session_state[_SAVED] = (
        "Saved. It applies from the next run: materialize enriched_pages and what comes after it."
        if theme or page_type
        else "Removed. The classifiers decide again from the next run."
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
            _save(labels, chosen, None, None)


def _without_folder(error: Exception) -> str:
    pages = page.settings().pages
    return parts.without_folders(error, pages.overrides_file, pages.labels_file)
