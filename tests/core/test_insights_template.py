"""The narrator without a model: good names, every number a fact, the same text each time."""

import json

import pandas as pd
import pyarrow as pa
import pytest
from profile_world import SITE, make_world

from beha2vec_core.insights import INSIGHTS_SCHEMA, LlmSettings, template, write_insights
from beha2vec_core.insights.names import cluster_names, distinct_name
from beha2vec_core.insights.sheet import fact_sheets
from beha2vec_core.insights.verify import review
from beha2vec_core.insights.wording import number, statement
from beha2vec_core.profiles import ProfileSources, build_profiles


@pytest.fixture(scope="module")
def profiles() -> pd.DataFrame:
    return build_profiles(make_world())


@pytest.fixture(scope="module")
def table(profiles) -> pa.Table:
    return write_insights(profiles, progress=False)[0]


def test_a_row_a_cluster_and_one_comparison(table) -> None:
    assert table.schema == INSIGHTS_SCHEMA
    assert table["cluster_key"].to_pylist() == [0, 1, 2, 3, None]
    assert set(table["written_by"].to_pylist()) == {"template"}
    rows = table.to_pylist()
    assert all(row["similarities"] is None and row["key_differences"] is None for row in rows[:-1])
    assert rows[-1]["similarities"] and rows[-1]["key_differences"]


def test_names_say_what_was_planted(table) -> None:
    names = [name.lower() for name in table["name"].to_pylist()[:-1]]
    assert "deals" in names[0] or "category" in names[0]
    assert "buyers" in names[1]
    assert "help seekers" in names[2]
    assert "article readers" in names[3]
    assert len(set(names)) == 4
    assert all(len(name.split()) <= 4 for name in names)


def test_its_drafts_pass_the_check_of_a_language_model(profiles) -> None:
    """Every number a placeholder, every word for a direction true; its advice needs no fact."""
    sheets = fact_sheets(profiles)
    names = cluster_names(sheets)
    for sheet in sheets:
        draft = template.describe(sheet, names[sheet.cluster_key])
        checked = review(draft, sheet.facts, clusters={sheet.cluster_key: ""})
        assert checked.problems == []
        advice = " ".join(draft.actions)
        assert all(one.startswith("What to do next") or one in advice for one in checked.dropped)
        assert checked.text is not None and set(checked.text.evidence) <= set(profiles["fact_id"])
    everything = [fact for sheet in sheets for fact in sheet.facts]
    checked = review(template.compare(sheets, names), everything, clusters=names)
    assert (checked.problems, checked.dropped) == ([], [])


def test_a_summary_says_how_they_come_how_far_they_go_and_what_they_do_not_do(table) -> None:
    summaries = table["summary"].to_pylist()
    assert "from one category page to the next" in summaries[0]
    assert "have news / email as first user source" in summaries[0]
    for step in ("reached at least the cart (all users ", "at least the checkout (", "bought ("):
        assert step in summaries[1]
    assert "met an error page" in summaries[2] and "Only 2.5% of them reached at least the cart" in summaries[2]
    assert "None of them reached at least the cart" in summaries[3] and "and none bought" in summaries[3]
    assert all("take none of their page views" in one for one in summaries[:-1])
    assert all(len(one.split()) < 160 for one in summaries)


def test_a_sure_but_small_difference_is_not_called_unusual(profiles) -> None:
    sure = profiles["metric"].eq("purchase_rate") & profiles["cluster_key"].eq(1)
    for effect, is_told in ((0.8, True), (0.1, False)):
        changed = profiles.assign(effect_size=profiles["effect_size"].where(~sure, effect))
        assert fact_sheets(changed)[1].number("purchase_rate").is_over == is_told
    not_significant = profiles.assign(significant=profiles["significant"].where(~sure, False))
    assert fact_sheets(not_significant)[1].number("purchase_rate").direction == 0


def test_numbers_stand_beside_the_populations_and_the_text_says_it_is_a_template(table) -> None:
    for row in table.to_pylist()[:-1]:
        assert row["summary"].count("all users") >= 3 and "{" not in row["summary"]
        assert (
            "by a template" in row["summary"] and "How sure" in row["summary"] and "What to do next" in row["summary"]
        )
        assert "standard error" not in row["summary"] and "not a cause" in row["caveats"]
        assert row["differences"].count("all users") >= 4
    last = table.to_pylist()[-1]
    assert "by a template" in last["key_differences"] and "because" in last["opportunities"]


def test_actions_answer_what_is_unusual(table) -> None:
    actions = [" ".join(actions) for actions in table["actions"].to_pylist()]
    assert "look-alike" in actions[1]
    assert "pages that fail" in actions[2] and "Answer their question" in actions[2]
    assert "next step" in actions[3]


def test_the_same_facts_give_the_same_text(profiles, table) -> None:
    shuffled = profiles.sample(frac=1, random_state=3).sort_values("cluster_key", kind="stable")
    assert write_insights(shuffled, progress=False)[0].equals(table)


def test_page_titles_are_used_and_cleaned(profiles) -> None:
    titles = {f"{SITE}/help/returns": "Returns\x00 in 14 days\u202e"}
    row = write_insights(profiles, page_titles=titles, progress=False)[0].to_pylist()[2]
    assert "“Returns in 14 days”" in row["differences"]
    sheet = fact_sheets(profiles, titles)[2]
    checked = review(template.describe(sheet, "Help seekers"), sheet.facts, clusters={2: ""})
    assert checked.problems == []  # the 14 of the title is no claim


def test_clusters_that_do_not_differ_are_not_talked_up() -> None:
    world = make_world()
    world.execute("""create temp view shuffled as
        select user_key, (hash(user_key) % 3)::int as cluster_key from users_in_clusters""")
    rows = write_insights(build_profiles(world, ProfileSources(users_in_clusters="shuffled")), progress=False)[
        0
    ].to_pylist()
    assert sum("Nothing sets these users clearly apart" in row["summary"] for row in rows[:-1]) >= 2
    names = [row["name"].lower() for row in rows]
    assert len(set(names)) == len(names)
    assert any("Build no campaign" in " ".join(row["actions"]) for row in rows)
    assert all("cannot be told apart from" in row["caveats"] for row in rows[:-1])


def test_twins_say_that_they_cannot_be_told_apart(profiles) -> None:
    twin = profiles[profiles["cluster_key"] == 1].assign(
        cluster_key=7, fact_id=lambda facts: facts["fact_id"].str.replace("c1.", "c7.")
    )
    rows = write_insights(pd.concat([profiles, twin]), progress=False)[0].to_pylist()
    by_key = {row["cluster_key"]: row for row in rows}
    assert f"cannot be told apart from {by_key[7]['name']}" in by_key[1]["caveats"]
    assert f"cannot be told apart from {by_key[1]['name']}" in by_key[7]["caveats"]
    assert "told apart" not in by_key[0]["caveats"]


def test_users_of_whom_too_little_is_known_are_no_group(profiles) -> None:
    unknown = profiles[profiles["cluster_key"] == 3].assign(
        cluster_key=-1, fact_id=lambda facts: facts["fact_id"].str.replace("c3.", "c-1.")
    )
    rows = write_insights(pd.concat([unknown, profiles]), progress=False)[0].to_pylist()
    alone = write_insights(profiles, progress=False)[0].to_pylist()
    assert rows[0]["cluster_key"] == -1 and rows[0]["name"] == "Too little seen yet"
    assert "too little was seen" in rows[0]["summary"] and "all users" in rows[0]["summary"]
    assert "unusual" not in rows[0]["summary"] and "not a group" in rows[0]["caveats"]
    assert "Too little" not in rows[-1]["key_differences"] + rows[-1]["opportunities"]
    assert [row["name"] for row in rows[1:-1]] == [row["name"] for row in alone[:-1]]  # not disturbed by it


def test_users_without_engagement_are_called_out() -> None:
    world = make_world()
    world.execute("update dim_ga4__users set engagement_time_msec = null where user_key like 'u0-%'")
    row = write_insights(build_profiles(world), progress=False)[0].to_pylist()[0]
    assert row["name"].startswith("Unengaged")
    assert "Some may be bots" in row["summary"]
    assert "bots" in row["actions"][0] and "100% of them have no engagement time" in row["actions"][0]


def test_a_group_in_which_some_do_not_engage_says_so() -> None:
    world = make_world()
    world.execute(
        "update dim_ga4__users set engagement_time_msec = 0 where user_key like 'u0-%' and user_key < 'u0-19'"
    )
    row = write_insights(build_profiles(world), progress=False)[0].to_pylist()[0]
    assert row["name"].startswith("Partly unengaged")
    assert "Some may be bots" in row["summary"] and "may be mixed here" in row["caveats"]


def test_names_are_made_distinct_to_the_end() -> None:
    assert distinct_name(3, ["Product viewers"], {"product Viewers"}) == "Viewers, cluster 3"
    assert distinct_name(3, ["A b", "C d"], {"a B"}) == "C d"


def test_twins_get_different_names(profiles) -> None:
    twin = profiles[profiles["cluster_key"] == 1].assign(
        cluster_key=7, fact_id=lambda facts: facts["fact_id"].str.replace("c1.", "c7.")
    )
    names = cluster_names(fact_sheets(pd.concat([profiles, twin])))
    assert len({name.lower() for name in names.values()}) == 5


def test_settings_without_address_or_key_mean_the_template(profiles, table) -> None:
    written, usage = write_insights(profiles, llm=LlmSettings(), progress=False)
    assert written.equals(table)
    assert usage["model"] is None and usage["requests"] == 0 and usage["written_by_template"] == 5
    json.dumps(usage)  # fit for asset metadata


def test_no_facts_is_an_error(profiles) -> None:
    with pytest.raises(ValueError, match="materialize it first"):
        write_insights(profiles.iloc[:0], progress=False)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.1234, "share", "12%"),
        (0.0412, "share", "4.1%"),
        (0.0996, "share", "10%"),
        (0.0, "share", "0%"),
        (1204.0, "users", "1,204"),
        (3.0, "page views", "3"),
        (0.031, "page views", "0.03"),
        (3.26, "sessions", "3.3"),
        (9.108, "currency", "9.11 (currency unknown)"),
        (24.5, "EUR", "24.50 EUR"),
        (1234.5, "USD", "1,234 USD"),
        (0.0004, "share", "less than 0.1%"),
        (0.9996, "share", "more than 99.9%"),
        (0.996, "share", "99.6%"),
        (1.0, "share", "100%"),
        (0.001, "page views", "less than 0.01"),
    ],
)
def test_numbers_are_written_one_way(value: float, unit: str, shown: str) -> None:
    assert number(value, unit) == shown


def test_statements() -> None:
    assert statement("theme_share", "bags_and_luggage") == "of users viewed pages about bags and luggage"
    assert statement("path_step_share", "product → cart") == "of users went from product to cart pages within a session"
    assert statement("path_step_share", "article_list → article_list").startswith("of users went from one article list")
    assert statement("path_step_share", "[of]") == "of users went [of] within a session"
    assert statement("device_share", "mobile") == "of users last used a phone"
    assert statement("some_new_metric", "x") == "some new metric x"
