"""What all views use: the published file of this run, empty states, charts, times."""

from collections.abc import Container, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import plotly.graph_objects as go
import streamlit as st

from beha2vec_core.explorer import tables
from beha2vec_core.explorer.charts.theme import PALETTE
from beha2vec_core.explorer.published import NothingYet, Published, latest
from beha2vec_core.settings import Settings
from beha2vec_core.words import day

BEGIN_AUDIENCE = "_audience_begin"  # the rule of a new audience, for its page
TO_AUDIENCE, AUDIENCE_ICON = "Make it an audience", ":material/campaign:"
CHART_TOOLS = {"displaylogo": False, "modeBarButtonsToRemove": ["toImage", "autoScale2d"], "responsive": True}

_STYLE = """<style>
.b2v-text h3 {font-size:1.05rem; margin:0 0 .2rem; padding:0; overflow-wrap:anywhere}
.b2v-text p {margin:.25rem 0 0}
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p {
  color:inherit !important; opacity:1 !important} /* as it comes, its contrast is below AA */
.b2v-title {font-weight:600; margin-top:.5rem; overflow-wrap:anywhere}
.b2v-quiet {opacity:.8; font-size:.9rem}
.b2v-text a.b2v-fact {color:inherit; text-decoration:none; border-bottom:1px dotted currentColor}
.b2v-fact sup {font-size:.7em; opacity:.8; margin-left:.1em}
.b2v-item {display:list-item; margin-left:1.4rem}
.b2v-line {white-space:pre-wrap}
.b2v-text summary {cursor:pointer; margin:.5rem 0}
.b2v-text tr:target {background:color-mix(in srgb, currentColor 14%, transparent)}
.b2v-dot {display:inline-block; width:.75rem; height:.75rem; border-radius:50%; margin-right:.45rem}
.b2v-text {overflow-wrap:anywhere; overflow-x:auto}
.b2v-text table {border-collapse:collapse; width:100%}
.b2v-text th, .b2v-text td {text-align:left; padding:.3rem .6rem .3rem 0; vertical-align:top;
  overflow-wrap:break-word; min-width:4rem;
  border-bottom:1px solid color-mix(in srgb, currentColor 15%, transparent)}
.b2v-text td:last-child:not(.number) {min-width:9rem}
.b2v-text td.number, .b2v-text th.number {text-align:right; font-variant-numeric:tabular-nums; min-width:0}
.b2v-text td.number {white-space:nowrap}
/* white on the dark theme's lighter blue is too pale */
button[kind^="primary"] {background:var(--b2v-blue) !important; border-color:var(--b2v-blue) !important;
  color:#fff !important}
@media (max-width: 640px) {
  .b2v-text table, .b2v-text table .b2v-quiet {font-size:.8rem}
  .b2v-text th, .b2v-text td, .b2v-text td:last-child:not(.number) {padding-right:.35rem; min-width:3rem}
}
</style>"""


@st.cache_resource
def settings() -> Settings:
    """The settings, as they were when the server started."""
    return Settings.load()


def published() -> Published:
    """The published file as it is at this moment; a reload after a run shows the new one."""
    return latest(settings().storage.serving_path)


def is_dark() -> bool:
    """Whether the person sees the dark theme."""
    return st.context.theme.type == "dark"


@contextmanager
def or_empty() -> Iterator[None]:
    """What is shown inside; where something has not been made yet, what to materialize instead."""
    try:
        yield
    except NothingYet as error:
        st.info(str(error), icon=":material/hourglass_empty:")


def chart(figure: go.Figure, key: str, alt: str) -> None:
    """A figure that only shows; ``alt`` says in words what it shows, for screen readers."""
    st.plotly_chart(without_title(figure), theme=None, key=key, config=CHART_TOOLS, alt=alt)


def without_title(figure: go.Figure) -> go.Figure:
    """The figure without its title, which is written above: there it wraps on a narrow screen."""
    st.html(f'<div class="b2v-title">{figure.layout.title.text}</div>')
    return figure.update_layout(title_text=None, margin_t=8)


def write(markup: str) -> None:
    """HTML of ours, in which every text of others went through `text.in_html`."""
    st.html(f'<div class="b2v-text">{markup}</div>')


def style() -> None:
    """The few styles of what `write` shows; once a page."""
    st.html(f"<style>:root {{--b2v-blue:{PALETTE[0]}}}</style>{_STYLE}")


def table(columns: tables.Columns) -> None:
    """A short table: the cells of each column by its heading, see `tables`."""
    write(tables.table_html(columns))


def local(moment: datetime) -> str:
    """A moment (UTC where it has no zone) in the property's time zone: 5 Jan 2026, 14:05."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    there = aware.astimezone(settings().export.tz)
    return f"{day(there)}, {there:%H:%M}"


def kept(key: str, default: object = None) -> str:
    """The key of a widget that keeps what was chosen while other pages are looked at; see `keep_choices`.

    Args:
        default: what it shows at first; given here and not to the widget, as Streamlit warns of a widget with both.
    """
    st.session_state.setdefault("_kept", set()).add(key)
    if default is not None:
        st.session_state.setdefault(key, default)
    return key


def keep_choices() -> None:
    """Once a run, first: Streamlit forgets what a widget holds when its page is left, unless it is written again."""
    for key in st.session_state.get("_kept", ()):
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]


def forget_unless(key: str, options: Container[object]) -> None:
    """Forget what a widget holds if it is no longer one of its options, as of an earlier publication."""
    if st.session_state.get(key) not in options:
        st.session_state.pop(key, None)


def asked_for(name: str) -> str | None:
    """What the page's address asks the widget of that key to show; None where it is what the widget shows already."""
    asked = st.query_params.get(name)
    # after leaving the page and coming back, users have a new widget, whatever the old one showed
    is_shown = name in st.session_state and asked == st.session_state.get(f"_shown_{name}")
    return None if is_shown else asked


def now_shown(name: str, value: str) -> None:
    """Write what the page shows into its address, to be kept or sent on."""
    st.session_state[f"_shown_{name}"] = value
    if st.query_params.get(name) != value:
        st.query_params[name] = value
