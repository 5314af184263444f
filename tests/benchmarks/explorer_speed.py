"""How fast the explorer is with many users, in a browser: ``python tests/benchmarks/explorer_speed.py --help``.

The demo's published database with its users taken many times over (other keys, moved a little on the map and in their
vectors), the explorer's own command on it, and Chromium: seconds from a click until all that it leads to is drawn.
Cold: the database was published this moment, so nothing is remembered (the first view: the server has just started
too, and the browser has no files of it). Warm: asked before. ``make bench-explorer``; wants a materialized demo
(``make demo``), or another project's data folder: ``--data``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from beha2vec_core.explorer.data import clusters
from beha2vec_core.explorer.data.map import DRAWN, users_on_map
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import shown
from beha2vec_core.profiles.counts import of_all_users
from tests.explorer.browsing import (
    ARGUMENTS,
    CHROMIUM,
    appears,
    choose,
    draw,
    drawn,
    free_port,
    on_screen,
    place_of,
    square_around,
    turn_to,
)
from tests.explorer.explorer_world import serve

# columns that tell one user's rows from another's: a copy of a user has others
KEYS = {
    "user_key", "client_key", "user_pseudo_id", "session_key", "event_key", "event_item_key", "page_view_key",
    "purchase_key", "conversion_key", "last_non_direct_session_key",
}  # fmt: skip
MOVED = {
    "map_x": "map_x + 0.4 * ({noise})",
    "map_y": "map_y + 0.4 * ({noise})",
    "behavior": "list_transform(behavior, lambda x, i: (x + 0.05 * ({noise_of_i}))::float)",
    "identity": "list_transform(identity, lambda x, i: (x + 0.05 * ({noise_of_i}))::float)",
}
NOISE = "hash(user_key, copy, '{what}') % 10001 / 5000.0 - 1"
T = TypeVar("T")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="data folder of a demo (%(default)s)")
    parser.add_argument("--users", type=int, default=200_000, help="%(default)s")
    parser.add_argument("--rounds", type=int, default=30, help="of each, cold and warm (%(default)s)")
    parser.add_argument("--only", default="", help="measure what has these letters in its name")
    parser.add_argument("--folder", type=Path, help="keep the multiplied publication there; it is used again")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="beha2vec-explorer-speed-"))
    try:
        if not (folder / "data").exists():
            enlarge(asked.data, folder / "data", asked.users)
        (folder / "audiences.yml").write_text(AUDIENCES)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
            measure(browser, folder, asked.rounds, asked.only)
            browser.close()
    finally:
        if not asked.folder:
            shutil.rmtree(folder, ignore_errors=True)


def enlarge(source: Path, target: Path, users: int) -> None:
    """Write a published database with this many users, and link the encoder's files."""
    target.mkdir(parents=True)
    (target / "encoders").symlink_to((source / "encoders").resolve())
    with duckdb.connect(str(target / "serving.duckdb")) as connection:
        connection.execute(f"attach '{source / 'serving.duckdb'}' as small (read_only)")
        (there,) = connection.execute("select count(*) from small.beha2vec.user_clusters_current").fetchone() or (0,)
        copies = -(-users // there)
        tables = connection.execute(
            """select schema_name, table_name, list(column_name) from duckdb_columns()
            where database_name = 'small' group by all order by all"""
        ).fetchall()
        for schema, table, columns in tqdm(tables, desc=f"{copies} copies", unit="table"):
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create table {schema}.{table} as {_many(f'small.{schema}.{table}', columns, copies)}")
        _keep(connection, tables, users)
        numbers = "update beha2vec.published_sample set numbers = ?::json"
        connection.execute(numbers, ["null"])  # those of fewer users
        connection.execute(numbers, [of_all_users(connection)])


def _many(table: str, columns: list[str], copies: int) -> str:
    """SQL for the rows of a table, those of users many times over."""
    if table.endswith("cluster_flows"):
        return f"select * replace (users * {copies} as users) from {table}"
    if not KEYS.intersection(columns) or table.endswith("cluster_members"):
        return f"from {table}"
    new = [f"case when copy = 0 then {key} else md5({key} || copy) end as {key}" for key in columns if key in KEYS]
    for column in [column for column in columns if column in MOVED]:
        noise = NOISE.format(what=column)
        moved = MOVED[column].format(noise=noise, noise_of_i=noise.replace(f"'{column}'", f"'{column}', i"))
        new.append(f"{moved} as {column}")
    return f"select * exclude (copy) replace ({', '.join(new)}) from {table}, range({copies}) as copies(copy)"


def _keep(connection: duckdb.DuckDBPyConnection, tables: list[tuple[str, str, list[str]]], users: int) -> None:
    """Exactly this many users."""
    connection.execute(
        f"""create temp table kept as
        select user_key from beha2vec.user_clusters_current order by hash(user_key) limit {users}"""
    )
    for schema, table, columns in tables:
        if "user_key" in columns and table != "cluster_members":
            connection.execute(f"delete from {schema}.{table} where user_key not in (from kept)")


class World:
    """The enlarged database: what to choose from, and publishing it again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "serving.duckdb"
        published = Published(self.path)
        names = clusters.names(published)
        self.clusters = [shown(names[key], 60)[:40] for key in sorted(names) if key >= 0]
        self.users = published.query(
            """select user_key from beha2vec.user_embeddings_current where not low_evidence
            order by hash(user_key) limit 20000"""
        )["user_key"].tolist()
        self.alike = published.query(
            """select user_key from beha2vec.user_clusters_current where cluster_key = (
                select min(cluster_key) from beha2vec.user_clusters_current where cluster_key >= 0)
            order by hash(user_key) limit 1000"""
        )["user_key"].tolist()
        groups = published.query(
            """select median(map_x) as x, median(map_y) as y, stddev(map_x) + stddev(map_y) as across
            from beha2vec.user_clusters_current where cluster_key >= 0 group by cluster_key order by cluster_key"""
        )
        self.of_users = users_on_map(published)
        self.groups = [(x, y, across / 4) for x, y, across in groups.to_numpy().tolist()]

    def publish_again(self) -> None:
        """The same file with another time: the explorer opens it anew, as after a run."""
        os.utime(self.path)


_POINTS = """() => Math.max(0, ...[...document.querySelectorAll('.js-plotly-plot')].map(
    plot => (plot._fullData || []).reduce((sum, trace) => sum + (trace.type == 'scattergl' ? trace._length : 0), 0)))"""


# What a person does: up to its first yield a step prepares, what comes then is measured, and from the second yield on
# it tidies up. Rounds differ in what is chosen.
Step = Callable[[Page, int, World], Iterator[None]]


def open_overview(page: Page, _: int, __: World) -> Iterator[None]:
    yield from _open(page, "Overview", *_LAST_OF_OVERVIEW)


def open_clusters(page: Page, _: int, __: World) -> Iterator[None]:
    yield from _open(page, "Clusters", ".st-key-flows .main-svg")


def another_cluster(page: Page, round_: int, world: World) -> Iterator[None]:
    if "/clusters" not in page.url:
        turn_to(page, "Clusters")
    choose(page, "Cluster", _begins(_one_of(world.clusters, round_ + 1)))
    appears(page, "h2", _one_of(world.clusters, round_ + 1))
    page.get_by_role("combobox", name="Cluster", exact=True).click()
    yield
    page.get_by_role("option", name=_begins(_one_of(world.clusters, round_))).click()
    appears(page, "h2", _one_of(world.clusters, round_))


def open_map(page: Page, _: int, __: World) -> Iterator[None]:
    yield from _open(page, "Map", ".st-key-user_map .main-svg")


def map_in_other_colors(page: Page, round_: int, world: World) -> Iterator[None]:
    _new_map(page)
    choose(page, "Color by", re.compile("^Cluster$"))
    appears(page, ".js-plotly-plot text", world.clusters[0][:20])
    drawn(page)
    page.get_by_role("combobox", name="Color by").click()
    yield
    color, legend = _one_of(COLORS, round_)
    page.get_by_role("option", name=color, exact=True).click()
    appears(page, ".js-plotly-plot text", legend)


def map_of_all_users(page: Page, _: int, world: World) -> Iterator[None]:
    _new_map(page)
    page.get_by_role("combobox", name="Users shown").click()
    yield
    page.get_by_role("option", name=f"{world.of_users:,} (all)").click()
    page.wait_for_function(f"() => ({_POINTS})() >= {world.of_users}")


def one_move_of_a_lasso(page: Page, round_: int, world: World) -> Iterator[None]:
    corners = _in_a_lasso(page, round_, world)
    yield
    page.mouse.move(*corners[1])
    yield
    page.mouse.up()
    # a click on the menu before the group arrives would be lost
    appears(page, "h2", "Your group")


def lasso_let_go_until_the_profile_is_drawn(page: Page, round_: int, world: World) -> Iterator[None]:
    _in_a_lasso(page, round_, world)
    yield
    page.mouse.up()
    appears(page, ".annotation-text")


def user_from_the_map(page: Page, round_: int, _: World) -> Iterator[None]:
    _new_map(page)
    page.get_by_role("radio", name="Open a user").click()
    drawn(page)
    place = on_screen(page, *place_of(page, 0, round_))
    page.mouse.move(*place)
    yield
    page.mouse.click(*place)
    _user_shown(page)


def another_user(page: Page, round_: int, world: World) -> Iterator[None]:
    if "/user" not in page.url:
        turn_to(page, "User")
    _type(page, "User key", world.users[-1 - round_])
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(world.users[-1 - round_]))
    _user_shown(page)
    _type(page, "User key", world.users[round_])
    yield
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(world.users[round_]))
    _user_shown(page)


def look_alikes(page: Page, round_: int, world: World) -> Iterator[None]:
    """Of 300 users of a cluster, less one each round; the list before was another one."""
    if "/lookalikes" not in page.url:
        turn_to(page, "Look-alikes")
    for seeds in (200 - round_, 300 - round_):
        _type(page, "Their ids, one per line", "\n".join(world.alike[:seeds]))
        if seeds > 200:
            yield
        page.get_by_role("button", name="Find look-alikes").click()
        appears(page, "b", f"{seeds} seed users")
        appears(page, "h2", "The list (n = 500 users)")
        drawn(page)


def open_pages(page: Page, _: int, __: World) -> Iterator[None]:
    yield from _open(page, "Pages", "p", "To correct pages here")


def search_pages(page: Page, round_: int, _: World) -> Iterator[None]:
    turn_to(page, "Chat")
    turn_to(page, "Pages")
    word = _one_of(WORDS, round_)
    first = page.locator(".b2v-text tbody tr:first-child td:first-child").last
    assert word not in first.inner_text().lower(), f"{word} is there before it is looked for"
    _type(page, "Find pages", word)
    yield
    page.keyboard.press("Enter")
    page.wait_for_function(
        """word => [...document.querySelectorAll('.b2v-text tbody tr:first-child td:first-child')].some(
        cell => cell.textContent.toLowerCase().includes(word))""",
        arg=word,
    )


def open_audiences(page: Page, _: int, __: World) -> Iterator[None]:
    yield from _open(page, "Audiences", "h2", "Sent to other systems")


def size_of_a_rule(page: Page, round_: int, _: World) -> Iterator[None]:
    if "/audiences" not in page.url:
        turn_to(page, "Audiences")
    _type(page, RULE, "")
    page.keyboard.press("Control+Enter")
    appears(page, "p", "Write a rule, or add conditions to it.")
    _type(page, RULE, f"sessions > {round_} and probability('purchase', 28) < 0.5")
    yield
    page.keyboard.press("Control+Enter")
    appears(page, "h3", "Size")
    appears(page, "h3", "Overlap with other audiences")


def open_model(page: Page, _: int, __: World) -> Iterator[None]:
    yield from _open(page, "Model", "h2", "In Dagster")


STEPS: tuple[Step, ...] = (
    open_overview, open_clusters, another_cluster, open_map, map_in_other_colors, one_move_of_a_lasso,
    lasso_let_go_until_the_profile_is_drawn, map_of_all_users, user_from_the_map,
    another_user, look_alikes, open_pages, search_pages, open_audiences, size_of_a_rule, open_model,
)  # fmt: skip
COLORS = (
    ("Last visit", "days since the last visit"),
    ("Purchase", "no purchase"),
    ("First visit", "day of the first visit"),
)
RULE = "Rule: who is in it"
AUDIENCES = """
- {name: likely_buyers, rule: "probability('purchase', 28) >= 0.3", purpose: ads, holdout: 0.1}
- {name: regulars, rule: sessions > 3 and not in_audience('likely_buyers')}
- {name: similar, rule: "similar_to_audience('likely_buyers', 500)"}
"""
WORDS = ("return", "care", "guides", "bag", "jacket", "shipping")


_LAST_OF_OVERVIEW = ("h3", "Users who changed cluster")


def _open(page: Page, name: str, last: str, text: str = "") -> Iterator[None]:
    """A page of the menu, until the last thing on it is there."""
    turn_to(page, "Chat")
    yield
    page.locator("[data-testid=stSidebarNavLink]", has_text=re.compile(f"{name}$")).click()
    appears(page, last, text)


def _in_a_lasso(page: Page, round_: int, world: World) -> list[tuple[float, float]]:
    """Draw around a group, and hold the mouse."""
    _new_map(page)
    page.get_by_role("radio", name="Select a group").click()
    drawn(page)
    x, y, radius = _one_of(world.groups, round_)
    corners = square_around(page, x, y, radius)
    draw(page, corners, let_go=False)
    return corners


def _new_map(page: Page) -> None:
    for _ in _open(page, "Map", ".st-key-user_map .main-svg"):
        pass
    drawn(page)


def _user_shown(page: Page) -> None:
    appears(page, "h1", "User")
    appears(page, "h2", "Predicted next pages")


def _type(page: Page, label: str, text: str) -> None:
    drawn(page)
    page.get_by_label(label).fill(text)


def _begins(text: str) -> re.Pattern[str]:
    return re.compile("^" + re.escape(text))


def _one_of(several: Sequence[T], round_: int) -> T:
    return several[round_ % len(several)]


def measure(browser: Browser, folder: Path, rounds: int, only: str) -> None:
    """Print a row a step."""
    print("| | cold: median, 95% below | warm: median, 95% below | points drawn |\n|---|---|---|---|")
    if only in "first view":
        first = [_first_view(browser, folder) for _ in tqdm(range(rounds), desc="first view", leave=False)]
        _print("first view", [cold for cold, _ in first], [warm for _, warm in first], 0)
    world = World(folder)
    with serve(folder, free_port()) as address, _page(browser) as page:
        page.goto(address)
        for step in STEPS:
            name = step.__name__.replace("_", " ")
            if only not in name or (step is map_of_all_users and not DRAWN[0] < world.of_users <= DRAWN[-1]):
                continue
            took: dict[bool, list[float]] = {True: [], False: []}
            for round_ in tqdm(range(rounds), desc=name, leave=False):
                for is_cold, times in took.items():
                    times.append(_seconds(step, page, round_, world, is_cold=is_cold))
            _print(name, took[True], took[False], page.evaluate(_POINTS))


def _seconds(step: Step, page: Page, round_: int, world: World, *, is_cold: bool) -> float:
    doing = step(page, round_, world)
    next(doing)
    drawn(page)
    if is_cold:
        world.publish_again()
    began = time.perf_counter()
    next(doing, None)
    drawn(page)
    took = time.perf_counter() - began
    for _ in doing:
        pass
    return took


def _print(name: str, cold: list[float], warm: list[float], points: int) -> None:
    legend = [f"{np.median(times):.2f} s, {np.quantile(times, 0.95):.2f} s" for times in (cold, warm)]
    print(f"| {name} | {legend[0]} | {legend[1]} | {f'{points:,}' if points else ''} |", flush=True)


def _first_view(browser: Browser, folder: Path) -> tuple[float, float]:
    """Seconds until the overview is drawn: on a server that has just started by a browser without its files, again."""
    found = []
    with serve(folder, free_port()) as address, _page(browser) as page:
        for _ in range(2):
            page.goto("about:blank")
            began = time.perf_counter()
            page.goto(address)
            appears(page, *_LAST_OF_OVERVIEW)
            drawn(page)
            found.append(time.perf_counter() - began)
    return found[0], found[1]


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 1100})
    context.set_default_timeout(120_000)
    yield context.new_page()
    context.close()


if __name__ == "__main__":
    main()
