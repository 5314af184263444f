"""Overview: what to know first, how many users, how fresh, where they are lost, which clusters, what changed."""

from collections.abc import Hashable
from typing import Any

import pandas as pd
import streamlit as st

from beha2vec_core import words
from beha2vec_core.explorer import page, tables
from beha2vec_core.explorer.charts import overview as charts
from beha2vec_core.explorer.charts.theme import color
from beha2vec_core.explorer.data import clusters, overview
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_html
from beha2vec_core.explorer.views import parts

_CARD_WIDTH = 310  # pixels; a narrow screen stacks them
_CHANGES = {
    "born": "New cluster: {name}",
    "split": "{name} split off from {other}",
    "merged": "{name} was merged into {other}",
    "gone": "{name} no longer exists; its users moved to several others",
}


def render(published: Published) -> None:
    """Show the page."""
    with page.or_empty():
        _highlights(published)
    with page.or_empty():
        _totals(published)
        _funnel(published)
        _clusters(published)
    st.header("What changed")
    with page.or_empty():
        _changes(published)


def _highlights(published: Published) -> None:
    found = published.ask(overview.highlights).to_dict("records")
    if not found:
        page.write(f"<p>{overview.NO_HIGHLIGHTS}</p>")
        return
    first, more = found[: overview.HIGHLIGHTS_SHOWN], found[overview.HIGHLIGHTS_SHOWN :]
    st.header("Three things to know" if len(first) > 1 else "One thing to know")
    with st.container(horizontal=True):
        for row in first:
            with st.container(border=True, width=_CARD_WIDTH, height="stretch"):
                _highlight(row)
    if more:
        with st.expander(f"{len(more)} more"):
            for row in more:
                _highlight(row)


def _highlight(row: dict[Hashable, Any]) -> None:
    page.write(f"<h3>{in_html(row['headline'], 200)}</h3><p class='b2v-quiet'>{in_html(row['sentence'], 600)}</p>")
    if st.button("Compare", key=f"highlight_{row['highlight_id']}", help="The numbers of all others, in the chat."):
        parts.open_view("chat", highlight=str(row["highlight_id"]))


def _totals(published: Published) -> None:
    found = published.ask(overview.totals)
    days = words.days(found.first_day, found.last_day) if found.first_day and found.last_day else "no days"
    with st.container(horizontal=True):
        for name, value, hint in (
            ("Users", found.users, "Users with a device id, in a cluster or not."),
            ("Days with data", found.days, None),
            ("Sessions", found.sessions, "Sessions of these users."),
            ("Page views", found.page_views, "Views of pages and screens, including those without a device id."),
            ("Buyers", found.buyers, "Users with a purchase."),
        ):
            if value is not None:
                st.metric(name, f"{value:,}", width=150, help=hint)
    said = [f"Data: {days}.", f"Published {page.local(published.published_at)} ({page.settings().export.tz.key})."]
    if found.model_version and found.trained_at:
        said.append(f"Encoder {in_html(found.model_version)}, trained {page.local(found.trained_at)}.")
    if found.clusters_since:
        said.append(f"Clusters in use since {page.local(found.clusters_since)}.")
    page.write(f'<p class="b2v-quiet">{" ".join(said)}</p>')
    with page.or_empty():
        page.chart(
            charts.users_by_day(published.ask(overview.users_by_day), dark=page.is_dark()),
            key="users_by_day",
            alt="Bars: users with events a day",
        )


def _funnel(published: Published) -> None:
    steps = published.ask(overview.funnel)
    st.header("From events to clusters")
    page.table(overview.steps(steps))


def _clusters(published: Published) -> None:
    found = published.ask(clusters.sizes)
    st.header("Clusters")
    st.write(clusters.in_words(found))
    page.chart(
        charts.cluster_sizes(found, published.ask(clusters.names), dark=page.is_dark()),
        key="cluster_sizes",
        alt="Bars: users of each cluster",
    )
    with st.container(horizontal=True):
        for row in found.to_dict("records"):
            _card(row)
    if found["summary"].isna().all():
        st.info("The clusters have no descriptions yet. Materialize cluster_insights, then serving_database.")


def _card(row: dict[Hashable, Any]) -> None:
    key = int(row["cluster_key"])
    with st.container(border=True, width=_CARD_WIDTH, height="stretch"):
        page.write(
            f'<h3><span class="b2v-dot" style="background:{color(key)}"></span>{in_html(row["name"])}</h3>'
            f'<p class="b2v-quiet">{clusters.size_words(row)}</p>'
            f"<p>{in_html(clusters.one_sentence(row['summary']), 300)}</p>"
        )
        if st.button("Details", key=f"open_{key}"):
            parts.open_view("clusters", cluster=str(key))


def _changes(published: Published) -> None:
    names = published.ask(clusters.names)
    with page.or_empty():
        for row in published.ask(overview.lineage).to_dict("records"):
            changed = _CHANGES.get(str(row["change"]), "{name}: {change} {other}")
            other = in_html(_name(names, row["other_key"]))
            name = in_html(_name(names, row["cluster_key"]))
            page.write(f"<p>{changed.format(name=name, other=other, change=in_html(row['change']))}.</p>")
    st.subheader("Users with events in the last 7 days")
    columns, note = overview.week_table(published)
    page.table(columns)
    if note:
        st.caption(note)
    moved = published.ask(overview.moves)
    st.subheader("Users who changed cluster in the last 7 days")
    if moved.empty:
        st.write("No user changed cluster.")
        return
    most = moved.head(8)
    page.table(
        {
            "From": [_name(names, key) for key in most["from_cluster"]],
            "To": [_name(names, key) for key in most["to_cluster"]],
            "Users": tables.numbers(most["users"]),
        }
    )


def _name(names: dict[int, str], key: object) -> str:
    if pd.isna(key):  # type: ignore[call-overload]
        return "another"
    return names.get(int(str(key).removesuffix(".0")), f"Cluster {key}")
