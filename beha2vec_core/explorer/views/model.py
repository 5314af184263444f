"""Model: how the encoder learned, what it is worth, whether its vectors move, and what it was fed day by day."""

import pandas as pd
import streamlit as st

from beha2vec_core.explorer import page, tables
from beha2vec_core.explorer.charts import model as charts
from beha2vec_core.explorer.data import model as data
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_html, shown
from beha2vec_core.quality.drift import COMPARED_WITH, LEAST_USERS
from beha2vec_core.settings import PREFIX
from beha2vec_core.words import counted, number

_DAYS_SHOWN = 14
# what people say for the figures that encoders are compared by
_TASKS = {
    "intent": "Predicts who will convert",
    "next page": "Predicts the next page",
    "next event": "Predicts the next event",
    "retrieval": "Recognizes the same user",
    "content": "Clusters follow content",
    "stability": "Clusters stay the same",
}
_FIGURES = {
    "auroc": "AUROC (1 = always right, 0.5 = chance)",
    "recall@10": "share in its top 10",
    "mrr@10": "mean of 1 / rank, in its top 10",
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


def render(published: Published) -> None:
    """Show the page."""
    for part in (_encoder, _evaluation, _drift, _quality):
        with page.or_empty():
            part(published)
    _links()


def _encoder(published: Published) -> None:
    found = published.ask(data.encoder)
    window, config = found["data_window"] or {}, found["config"] or {}
    held_out = (found["train_config"] or {}).get("held_out")
    users = f"Users ({number(held_out, 'share')} held out)" if held_out else "Users"  # who are held out are among them
    with st.container(horizontal=True):
        for label, value in (
            (users, window.get("users")),
            ("Events", window.get("events")),
            ("Numbers in a vector", config.get("dim")),
            ("Longest history (events)", config.get("max_length")),
        ):
            if isinstance(value, int):
                st.metric(label, f"{value:,}", width=200)
    said = [f"Encoder {in_html(found['model_version'])}."]
    if pd.notna(found["trained_at"]):
        said.append(f"Trained {page.local(found['trained_at'])} ({page.settings().export.tz.key}).")
    if isinstance(found["warm_start_from"], str):
        said.append(f"Warm start from {in_html(found['warm_start_from'])}.")
    page.write(f'<p class="b2v-quiet">{" ".join(said)}</p>')
    curve = published.ask(data.training_curve)
    if curve.empty:
        st.info("This encoder has no training curve. Materialize trained_encoder, then serving_database.")
        return
    page.chart(
        charts.training(curve, window.get("users"), dark=page.is_dark()),
        key="training",
        alt="Lines: training and held-out loss by epoch",
    )


def _evaluation(published: Published) -> None:
    st.header("Evaluation")
    found, rows = published.ask(data.gains), published.ask(data.evaluation)
    if rows.empty:
        st.info("This encoder has not been evaluated. Materialize encoder_evaluation, then serving_database.")
        return
    judged = int(rows["judged"].max())
    st.write(
        f"On {counted(judged, 'user')} held out of training, against simple baselines: the best baseline, and the "
        "encoder's gain over it. If an interval contains 0, there is no clear difference."
    )
    if not found.empty:
        before = found["less_champion"].notna().any()
        gain_over_before = map(_difference, found["less_champion"], found["champion_low"], found["champion_high"])
        page.table(
            {
                "Task": [_TASKS.get(task, task) for task in found["task"]],
                "Metric": [_FIGURES.get(metric, metric) for metric in found["metric"]],
                "Encoder": tables.numbers(found["value"], "{:.3f}"),
                "Best baseline": [
                    f"{value:.3f}" + (f" ({shown(name, 30)})" if isinstance(name, str) else "")
                    for name, value in zip(found["floor"], found["floor_value"], strict=True)
                ],
                "Gain (95% interval)": map(_difference, found["less_best_floor"], found["low"], found["high"]),
                **({"Gain over the previous encoder": gain_over_before} if before else {}),
                "n": tables.numbers(found["n"]),
            }
        )
    with st.expander("All metrics"):
        wide = rows.pivot_table(index=["task", "metric"], columns="method", values="value", aggfunc="first")
        first = [name for name in ("encoder", "champion") if name in wide]
        wide = wide[[*first, *sorted(set(wide.columns) - set(first))]].round(3).reset_index()
        wide.columns = [shown(name, 40) for name in wide.columns]
        st.dataframe(wide, hide_index=True, alt="Every metric of every method")


def _difference(value: float, low: float, high: float) -> str:
    if pd.isna(value):
        return "none"
    difference = f"{value:+.3f}"
    return difference if pd.isna(low) or pd.isna(high) else f"{difference} ({low:+.3f} to {high:+.3f})"


def _drift(published: Published) -> None:
    st.header("Drift")
    st.write(
        f"Drift of each day's user vectors from those of {COMPARED_WITH}: 0 is none, above the dashed line is too "
        "much. The nightly check uses the same metric."
    )
    found = published.ask(data.drift)
    if found["stability_index"].notna().sum() == 0:
        st.info(f"Not enough days yet: drift needs {LEAST_USERS} users of a day and {LEAST_USERS} of {COMPARED_WITH}.")
        return
    page.chart(charts.drift(found, dark=page.is_dark()), key="drift", alt="Line: stability index by day, and its limit")
    judged = counted(int(found["stability_index"].notna().sum()), "day")
    over = found[found["stability_index"] > found["limit"]]
    last = found[found["stability_index"].notna()].iloc[-1]
    st.write(
        f"{len(over)} of {judged} above the limit: look at that day's traffic, and train again if it lasts."
        if len(over)
        else f"No day is above the limit: the last one has {last['stability_index']:.2f}, and "
        f"{last['limit']:.2f} is the limit."
    )


def _quality(published: Published) -> None:
    st.header("Data by day")
    days = published.ask(data.quality)
    if days.empty:
        st.info("There are no days yet. Materialize ga4_quality__daily, then serving_database.")
        return
    page.chart(charts.volume(days, dark=page.is_dark()), key="volume", alt="Bars: events by day, with the usual level")
    last = days.tail(_DAYS_SHOWN).iloc[::-1]
    tracking = [
        shown(reason, 80) if broken and isinstance(reason, str) else ("broken" if broken else "")
        for broken, reason in zip(last["is_break"], last["reason"], strict=True)
    ]
    page.table(
        {
            "Day": [f"{day:%a %-d %b %Y}" for day in pd.to_datetime(last["event_date"])],
            "Events": tables.numbers(last["events"]),
            "Users": tables.numbers(last["users"]),
            "Page views": tables.numbers(last["page_views"]),
            "Purchase events": tables.numbers(last["purchases"]),
            "Without a user": _shares(last["without_user"], last["raw_events"]),
            "Duplicates": _shares(last["duplicates"], last["raw_events"]),
            "Late": _shares(last["late"], last["raw_events"]),
            **({"Tracking": tracking} if any(tracking) else {}),
        }
    )
    st.caption("Shares are of the day's exported events (n = events). Rejected rows are in Dagster's checks.")


def _shares(part: pd.Series, whole: pd.Series) -> tables.Numbers:
    return tables.Numbers(number(one / of, "share") if of else "none" for one, of in zip(part, whole, strict=True))


def _links() -> None:
    st.header("In Dagster")
    address = page.settings().dagster.url
    if address is None:
        st.info(f"For links to the assets, set {PREFIX}DAGSTER_URL, such as http://localhost:3000, and start again.")
        return
    with st.container(horizontal=True):
        for asset in _ASSETS:
            st.link_button(asset, f"{address}/assets/{asset}", icon=":material/open_in_new:")
