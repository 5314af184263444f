"""Predictions: who will do something next, how right the model was, and what acting on it takes."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
import streamlit as st

from beha2vec_core.explorer import page, tables
from beha2vec_core.explorer.charts import predictions as charts
from beha2vec_core.explorer.data import clusters
from beha2vec_core.explorer.data import predictions as data
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_chart, in_html, in_markdown, shown
from beha2vec_core.explorer.views import parts
from beha2vec_core.predictions import decide
from beha2vec_core.predictions.backtest import BASE_RATE, BG_NBD, FUNNEL, GA4, NO_FUNNEL, NO_VECTORS, RECENCY, RFM
from beha2vec_core.predictions.gate import CHAMPION, MODEL
from beha2vec_core.predictions.judged import points, sentences, with_interval
from beha2vec_core.predictions.targets import PURCHASE
from beha2vec_core.predictions.wording import did, does
from beha2vec_core.settings import PREFIX
from beha2vec_core.words import between, counted, day, days, money, number

_SHOWN = 20
_METHODS = {
    MODEL: "This model",
    CHAMPION: "Model in use before it",
    NO_FUNNEL: "Without carts and checkouts",
    NO_VECTORS: "Without behavior vectors",
    RFM: "Recency, frequency, money",
    RECENCY: "Days since the last visit",
    FUNNEL: "Last funnel step",
    BG_NBD: "BG/NBD",
    BASE_RATE: "Same for all users",
    GA4: "GA4's own prediction (users who have one)",
}
_KINDS = {"buyers": "users with an earlier purchase", "others": "users without one", "all": "all users"}
_FEW_POSITIVES = 30  # on the test dates; with fewer, the metrics say little


def render(published: Published) -> None:
    """Show the page."""
    about = published.ask(data.model)
    _about(about)
    target, horizon = parts.choose_prediction(published)
    currency = published.ask(data.currency)
    _totals(published, target, horizon, currency)
    for part in (_first_decile, _trust, _distribution):
        with page.or_empty():
            part(published, target, horizon)
    if target == PURCHASE:
        with page.or_empty():
            _break_even(published, horizon, currency)
    _model(about, target)


def _about(about: dict[str, Any]) -> None:
    said = [f"Prediction model {in_html(about['prediction_version'])}, fitted as of {day(about['fitted_as_of'])}."]
    if about["as_of"] is not None:
        lately = counted(page.settings().predictions.population_days, "day")
        said.append(
            f"Scores of {counted(about['users'], 'user')} seen in the last {lately}, as of {day(about['as_of'])}."
        )
    page.write(f'<p class="b2v-quiet">{" ".join(said)}</p>')


def _totals(published: Published, target: str, horizon: int, currency: str | None) -> None:
    found = published.ask(data.totals, target, horizon)
    with st.container(horizontal=True):
        st.metric("Users", f"{found['users']:,.0f}", width=150)
        st.metric(
            in_markdown(f"Expected to {does(target)} in {horizon} days"),
            f"{found['expected']:,.0f}",
            delta=f"95% interval: {between(*(number(found[end], 'users') for end in ('low', 'high')))}",
            delta_color="off",
            delta_arrow="off",
            width=300,
            help="The sum of all probabilities. The interval is of chance alone: it takes the probabilities as right.",
        )
        st.metric("Of all users", number(found["expected"] / found["users"], "share"), width=150)
        if currency and pd.notna(found["value"]):
            st.metric(f"Expected revenue in {horizon} days", money(found["value"], currency), width=280)


def _first_decile(published: Published, target: str, horizon: int) -> None:
    st.header("The most likely tenth")
    found, names = published.ask(data.first_decile, target, horizon), clusters.names(published)
    currency = published.ask(data.currency)
    top = found.head(_SHOWN)
    page.table(
        {
            "User": map(parts.short_key, top["user_key"]),
            "Cluster": parts.cluster_names(top["cluster_key"], names),
            f"Will {shown(does(target), 40)}": tables.shares(top["probability"]),
            "90% interval": tables.intervals(top["low"], top["high"]),
            **parts.expected_revenue(top["value"], found["value"], currency),
            "What raises it most (the larger the number, the more)": [
                parts.reasons(texts) or "not known" for texts in top["reasons"]
            ],
        }
    )
    first = published.ask(data.deciles, target, horizon).to_dict("records")[0]
    st.caption(
        f"The first {len(top)} of {counted(int(first['users']), 'user')} with the highest probability. Of these, "
        f"we expect {first['expected']:,.0f} to {in_markdown(does(target))}. Reasons say what goes together with a "
        "high score, not what causes it."
    )
    parts.choose_user(top["user_key"], key="prediction")


def _trust(published: Published, target: str, horizon: int) -> None:
    curves, rows = published.ask(data.curves, target, horizon), published.ask(data.evaluation, target, horizon)
    if rows.empty:
        return
    st.header("How right was it?")
    first, last = rows["tested_from"].min(), rows["tested_until"].max()
    st.write(
        f"A model was fitted in the same way as of earlier dates ({days(first, last)}), and its scores were compared "
        "with what users then did."
    )
    positives = int(curves["positives"].sum())
    if not curves.empty and not positives:
        nobody = f"No user {did(target)} within {horizon} days of the test dates, so the model cannot be judged."
        st.warning(in_markdown(nobody, 200))
        return
    if curves.empty:
        st.info("There are no curves of this target and horizon.")
    else:
        left, right = st.columns(2, gap="large")
        with left:
            page.chart(
                charts.reliability(curves, in_chart(did(target)), dark=page.is_dark()),
                key="reliability",
                alt="Points: predicted and observed share of each tenth of the users, near a diagonal line",
            )
        with right:
            page.chart(
                charts.gains(curves, in_chart(did(target)), dark=page.is_dark()),
                key="gains",
                alt="Lines: share of the outcomes and of revenue that the first users of the list cover",
            )
        if positives < _FEW_POSITIVES:
            st.warning(in_markdown(f"Only {counted(positives, 'user')} {did(target)}: these results say little.", 200))
    _sentences(rows, target)
    _methods(rows)


def _sentences(rows: pd.DataFrame, target: str) -> None:
    """What the main metrics of the model say, for people who do not know them."""
    found = {row["metric"]: row for row in rows[rows["method"] == MODEL].to_dict("records")}
    if items := "".join(f"<li>{in_html(text, 300)}</li>" for text in sentences(found, target)):
        page.write(f"<ul>{items}</ul>")


def _methods(rows: pd.DataFrame) -> None:
    by_method = {
        str(method): {row["metric"]: row for row in part.to_dict("records")} for method, part in rows.groupby("method")
    }
    ordered = [*(one for one in _METHODS if one in by_method), *sorted(set(by_method) - set(_METHODS))]

    def cell(method: str, metric: str, form: str) -> str:
        one = by_method[method].get(metric)
        if one is None or pd.isna(one["value"]):
            return ""
        if form == "points":
            return points(one).replace(" percentage points", "")
        if form == "interval":
            return with_interval(one)
        return number(one["value"], "share") if form == "share" else f"{one['value']:.{form}f}"

    columns = {
        heading: tables.Numbers(cell(one, metric, form) for one in ordered)
        for metric, heading, form in (
            ("auroc", "AUROC (95% interval)", "interval"),
            ("lift_10pct", "Lift of the most likely tenth", "1"),
            ("revenue_in_top_decile", "Revenue in the most likely tenth", "share"),
            ("brier_skill", "Brier skill", "3"),
            ("calibration_error", "Calibration error (points)", "points"),
        )
        if any(metric in metrics for metrics in by_method.values())
    }
    if not columns:  # the outcome was too rare for any of them
        return
    st.subheader("Compared with simple rules")
    page.table({"Method": [_METHODS.get(one, one) for one in ordered], **columns})
    scores = counted(int(rows.loc[rows["method"] == MODEL, "n"].max()), "score") if MODEL in by_method else ""
    st.caption(
        f"n = {scores} of users on the test dates. AUROC: 1 = always right, 0.5 = chance. Lift: 1 = chance. Brier "
        "skill: 1 = every outcome was certain, 0 = no better than the same probability for all."
    )


def _distribution(published: Published, target: str, horizon: int) -> None:
    st.header("All probabilities")
    bins = published.ask(data.distribution, target, horizon)
    page.chart(
        charts.distribution(bins, in_chart(does(target)), dark=page.is_dark()),
        key="distribution",
        alt="Bars: how many users have which probability",
    )


def _break_even(published: Published, horizon: int, currency: str | None) -> None:
    st.header("When does contacting users pay?")
    st.write(
        "A probability says who buys, not whom a contact makes buy. That is the uplift, and only an experiment "
        "measures it. So this shows no profit, but the uplift at which a contact pays."
    )
    if currency is None:
        st.info("Your properties have different currencies, so revenue and costs cannot be compared.")
        return
    asked = page.settings().predictions
    with st.container(horizontal=True):
        margin, cost, budget = (
            st.number_input(
                label, low, high, None, step=step, width=240, key=page.kept(key, value), placeholder="not set"
            )
            for label, low, high, value, step, key in (
                ("Margin (% of revenue)", 0.1, 100.0, _percent(asked.margin), 1.0, "margin"),
                (f"Cost of a contact ({currency})", 0.0, None, asked.contact_cost, 0.1, "contact_cost"),
                (f"Budget ({currency})", 0.0, None, asked.budget, 100.0, "budget"),
            )
        )
    if margin is None or cost is None:
        st.info(
            f"Enter a margin and the cost of a contact. {PREFIX}PREDICTION_MARGIN, {PREFIX}PREDICTION_CONTACT_COST and "
            f"{PREFIX}PREDICTION_BUDGET set them for all."
        )
        return
    found = published.ask(data.deciles, PURCHASE, horizon)
    if budget is not None:
        _reach(found, budget, cost)
    tenths = [_tenth(row, margin / 100, cost, currency) for row in found.to_dict("records")]
    page.table({heading: tables.Numbers(tenth[heading] for tenth in tenths) for heading in tenths[0]})
    st.caption(
        "Break-even uplift: by how much a contact has to raise the probability of a purchase to pay for itself. "
        f"Experiment: users with and without a contact that a test needs to detect that uplift (power "
        f"{decide.POWER:.0%}, significance {decide.SIGNIFICANCE:.0%}, two-sided). Where a tenth has fewer users than "
        "both groups need, include more tenths, or run the experiment for longer."
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _reach(found: pd.DataFrame, budget: float, cost: float) -> None:
    users, ends = int(found["users"].sum()), found["users"].cumsum()
    reached = decide.users_within(budget, cost, users)
    tenths = int((ends < reached).sum()) + 1
    st.write(
        f"The budget reaches {counted(reached, 'user')} of {users:,}"
        + (f", in the first {counted(tenths, 'tenth')}." if reached else ".")
    )


def _tenth(row: dict[Any, Any], margin: float, cost: float, currency: str) -> dict[str, str]:
    users, base = int(row["users"]), row["expected"] / row["users"]
    spend = row["value"] / row["expected"] if row["expected"] > 0 else float("nan")
    spent = break_even = experiment = "not known"
    if spend > 0:
        uplift = decide.break_even_uplift(cost, margin, spend)
        needed = decide.users_per_group(base, uplift) if uplift > 0 else None
        spent = money(spend, currency)
        break_even = f"{100 * uplift:.2f}" if base + uplift <= 1 else "cannot pay"
        experiment = f"{needed:,}" if needed is not None else "none"
    return {
        "Tenth": f"{int(row['decile'])}",
        "Users": f"{users:,}",
        "Will buy": number(base, "share"),
        "Expected revenue per buyer": spent,
        "Cost of all contacts": money(users * cost, currency),
        "Break-even uplift (percentage points)": break_even,
        "Users per group of an experiment": experiment,
    }


def _model(about: dict[str, Any], target: str) -> None:
    st.header("The model")
    methods = about["methods"].get(target, {})
    if methods:
        page.table({"For": [_KINDS.get(name, name) for name in methods], "Method": map(parts.method, methods.values())})
    notes: Iterable[str] = about["notes"]
    if items := "".join(f"<li>{in_html(note, 400)}</li>" for note in notes):
        page.write(f"<h3>Notes</h3><ul>{items}</ul>")
