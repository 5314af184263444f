"""Model: how the encoder learned, what it is worth, whether its vectors move, and what it was fed day by day."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from beha2vec_core.explorer import page
from beha2vec_core.explorer.charts import model as charts
from beha2vec_core.explorer.data import model as data
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_html, shown
from beha2vec_core.profiles.words import counted
from beha2vec_core.quality.drift import COMPARED_WITH, LEAST_USERS
from beha2vec_core.settings import PREFIX

_DAYS_TOLD = 14
# what people say for the figures that encoders are compared by
_TASKS = {
    "intent": "Tells who will convert",
    "next page": "Foretells the next page",
    "next event": "Foretells the next event",
    "retrieval": "Finds the same user again",
    "content": "Clusters follow content",
    "stability": "Clusters stay the same",
}
_FIGURES = {
    "auroc": "AUROC (1 = always right, 0.5 = chance)",
    "recall@10": "share that is among its first 10",
    "mrr@10": "mean of 1 / rank, in its first 10",
    "mrr": "mean of 1 / rank",
}
_ASSETS = (
    "trained_encoder",
    "encoder_evaluation",
    "user_embeddings",
    "cluster_model",
    "user_clusters",
    "enriched_pages",
    "serving_database",
)


def render() -> None:
    """Show the page."""
    st.title("Model")
    published = page.published()
    for part in (_encoder, _evaluation, _drift, _quality):
        with page.or_empty():
            part(published)
    _links()


def _encoder(published: Published) -> None:
    found = published.ask(data.encoder)
    window, config = found["data_window"] or {}, found["config"] or {}
    with st.container(horizontal=True):
        for label, value in (
            ("Learned from users", window.get("users")),
            ("Events", window.get("events")),
            ("Numbers in a vector", config.get("dim")),
            ("Longest history, events", config.get("max_length")),
        ):
            if isinstance(value, int):
                st.metric(label, f"{value:,}", width=190)
    said = [f"Encoder {in_html(found['model_version'])}."]
    if pd.notna(found["trained_at"]):
        said.append(f"Trained {page.local(found['trained_at'])} ({page.settings().tz.key}).")
    if isinstance(found["warm_start_from"], str):
        said.append(f"Trained on from {in_html(found['warm_start_from'])}.")
    page.write(f'<p class="b2v-quiet">{" ".join(said)}</p>')
    curve = published.ask(data.training_curve)
    if curve.empty:
        st.info("This encoder has no training curve. Materialize trained_encoder, then serving_database.")
        return
    page.chart(
        charts.training(curve, window.get("users"), dark=page.is_dark()),
        key="training",
        alt="Lines: loss of learned and held-out users by epoch",
    )


def _evaluation(published: Published) -> None:
    st.header("What it is worth")
    found, rows = published.ask(data.gains), published.ask(data.evaluation)
    if rows.empty:
        st.info("This encoder has not been judged. Materialize encoder_evaluation, then serving_database.")
        return
    judged = int(rows["judged"].max())
    st.write(
        f"On {counted(judged, 'user')} it never learned from, beside simple methods (floors): the best of them, and "
        "how much the encoder gains over it. An interval that holds 0 means that no difference is shown."
    )
    if not found.empty:
        before = found["less_champion"].notna().any()
        page.table(
            pd.DataFrame(
                {
                    "task": [_TASKS.get(task, shown(task)) for task in found["task"]],
                    "metric": [_FIGURES.get(metric, shown(metric)) for metric in found["metric"]],
                    "value": found["value"].map("{:.3f}".format),
                    "floor": [
                        f"{value:.3f}" + (f" ({shown(name, 30)})" if isinstance(name, str) else "")
                        for name, value in zip(found["floor"], found["floor_value"], strict=True)
                    ],
                    "gain": [
                        _difference(*one)
                        for one in zip(found["less_best_floor"], found["low"], found["high"], strict=True)
                    ],
                    "before": [
                        _difference(*one)
                        for one in zip(
                            found["less_champion"], found["champion_low"], found["champion_high"], strict=True
                        )
                    ],
                    "n": found["n"].map("{:,}".format),
                }
            ),
            {
                "task": "Task",
                "metric": "Figure",
                "value": "Encoder",
                "floor": "Best floor",
                "gain": "Gain (95 % interval)",
                **({"before": "Gain over the encoder before"} if before else {}),
                "n": "n",
            },
            numbers=("value", "n"),
        )
    with st.expander("All figures"):
        wide = rows.pivot_table(index=["task", "metric"], columns="method", values="value", aggfunc="first")
        first = [name for name in ("encoder", "champion") if name in wide]
        wide = wide[[*first, *sorted(set(wide.columns) - set(first))]].round(3).reset_index()
        wide.columns = [shown(name, 40) for name in wide.columns]
        st.dataframe(wide, hide_index=True, alt="Every figure of every method")


def _difference(value: float, low: float, high: float) -> str:
    if pd.isna(value):
        return "none"
    told = f"{value:+.3f}"
    return told if pd.isna(low) or pd.isna(high) else f"{told} ({low:+.3f} to {high:+.3f})"


def _drift(published: Published) -> None:
    st.header("Do the vectors move?")
    st.write(
        f"Where each day's users lie, beside those of {COMPARED_WITH}: 0 is the same, above the dashed line is not. "
        "The nightly check looks at the same figure."
    )
    found = published.ask(data.drift)
    if found["stability_index"].notna().sum() == 0:
        st.info(
            f"Not enough days yet: at least {LEAST_USERS} users of a day and {LEAST_USERS} of {COMPARED_WITH} are "
            "compared."
        )
        return
    page.chart(charts.drift(found, dark=page.is_dark()), key="drift", alt="Line: stability index by day, and its limit")
    judged = counted(int(found["stability_index"].notna().sum()), "day")
    over = found[found["stability_index"] > found["limit"]]
    last = found[found["stability_index"].notna()].iloc[-1]
    st.write(
        f"{len(over)} of {judged} above the limit: look at that day's traffic, and train again if it lasts."
        if len(over)
        else f"No day lies above the limit: the last one has {last['stability_index']:.2f}, where "
        f"{last['limit']:.2f} is allowed."
    )


def _quality(published: Published) -> None:
    st.header("Data, day by day")
    days = published.ask(data.quality)
    if days.empty:
        st.info("There are no days yet. Materialize ga4_quality__daily, then serving_database.")
        return
    page.chart(charts.volume(days, dark=page.is_dark()), key="volume", alt="Bars: events a day, beside what is usual")
    last = days.tail(_DAYS_TOLD).iloc[::-1]
    page.table(
        pd.DataFrame(
            {
                "day": [f"{day:%a %-d %b %Y}" for day in pd.to_datetime(last["event_date"])],
                "events": last["events"].map("{:,}".format),
                "users": last["users"].map("{:,}".format),
                "views": last["page_views"].map("{:,}".format),
                "purchases": last["purchases"].map("{:,}".format),
                "without": _shares(last["without_user"], last["raw_events"]),
                "twice": _shares(last["duplicates"], last["raw_events"]),
                "late": _shares(last["late"], last["raw_events"]),
                "said": [
                    shown(reason, 80) if broken and isinstance(reason, str) else ("broken" if broken else "")
                    for broken, reason in zip(last["is_break"], last["reason"], strict=True)
                ],
            }
        ),
        {
            "day": "Day",
            "events": "Events",
            "users": "Users",
            "views": "Page views",
            "purchases": "Purchases",
            "without": "Without a user",
            "twice": "Sent twice",
            "late": "Late",
            **({"said": "Tracking"} if last["is_break"].any() else {}),
        },
        numbers=("events", "users", "views", "purchases", "without", "twice", "late"),
    )
    st.caption("Shares are of the events of the day's export (n = events). What was refused is in Dagster's checks.")


def _shares(part: pd.Series, whole: pd.Series) -> list[str]:
    return [f"{one / of:.1%}" if of else "none" for one, of in zip(part, whole, strict=True)]


def _links() -> None:
    st.header("In Dagster")
    address = page.settings().dagster_url
    if address is None:
        st.info(f"For links to the assets, set {PREFIX}DAGSTER_URL, such as http://localhost:3000, and start again.")
        return
    with st.container(horizontal=True):
        for asset in _ASSETS:
            st.link_button(asset, f"{address}/assets/{asset}", icon=":material/open_in_new:")
