"""The pages of the explorer, in the order of the menu: a module each, with a function ``render``."""

from functools import partial
from importlib import import_module
from typing import NamedTuple

import streamlit as st

from beha2vec_core.explorer import page


class View(NamedTuple):
    """A page: its module's name, which is also its address, how the menu shows it, and its heading if that differs."""

    name: str
    title: str
    icon: str
    heading: str = ""


VIEWS = (
    View("overview", "Overview", ":material/dashboard:", "Your users at a glance"),
    View("map", "Map", ":material/scatter_plot:", "Map of your users"),
    View("clusters", "Clusters", ":material/groups:"),
    View("user", "User", ":material/person:"),
    View("predictions", "Predictions", ":material/online_prediction:"),
    View("lookalikes", "Look-alikes", ":material/person_search:"),
    View("audiences", "Audiences", ":material/campaign:"),
    View("site", "Pages", ":material/web:"),
    View("chat", "Chat", ":material/forum:"),
    View("model", "Model", ":material/model_training:"),
)


def pages() -> list[st.Page]:
    """The pages for ``st.navigation``; the first is the default."""
    return [page_of(view.name) for view in VIEWS]


def page_of(name: str) -> st.Page:
    """The page of a view, to link to."""
    view = _view(name)
    return st.Page(
        partial(render, name), title=view.title, icon=view.icon, url_path=view.name, default=view == VIEWS[0]
    )


def render(name: str) -> None:
    """Show a view, or what to materialize for it. Its libraries are loaded when it is first looked at."""
    view = _view(name)
    st.title(view.heading or view.title)
    with page.or_empty():
        import_module(f"{__name__}.{name}").render(page.published())


def _view(name: str) -> View:
    return next(view for view in VIEWS if view.name == name)
