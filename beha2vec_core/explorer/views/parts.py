"""Parts that several pages show."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from beha2vec_core.explorer import page, tables
from beha2vec_core.explorer.charts import profile as charts
from beha2vec_core.explorer.data import predictions, profile
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import shown
from beha2vec_core.explorer.views import page_of
from beha2vec_core.predictions.model import TOO_FEW
from beha2vec_core.predictions.wording import does
from beha2vec_core.profiles.metrics import STANDS_OUT
from beha2vec_core.words import money

_METHODS = {
    "ridge logistic": "regression",
    "logistic and LightGBM": "regression and decision trees",
    TOO_FEW: "share of similar users (too few to model)",
}


def over_index(
    facts: pd.DataFrame, users: int, key: str, family: str = STANDS_OUT, beside: str = charts.ALL_USERS
) -> None:
    """What a cluster or a group does more and less than all users, in the chart of a family of facts.

    Args:
        beside: those it is compared with; made safe for a chart.
    """
    chosen = profile.pick(facts, family)
    if chosen.empty:
        st.write("Nothing is clearly different." if family == STANDS_OUT else "No facts of these.")
        return
    figure = charts.over_index(chosen, family, users, dark=page.is_dark(), beside=beside)
    page.chart(figure, key=key, alt=f"Bars: {family}, compared with {beside}")


def choose_prediction(published: Published) -> tuple[str, int]:
    """Let the person choose a target and a horizon (days) that have scores, and note where it was not tested."""
    choices = published.ask(predictions.choices)
    page.forget_unless("prediction_target", choices)
    with st.container(horizontal=True):
        target = st.selectbox(
            "Users will",
            list(choices),
            format_func=lambda name: shown(does(name), 60),
            width=260,
            key=page.kept("prediction_target"),
        )
        horizons = choices[target]
        if st.session_state.get("prediction_horizon") not in horizons.days:
            st.session_state["prediction_horizon"] = horizons.shown
        chosen = st.segmented_control(
            "within (days)", horizons.days, required=True, key=page.kept("prediction_horizon")
        )
    days = horizons.shown if chosen is None else int(chosen)
    if note := horizons.note(days):
        st.info(note)
    return target, days


def open_view(name: str, **asked: str) -> None:
    """Go to another view, and say in its address what it is to show."""
    st.switch_page(page_of(name), query_params=asked)


def begin_audience(rule: str) -> None:
    """Go to the page of audiences, with a new one that has this rule."""
    st.session_state[page.BEGIN_AUDIENCE] = rule
    open_view("audiences")


def choose_user(user_keys: Iterable[str], key: str) -> None:
    """Let the person choose one of the users, and open that user's page."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Choose a user", list(user_keys), width=380, key=f"{key}_user")
        if st.button("Open", key=f"{key}_open"):
            open_view("user", user=str(chosen))


def download(label: str, content: Callable[[], bytes], name: str, mime: str = "text/csv") -> None:
    """A button that gives a file, which is made when it is asked for."""
    st.download_button(
        label, content, file_name=name, mime=mime, on_click="ignore", icon=":material/download:", key=f"get_{name}"
    )


def short_key(user_key: str) -> str:
    """The beginning of a user_key, for tables."""
    return f"{user_key[:12]}…" if len(user_key) > 13 else user_key


def cluster_names(cluster_keys: Iterable[float | None], names: Mapping[int, str]) -> list[str]:
    """The name of each user's cluster; empty where there is none."""
    return [shown(names.get(int(key), ""), 40) if pd.notna(key) else "" for key in cluster_keys]


def expected_revenue(values: pd.Series, known: pd.Series, currency: str | None) -> dict[str, tables.Numbers]:
    """The column of a table with what each user is expected to spend; none where no amount of ``known`` says it."""
    if currency is None or known.isna().all():
        return {}
    return {"Expected revenue": tables.Numbers(money(one, currency) if pd.notna(one) else "" for one in values)}


def method(name: str) -> str:
    """How a probability was made, in everyday words."""
    return _METHODS.get(name, shown(name, 60))


def reasons(texts: object) -> str:
    """Reasons of a score on one line; empty where there are none."""
    return "; ".join(shown(text, 80) for text in texts) if isinstance(texts, Iterable) else ""


def without_folders(error: Exception, *files: Path | None) -> str:
    """The message without the folders of these files, which readers of the page need not know."""
    text = str(error)
    for file in files:
        if file is not None:
            text = text.replace(str(file.resolve()), file.name).replace(str(file), file.name)
    return text
