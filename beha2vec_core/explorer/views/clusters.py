"""Clusters: who they are, in words with their facts, in charts, over time; two compared."""

import html
from itertools import zip_longest

import pandas as pd
import streamlit as st

from beha2vec_core.explorer import page, tables
from beha2vec_core.explorer.charts import clusters as charts
from beha2vec_core.explorer.charts import profile as profile_charts
from beha2vec_core.explorer.charts.theme import color
from beha2vec_core.explorer.data import clusters, predictions, profile
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_html, in_markdown, shown
from beha2vec_core.explorer.views import parts
from beha2vec_core.insights.sheet import fact_sheets
from beha2vec_core.words import between, counted, number

_LONGEST = 3_000  # characters of a written text
_PERIODS = {"Last 7 days": 7, "Last 28 days": 28, "Last 90 days": 90}


def render(published: Published) -> None:
    """Show the page."""
    sizes = published.ask(clusters.sizes)
    st.write(clusters.in_words(sizes))
    if older := published.ask(clusters.older_facts):
        st.warning(older)
    chosen = _choose(sizes, clusters.names(published))
    family = st.selectbox("Compare with all users by", list(profile.FAMILIES), width=260, key=page.kept("family"))
    for column, key in zip(st.columns(len(chosen), gap="large"), chosen, strict=True):
        with column:
            _cluster(published, sizes, key, family)
    _outcomes(published)
    _expected(published)
    _over_time(published, chosen)
    _flows(published)


def _choose(sizes: pd.DataFrame, names: dict[int, str]) -> list[int]:
    keys = [int(key) for key in sizes["cluster_key"]]
    asked = page.asked_for("cluster")
    if asked is not None and asked.lstrip("-").isdigit() and int(asked) in keys:
        st.session_state["cluster"] = int(asked)
    page.forget_unless("cluster", keys)

    def label(key: int | None) -> str:
        return "none" if key is None else shown(names[key], 60)

    with st.container(horizontal=True):
        first = st.selectbox("Cluster", keys, format_func=label, width=300, key="cluster")
        others = [None, *(key for key in keys if key != first)]
        second = st.selectbox("Compare with cluster", others, format_func=label, width=300, key="beside")
    page.now_shown("cluster", str(first))
    return [first] if second is None else [first, second]


def _cluster(published: Published, sizes: pd.DataFrame, key: int, family: str) -> None:
    row = sizes[sizes["cluster_key"] == key].to_dict("records")[0]
    users = int(row["users"])
    page.write(
        f'<h2><span class="b2v-dot" style="background:{color(key)}"></span>{in_html(row["name"])}</h2>'
        f"<p>{clusters.size_words(row)}</p>"
    )
    if key >= 0 and st.button(page.TO_AUDIENCE, key=f"audience_{key}", icon=page.AUDIENCE_ICON):
        parts.begin_audience(f"cluster = {key}")
    facts: pd.DataFrame | None = None
    with page.or_empty():
        facts = published.ask(profile.facts, key)
        parts.over_index(facts, users, key=f"profile_{key}", family=family)
    with page.or_empty():
        _words(published, key, facts)
    with page.or_empty():
        steps = published.ask(clusters.paths, key)
        if not steps.empty:
            page.chart(charts.paths(steps, users, dark=page.is_dark()), key=f"paths_{key}", alt="Steps of journeys")
    with page.or_empty():
        _next_clusters(published, key)
    with page.or_empty():
        _members(published, key)


def _words(published: Published, key: int, facts: pd.DataFrame | None) -> None:
    written = published.ask(clusters.insight, key)
    st.subheader("Description")
    if written is None:
        st.write("This cluster has no description. Materialize cluster_insights, then serving_database.")
        return
    evidence = _evidence(key, written, facts)
    for name, heading in clusters.INSIGHT_HEADINGS.items():
        if text := written.texts.get(name):
            words = _with_sources(text, written.drafts.get(name), evidence)
            page.write((f"<h3>{heading}</h3>" if heading else "") + f"<p>{words}</p>")
    if written.actions:
        drafts = zip_longest(written.actions, written.drafts.get("actions", ()))
        items = "".join(f"<li>{_with_sources(action, draft, evidence)}</li>" for action, draft in drafts)
        page.write(f"<h3>What to do</h3><ul>{items}</ul>")
    chosen = "a template" if written.written_by == "template" else in_html(written.written_by)
    page.write(f'<p class="b2v-quiet">Written by code from the facts that {chosen} chose.</p>')
    if evidence is not None and len(evidence):
        behind = f"The {counted(len(evidence), 'fact')} behind it"
        page.write(f"<details><summary>{behind}</summary>{_facts_table(evidence)}</details>")


def _evidence(key: int, written: clusters.Insight, facts: pd.DataFrame | None) -> pd.DataFrame | None:
    """The facts that the text names as its evidence, in its order, with place (from 1) and anchor (for links)."""
    if facts is None:
        return None
    known = facts.set_index("fact_id", drop=False)
    found = known.loc[[fact for fact in dict.fromkeys(written.evidence) if fact in known.index]].reset_index(drop=True)
    places = range(1, len(found) + 1)
    return found.assign(place=places, anchor=[f"fact-{key}-{place}" for place in places])


def _with_sources(text: str, draft: str | None, evidence: pd.DataFrame | None) -> str:
    """The text, with each fact's number linked to its row in the list; hovering shows the fact."""
    clean = shown(text, _LONGEST)
    if evidence is None or evidence.empty:
        return in_html(clean, _LONGEST)
    facts = {fact.fact_id: fact for sheet in fact_sheets(evidence) for fact in sheet.facts}
    rows = {row["fact_id"]: row for row in evidence.to_dict("records")}
    markup = ""
    for piece in clusters.linked(clean, draft and shown(draft, 10 * _LONGEST), facts):
        if piece.fact_id not in rows:
            markup += html.escape(piece.text)
            continue
        fact = rows[piece.fact_id]
        hover = f"{shown(fact['label'], 80)}: {fact['shown_value']}, all users {fact['shown_population']}"
        markup += (
            f'<a href="#{fact["anchor"]}" title="{in_html(hover, 200)}" class="b2v-fact">{in_html(piece.text)}'
            f"<sup>{fact['place']}</sup></a>"
        )
    return markup


def _facts_table(evidence: pd.DataFrame) -> str:
    intervals = tables.Numbers(
        between(number(low, unit), number(high, unit)) if pd.notna(low) and pd.notna(high) else ""
        for low, high, unit in zip(evidence["interval_low"], evidence["interval_high"], evidence["unit"], strict=True)
    )
    return tables.table_html(
        {
            "": tables.numbers(evidence["place"]),
            "Fact": [shown(label, 90) for label in evidence["label"]],
            "Value": tables.Numbers(evidence["shown_value"]),
            "95% interval": intervals,
            "All users": tables.Numbers(evidence["shown_population"]),
            "n (users)": tables.numbers(evidence["support"]),
        },
        ids=evidence["anchor"],
    )


def _next_clusters(published: Published, key: int) -> None:
    found, names = published.ask(clusters.transitions, key), clusters.names(published)
    if found.empty:
        return
    st.subheader("Cluster on their next active day")
    most = found.head(6)
    page.table(
        {
            "Cluster": [shown(names.get(one, f"Cluster {one}"), 40) for one in most["to_cluster"]],
            "Share": tables.shares(most["share"]),
            "95% interval": tables.intervals(most["interval_low"], most["interval_high"]),
            "n (moves)": tables.numbers(most["users"]),
        }
    )


def _members(published: Published, key: int) -> None:
    found = published.ask(clusters.members, key)
    names = clusters.names(published)
    for role, heading in (("typical", "Typical users"), ("edge", "Users at the edge")):
        rows = found[found["role"] == role]
        if rows.empty:
            continue
        st.subheader(heading)
        with st.container(horizontal=True):
            for row in rows.to_dict("records"):
                near = names.get(row["other_key"]) if role == "edge" and pd.notna(row["other_key"]) else None
                label = f"{row['user_key'][:8]}…" + (f" (near {near})" if near else "")
                if st.button(in_markdown(label), key=f"{role}_{key}_{row['rank']}"):
                    parts.open_view("user", user=row["user_key"])


def _outcomes(published: Published) -> None:
    st.header("Outcomes")
    with page.or_empty():
        facts, names = published.ask(profile.outcomes), clusters.names(published)
        columns = st.columns(2, gap="large")
        for place, (metric, title) in enumerate(profile.OUTCOMES.items()):
            rows = facts[facts["metric"] == metric]
            if rows.empty:
                continue
            users = int(published.ask(clusters.sizes)["users"].sum())
            figure = profile_charts.outcome(rows, names, title, users, dark=page.is_dark())
            with columns[place % 2]:
                page.chart(figure, key=f"outcome_{metric}", alt=f"{title} by cluster")


def _expected(published: Published) -> None:
    st.header("Expected purchases")
    with page.or_empty():
        columns, note = predictions.expected_purchases(published)
        page.table(columns)
        st.caption(f"{note} See the page Predictions.")


def _over_time(published: Published, chosen: list[int]) -> None:
    st.header("Over time")
    with page.or_empty():
        sizes = published.ask(clusters.size_over_time)
        figure = charts.size_over_time(sizes, clusters.names(published), chosen, dark=page.is_dark())
        page.chart(figure, key="size_over_time", alt="Lines: users with events of each cluster over time")


def _flows(published: Published) -> None:
    period = st.segmented_control("Moves between clusters", list(_PERIODS), key=page.kept("period", "Last 28 days"))
    days = _PERIODS[period or "Last 28 days"]
    with page.or_empty():
        moves = published.ask(clusters.flows, days)
        if not ((moves["from_cluster"] != moves["to_cluster"]) & (moves["from_cluster"] >= 0)).any():
            st.write("No user changed cluster in that time.")
            return
        figure = charts.flows(moves, clusters.names(published), days, dark=page.is_dark())
        page.chart(figure, key="flows", alt="Diagram: users who changed cluster, from which to which")
