"""Parts that several pages show."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from beha2vec_core.explorer import page
from beha2vec_core.explorer.charts import profile as charts
from beha2vec_core.explorer.data import profile
from beha2vec_core.profiles.metrics import STANDS_OUT
from beha2vec_core.words import counted


def over_index(facts: pd.DataFrame, users: int, key: str, family: str = STANDS_OUT) -> None:
    """What a cluster or a group does more and less than all users, in the chart of a family of facts."""
    chosen = profile.pick(facts, family)
    if chosen.empty:
        st.write("Nothing is clearly different from all users." if family == STANDS_OUT else "No facts of these.")
        return
    title = f"{family}, compared with all users (n = {counted(users, 'user')})"
    figure = charts.over_index(chosen, title, dark=page.is_dark())
    page.chart(figure, key=key, alt=f"Bars: {family}, compared with all users")
