"""The explorer's process: ``python -m beha2vec_core.explorer.server run asgi.py``, Streamlit's command.

What the views need is loaded, and the overview drawn once, in advance: the first visitor does not wait.
"""

import gc
from contextlib import suppress
from importlib import import_module

from streamlit.web.cli import main

from beha2vec_core.explorer.charts import overview as charts
from beha2vec_core.explorer.data import clusters, overview, user
from beha2vec_core.explorer.published import latest
from beha2vec_core.explorer.views import VIEWS
from beha2vec_core.settings import Settings
from beha2vec_core.store import limits


def load_views() -> None:
    """Load the views and the libraries that they load when they are used."""
    for view in VIEWS:
        import_module(f"beha2vec_core.explorer.views.{view.name}")
    for library in ("scipy.stats", "sqlglot"):
        import_module(library)


def load_encoder(settings: Settings) -> None:
    """Load the model that predicts a user's next pages."""
    user.encoder_in_use(latest(settings.storage.serving_path), settings.storage.encoders_path)


def draw_overview(settings: Settings) -> None:
    """Ask what the overview asks, and draw its figures."""
    published = latest(settings.storage.serving_path)
    for question in (overview.totals, overview.funnel, overview.lineage, overview.weekly_change, overview.moves):
        published.ask(question)
    charts.users_by_day(published.ask(overview.users_by_day), dark=False).to_json()
    charts.cluster_sizes(published.ask(clusters.sizes), published.ask(clusters.names), dark=False).to_json()


def prepare(settings: Settings) -> None:
    """All of that. What fails is left to the page, which shows it: everything else can be shown."""
    load_views()
    for step in (load_encoder, draw_overview):
        with suppress(Exception):
            step(settings)


if __name__ == "__main__":
    settings = Settings.load()
    limits.hold_to(settings.storage)
    prepare(settings)
    # Streamlit collects garbage after each run of its script; what stays loaded need not be gone through every time
    gc.collect()
    gc.freeze()
    main(prog_name="streamlit")
