"""The static report: one HTML file with the explorer's figures, to mail or to keep; it needs no server and no network.

The figures are those of the explorer, drawn by Plotly, which is packed into the file and unpacked by the browser: 2 MB
instead of 5. The page's policy (CSP) lets run only this script, known by its hash, and lets nothing be loaded. Texts of
others are escaped as in the explorer. No user is named: points on the map have counts, no keys.
"""

import base64
import gzip
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from beha2vec_core.explorer import tables
from beha2vec_core.explorer.charts import clusters as cluster_charts
from beha2vec_core.explorer.charts import map as map_charts
from beha2vec_core.explorer.charts import overview as overview_charts
from beha2vec_core.explorer.charts import profile as profile_charts
from beha2vec_core.explorer.charts.theme import color
from beha2vec_core.explorer.data import clusters, overview, predictions, profile
from beha2vec_core.explorer.data import map as map_data
from beha2vec_core.explorer.published import NothingYet, Published
from beha2vec_core.explorer.text import in_html
from beha2vec_core.files import replacing
from beha2vec_core.predictions.wording import does
from beha2vec_core.profiles.metrics import STANDS_OUT
from beha2vec_core.words import between, counted, day, days, number

_POINTS = 5_000  # on the map; drawn without WebGL, which a strict policy does not allow
_CLUSTERS = 30  # with a section of their own, the largest
_TEXT = 3_000
_CELL = 400
_FLOW_DAYS = 28

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 "Source Sans 3", "Source Sans Pro", system-ui, sans-serif; color: #262730; background: #fff;
  margin: 0 auto; max-width: 1080px; padding: 1.5rem 1rem 4rem; overflow-wrap: anywhere; }
h1, h2, h3 { line-height: 1.25; margin: 2.2rem 0 .6rem; } h1 { margin-top: 0; } h4 { margin: 1rem 0 .3rem; }
p { margin: .4rem 0; max-width: 75ch; } .quiet { color: #5b6069; font-size: .92rem; }
.facts { display: flex; flex-wrap: wrap; gap: .6rem 2.2rem; margin: 1rem 0; } .facts b { display: block;
  font-size: 1.6rem; font-weight: 400; }
figure { margin: 1.4rem 0; } figcaption { font-weight: 600; margin-bottom: .2rem; }
section { border-top: 1px solid #e3e5e9; margin-top: 2.4rem; break-inside: avoid-page; }
.dot { display: inline-block; width: .75rem; height: .75rem; border-radius: 50%; margin-right: .45rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; vertical-align: top; border-bottom: 1px solid #e3e5e9; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
summary { cursor: pointer; margin: .8rem 0; } .empty { background: #eef3f8; padding: .6rem .8rem; border-radius: 6px; }
"""

_SCRIPT = """
(async () => {
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  for (const place of document.querySelectorAll("[data-figure]")) {
    const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    place.replaceChildren();
    await Plotly.newPlot(place, figure.data, figure.layout, { responsive: true, displayModeBar: false });
  }
})();
"""


def write_report(published: Published, out: Path, zone: ZoneInfo) -> int:
    """Write the report of what is published to a file, at once; the same data gives the same bytes.

    Args:
        zone: of the times shown.

    Returns:
        The size in bytes.

    Raises:
        OSError: the file cannot be written.
    """
    page = _Page(published, zone).html().encode()
    with replacing(out) as temporary:
        temporary.write_bytes(page)
    return len(page)


class _Page:
    """The report while it is written: its parts in order, and its figures."""

    def __init__(self, published: Published, zone: ZoneInfo) -> None:
        self.published, self.zone = published, zone
        self.parts: list[str] = []
        self.figures: list[str] = []

    def html(self) -> str:
        """All of it."""
        self.add("<h1>Your users at a glance</h1>")
        if self.published.sample:
            self.add(f'<p class="empty">{in_html(self.published.sample, _TEXT)}</p>')
        overall = (self._highlights, self._totals, self._funnel, self._sizes, self._changes, self._map)
        for part in (*overall, self._outcomes, self._time, self._predictions, self._clusters):
            self._or_empty(part)
        figures = "".join(
            f'<script type="application/json" id="figure-{place}">{_in_script(figure)}</script>\n'
            for place, figure in enumerate(self.figures)
        )
        library = get_plotlyjs()
        policy = (
            f"default-src 'none'; script-src {_hash(_SCRIPT)} {_hash(library)}; style-src 'unsafe-inline'; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        )
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="referrer" content="no-referrer">\n'
            f"<title>Beha2Vec report</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
            + "\n".join(self.parts)
            + f'\n</main>\n{figures}<script type="text/plain" id="plotly">{_packed(library)}</script>\n'
            f"<script>{_SCRIPT}</script>\n</body>\n</html>\n"
        )

    def _or_empty(self, part: Callable[[], None]) -> None:
        try:
            part()
        except NothingYet as error:
            self.add(f'<p class="empty">{in_html(error, 300)}</p>')

    def add(self, markup: str) -> None:
        """Markup of ours, in which every text of others went through `text.in_html`."""
        self.parts.append(markup)

    def draw(self, figure: go.Figure) -> None:
        """A figure, its title above it."""
        title = figure.layout.title.text
        figure.update_layout(title_text=None, margin_t=8)
        height = int(figure.layout.height or 360)
        self.add(
            f'<figure><figcaption>{title}</figcaption><div data-figure="figure-{len(self.figures)}" '
            f'style="height:{height}px" role="img" aria-label="{in_html(title, 200)}"><p class="quiet">This chart is '
            "drawn by the browser: open the file in one, with scripts allowed.</p></div></figure>"
        )
        self.figures.append(figure.to_json())

    def table(self, columns: tables.Columns) -> None:
        """A table; texts are escaped here."""
        self.add(f'<div class="wide">{tables.table_html(columns)}</div>')

    def _highlights(self) -> None:
        found = self.published.ask(overview.highlights).head(overview.HIGHLIGHTS_SHOWN).to_dict("records")
        self.add("<h2>Three things to know</h2>" if len(found) > 1 else "<h2>To know</h2>")
        for row in found:
            self.add(f"<h4>{in_html(row['headline'], _CELL)}</h4><p>{in_html(row['sentence'], _TEXT)}</p>")
        if not found:
            self.add(f"<p>{overview.NO_HIGHLIGHTS}</p>")

    def _totals(self) -> None:
        found = self.published.ask(overview.totals)
        facts = {"Users": found.users, "Days with data": found.days, "Sessions": found.sessions}
        facts |= {"Page views": found.page_views, "Buyers": found.buyers}
        boxes = "".join(f"<div>{name}<b>{value:,}</b></div>" for name, value in facts.items() if value is not None)
        self.add(f'<div class="facts">{boxes}</div>')
        published_at = self.published.published_at.astimezone(self.zone)
        said = [f"Published {day(published_at)}, {published_at:%H:%M} ({in_html(self.zone.key)})."]
        if found.first_day and found.last_day:
            said.insert(0, f"Data: {days(found.first_day, found.last_day)}.")
        if found.model_version:
            said.append(f"Encoder {in_html(found.model_version)}.")
        self.add(f'<p class="quiet">{" ".join(said)}</p>')
        self.draw(overview_charts.users_by_day(self.published.ask(overview.users_by_day), dark=False))

    def _funnel(self) -> None:
        self.add("<h2>From events to clusters</h2>")
        self.table(overview.steps(self.published.ask(overview.funnel)))

    def _sizes(self) -> None:
        self.add("<h2>Clusters</h2>")
        sizes = self.published.ask(clusters.sizes)
        self.add(f"<p>{clusters.in_words(sizes)}</p>")
        if older := self.published.ask(clusters.older_facts):
            self.add(f'<p class="empty">{older}</p>')
        self.draw(overview_charts.cluster_sizes(sizes, clusters.names(self.published), dark=False))
        self.table(
            {
                "Cluster": sizes["name"],
                "Users": tables.numbers(sizes["users"]),
                "Share of all users with a vector": tables.shares(sizes["share"]),
            }
        )

    def _changes(self) -> None:
        columns, note = overview.week_table(self.published)
        self.add("<h2>Users with events in the last 7 days</h2>")
        self.table(columns)
        self.add(f'<p class="quiet">{note}</p>')

    def _map(self) -> None:
        self.add("<h2>Map of your users</h2>")
        points = self.published.ask(map_data.points, _POINTS)
        layers = map_charts.by_cluster(points, clusters.names(self.published))
        figure = map_charts.user_map(points, layers, self.published.ask(map_data.users_on_map), dark=False)
        self.draw(_without_webgl(figure.update_layout(dragmode="zoom")))

    def _outcomes(self) -> None:
        self.add("<h2>Outcomes</h2>")
        facts, names = self.published.ask(profile.outcomes), clusters.names(self.published)
        users = int(self.published.ask(clusters.sizes)["users"].sum())
        for metric, title in profile.OUTCOMES.items():
            rows = facts[facts["metric"] == metric]
            if not rows.empty:
                self.draw(profile_charts.outcome(rows, names, title, users, dark=False))

    def _time(self) -> None:
        self.add("<h2>Over time</h2>")
        names = clusters.names(self.published)
        largest = [int(key) for key in self.published.ask(clusters.sizes)["cluster_key"].head(3)]
        over_time = self.published.ask(clusters.size_over_time)
        self.draw(cluster_charts.size_over_time(over_time, names, largest, dark=False))
        moves = self.published.ask(clusters.flows, _FLOW_DAYS)
        if (moves["from_cluster"] != moves["to_cluster"]).any():
            self.draw(cluster_charts.flows(moves, names, _FLOW_DAYS, dark=False))

    def _predictions(self) -> None:
        self.add("<h2>Predictions</h2>")
        for target, horizons in self.published.ask(predictions.choices).items():
            days = horizons.shown
            found = self.published.ask(predictions.totals, target, days)
            expected, low, high = (number(found[name], "users") for name in ("expected", "low", "high"))
            users = counted(int(found["users"]), "user")
            self.add(
                f"<p>Of {users} seen lately, {expected} are expected to {in_html(does(target))} within "
                f"{days} days (95% interval: {between(low, high)}). {horizons.note(days)}</p>"
            )
        columns, note = predictions.expected_purchases(self.published)
        self.table(columns)
        self.add(f'<p class="quiet">{note}</p>')

    def _clusters(self) -> None:
        sizes = self.published.ask(clusters.sizes)
        for row in sizes.head(_CLUSTERS).to_dict("records"):
            key, users = int(row["cluster_key"]), int(row["users"])
            self.add(
                f'<section><h2><span class="dot" style="background:{color(key)}"></span>{in_html(row["name"])}</h2>'
                f"<p>{clusters.size_words(row)}</p>"
            )
            for part in (self._words, self._profile, self._paths):
                self._or_empty(lambda part=part, key=key, users=users: part(key, users))  # type: ignore[misc]
            self.add("</section>")
        if len(sizes) > _CLUSTERS:
            self.add(
                f'<p class="quiet">And {counted(len(sizes) - _CLUSTERS, "smaller cluster")}: see the explorer.</p>'
            )

    def _words(self, key: int, users: int) -> None:
        written = self.published.ask(clusters.insight, key)
        if written is None:
            return
        for name, heading in clusters.INSIGHT_HEADINGS.items():
            if text := written.texts.get(name):
                self.add((f"<h4>{heading}</h4>" if heading else "") + f"<p>{in_html(text, _TEXT)}</p>")
        if written.actions:
            items = "".join(f"<li>{in_html(action, _TEXT)}</li>" for action in written.actions)
            self.add(f"<h4>What to do</h4><ul>{items}</ul>")
        chosen = "a template" if written.written_by == "template" else in_html(written.written_by)
        self.add(f'<p class="quiet">Written by code from the facts that {chosen} chose.</p>')

    def _profile(self, key: int, users: int) -> None:
        facts = self.published.ask(profile.facts, key)
        chosen = profile.pick(facts, STANDS_OUT)
        if chosen.empty:
            self.add("<p>Nothing is clearly different from all users.</p>")
            return
        self.draw(profile_charts.over_index(chosen, STANDS_OUT, users, dark=False))
        self.add("<details><summary>The same as a table</summary>")
        self.table(
            {
                "Fact": chosen["label"],
                "Value": tables.Numbers(chosen["shown_value"]),
                "All users": tables.Numbers(chosen["shown_population"]),
                "n (users)": tables.numbers(chosen["support"]),
            }
        )
        self.add("</details>")

    def _paths(self, key: int, users: int) -> None:
        steps = self.published.ask(clusters.paths, key)
        if not steps.empty:
            self.draw(cluster_charts.paths(steps, users, dark=False))


def _without_webgl(figure: go.Figure) -> go.Figure:
    """The same figure, its points drawn as SVG."""
    traces = [
        go.Scatter({name: value for name, value in trace.to_plotly_json().items() if name != "type"})
        for trace in figure.data
    ]
    return go.Figure(traces, figure.layout)


def _in_script(text: str) -> str:
    """JSON for a script element, which ends at the first ``</script`` and knows ``<!--``."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _hash(script: str) -> str:
    """The script, as a Content Security Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@cache
def _packed(library: str) -> str:
    return base64.b64encode(gzip.compress(library.encode(), 9, mtime=0)).decode()
