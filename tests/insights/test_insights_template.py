"""The narrator without a model: good names, every number a fact, the same text each time."""

import json
import re

import pandas as pd
import pyarrow as pa
import pytest

from beha2vec_core.insights import LlmSettings, template, write_insights
from beha2vec_core.insights.names import cluster_names, distinct_name
from beha2vec_core.insights.placeholders import PLACEHOLDER, fill, written
from beha2vec_core.insights.sheet import Fact, fact_sheets
from beha2vec_core.insights.template.advice import advice
from beha2vec_core.insights.template.clauses import clause
from beha2vec_core.insights.wording import happening, statement
from beha2vec_core.profiles import ProfileSources, build_profiles
from beha2vec_core.profiles.statistics import cohens_h
from beha2vec_core.store.tables import as_table
from beha2vec_core.words import number
from tests.profiles.profile_world import SITE, facts_of_the_shop, make_world


@pytest.fixture(scope="module")
def profiles() -> pd.DataFrame:
    return facts_of_the_shop()


@pytest.fixture(scope="module")
def table(profiles) -> pa.Table:
    return write_insights(profiles, progress=False)[0]


def test_a_row_a_cluster_and_one_comparison(table) -> None:
    assert table.schema == as_table("beha2vec.cluster_insights", []).schema
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


def test_every_number_of_a_draft_is_that_of_a_fact(profiles) -> None:
    sheets = fact_sheets(profiles)
    names = cluster_names(sheets)
    ids = set(profiles["fact_id"])
    drafts = [template.describe(sheet, names[sheet.cluster_key]) for sheet in sheets]
    for draft in [*drafts, template.compare(sheets, names)]:
        text = json.dumps(draft.model_dump(exclude={"name", "evidence"}), ensure_ascii=False)
        assert {fact_id for fact_id, _ in PLACEHOLDER.findall(text)} <= set(draft.evidence) <= ids
        prose = PLACEHOLDER.sub("", text)
        for feature in sorted(profiles["feature"].dropna().unique(), key=len, reverse=True):
            prose = prose.replace(feature, "")
        assert not re.search(r"\d", prose), "no number is written out"


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
        assert "by a template" in row["summary"] and "Confidence" in row["summary"] and "Next step" in row["summary"]
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
    assert all("do not distinguish the group from" in row["caveats"] for row in rows[:-1])


def test_twins_say_that_they_cannot_be_distinguished(profiles) -> None:
    twin = profiles[profiles["cluster_key"] == 1].assign(
        cluster_key=7, fact_id=lambda facts: facts["fact_id"].str.replace("c1.", "c7.")
    )
    rows = write_insights(pd.concat([profiles, twin]), progress=False)[0].to_pylist()
    by_key = {row["cluster_key"]: row for row in rows}
    assert f"do not distinguish the group from {by_key[7]['name']}" in by_key[1]["caveats"]
    assert f"do not distinguish the group from {by_key[1]['name']}" in by_key[7]["caveats"]
    assert "told apart" not in by_key[0]["caveats"]


def test_users_of_whom_too_little_is_known_are_no_group(profiles) -> None:
    unknown = profiles[profiles["cluster_key"] == 3].assign(
        cluster_key=-1, fact_id=lambda facts: facts["fact_id"].str.replace("c3.", "c-1.")
    )
    rows = write_insights(pd.concat([unknown, profiles]), progress=False)[0].to_pylist()
    alone = write_insights(profiles, progress=False)[0].to_pylist()
    assert rows[0]["cluster_key"] == -1 and rows[0]["name"] == "Too little seen yet"
    assert "too few events" in rows[0]["summary"] and "all users" in rows[0]["summary"]
    assert "unusual" not in rows[0]["summary"] and "not a group" in rows[0]["caveats"]
    assert "Too little" not in rows[-1]["key_differences"] + rows[-1]["opportunities"]
    assert [row["name"] for row in rows[1:-1]] == [row["name"] for row in alone[:-1]]  # not disturbed by it


@pytest.mark.slow
def test_users_without_engagement_are_called_out() -> None:
    world = make_world()
    world.execute("update dim_ga4__users set engagement_time_msec = null where user_key like 'u0-%'")
    row = write_insights(build_profiles(world), progress=False)[0].to_pylist()[0]
    assert row["name"].startswith("Unengaged")
    assert "Some may be bots" in row["summary"]
    assert "bots" in row["actions"][0] and "100% of them have no engagement time" in row["actions"][0]


@pytest.mark.slow
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
        (1234.5, "USD", "1,234.50 USD"),
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
    assert statement("device_share", "mobile") == "of users were on a phone"
    assert statement("some_new_metric", "x") == "some new metric x"


# --- names --------------------------------------------------------------------------------------------------------


def share(key: int, metric: str, value: float, everybody: float, feature: str | None = None, **more: object) -> dict:
    """A row of cluster_profiles: a share that is significant."""
    part = metric.removesuffix("_share").removesuffix("_rate")
    return {
        "cluster_key": key, "fact_id": f"c{key}.{part}" + (f".{feature}" if feature else ""), "metric": metric,
        "feature": feature, "value": value, "population_value": everybody, "lift": value / everybody, "z": 9.0,
        "interval_low": value - 0.02, "interval_high": value + 0.02, "support": 200, "unit": "share",
        "effect_size": cohens_h(value, everybody).item(), "q_value": 0.0001, "significant": True,
    } | more  # fmt: skip


def named(*rows: dict, users: tuple[int, ...] = (300, 300, 300)) -> list[str]:
    """The names of clusters of so many users."""
    sizes = [
        share(key, "users", n, sum(users), unit="users", z=None, effect_size=None, q_value=None, significant=None)
        for key, n in enumerate(users)
    ]
    return list(cluster_names(fact_sheets(pd.DataFrame([*sizes, *rows]).astype({"feature": object}))).values())


def test_a_name_is_of_a_fact_that_distinguishes_the_cluster() -> None:
    """The medium of one source is over, yet as many came by referral as elsewhere; and every cluster is thorough."""
    rows = [
        share(0, "first_user_source_share", 0.2, 0.1, "mall.example / referral"),
        *(share(key, "first_user_medium_share", 0.55, 0.5, "referral", significant=False) for key in range(3)),
        *(share(key, "page_views_mean", 9.0, 4.0, unit="page views", effect_size=0.6) for key in range(3)),
    ]
    assert named(*rows) == ["Visitors of cluster 0", "Visitors of cluster 1", "Visitors of cluster 2"]
    more = share(1, "first_user_medium_share", 0.9, 0.5, "email")
    others = [share(key, "first_user_medium_share", 0.3, 0.5, "email") for key in (0, 2)]
    assert named(*rows, more, *others)[1] == "Email visitors"


@pytest.mark.parametrize(("bought", "is_buyers"), [(0.12, False), (0.48, False), (0.62, True)])
def test_buyers_are_called_who_mostly_bought(bought: float, is_buyers: bool) -> None:
    rows = [share(0, "purchase_rate", bought, 0.04), share(1, "purchase_rate", 0.01, 0.04, significant=False)]
    assert ("buyers" in named(*rows)[0].lower()) == is_buyers


def test_what_users_do_names_them_before_where_they_come_from() -> None:
    """Of shares that are less than half none says "buyers", and yet it says more than a device that all use."""
    device = [share(0, "device_share", 0.8, 0.6, "desktop"), share(1, "device_share", 0.4, 0.6, "desktop")]
    bought = [share(0, "purchase_rate", 0.15, 0.02), share(1, "purchase_rate", 0.01, 0.02, significant=False)]
    cart = [share(0, "reached_cart_share", 0.43, 0.1), share(1, "reached_cart_share", 0.05, 0.1, significant=False)]
    checkout = share(0, "page_type_view_share", 0.6, 0.1, "checkout")
    seekers = [
        share(0, "page_type_view_share", 0.6, 0.1, "search"),
        share(1, "page_type_view_share", 0.05, 0.1, "search"),
    ]
    assert named(*device)[0] == "Desktop visitors"
    assert named(*device, *cart)[0] == "Cart-led visitors"
    assert named(*device, *cart, *bought, checkout)[0] == "Purchase-led visitors"
    assert named(*device, *bought, *seekers)[0] == "Purchase-led searchers"


def test_a_small_difference_makes_no_name() -> None:
    rows = [
        share(0, "page_type_view_share", 0.24, 0.16, "article"),
        share(1, "page_type_view_share", 0.12, 0.16, "article"),
    ]
    assert fact_sheets(pd.DataFrame(rows))[0].facts[0].is_over
    assert named(*rows)[0] == "Visitors of cluster 0"
    rows[0] |= share(0, "page_type_view_share", 0.6, 0.16, "article")
    assert named(*rows)[0] == "Article readers"


# --- what a sentence says -----------------------------------------------------------------------------------------


def test_a_cart_that_is_reached_is_not_one_that_is_filled() -> None:
    world = make_world()
    buyers = "select user_key from fct_ga4__funnel_sessions where furthest_step = 6 and user_key like 'u1-%'"
    world.execute(f"delete from ml_ga4__sequence_events where event_name = 'add_to_cart' and user_key in ({buyers})")
    facts = build_profiles(world).set_index("fact_id")["value"]
    row = write_insights(build_profiles(world), progress=False)[0].to_pylist()[1]
    put, reached = (number(facts[f"c1.{metric}"], "share") for metric in ("add_to_cart_share", "reached_cart_share"))
    assert put != reached
    assert f"{reached} of them reached at least the cart" in row["summary"]
    assert f"{put} of them put something into the cart" in row["differences"]
    assert f"{reached} of them put something" not in str(row)


def test_money_is_written_with_its_currency() -> None:
    for sheet in fact_sheets(facts_of_the_shop()):
        spent = sheet.number("revenue_mean")
        assert spent is not None
        assert fill(happening("revenue_mean", None).format(written(spent)), sheet.by_id).startswith("they spend ")
        assert re.search(
            r"spend \d+\.\d\d EUR each", fill(happening("revenue_mean", None).format(written(spent)), sheet.by_id)
        )
        assert re.fullmatch(r"\d+\.\d\d EUR of revenue per user \(all users \d+\.\d\d EUR\)", spent.sentence)


def test_one_is_singular_and_a_range_of_one_number_has_one_end() -> None:
    one = Fact("c1.sessions_mean", "sessions_mean", "sessions", 1.0, 2.0, 10)
    facts = {one.fact_id: one, "c2.x": Fact("c2.x", "return_share", "share", 1.0, 0.999, 10)}
    facts["c3.x"] = Fact("c3.x", "return_share", "share", 1.0, 0.0002, 10)
    assert fill("they have {c1.sessions_mean} sessions each", facts) == "they have 1 session each"
    assert fill("{c1.sessions_mean|all} sessions, {c1.sessions_mean} page views", facts) == "2 sessions, 1 page view"
    assert fill("{c2.x} to {c3.x} of users", facts) == "100% of users"
    assert fill("{c2.x} to {c2.x|all} of users", facts) == "100% to 99.9% of users"
    assert one.sentence == "1 session per user (all users 2)"
    rare = Fact("c1.y", "page_type_view_share", "share", 0.0003, 0.2, 10, "search", lift=0.0015, z=-9, effect_size=-0.9)
    assert rare.is_under and fill(clause(rare), {"c1.y": rare}) == (
        "search pages take less than 0.1% of their page views (all users 20%)"
    )


def test_template_code_of_the_site_is_in_no_sentence(profiles) -> None:
    page, bags = f"{SITE}/help/returns", profiles["feature"].eq("backpack")
    changed = profiles.assign(feature=profiles["feature"].where(~bags, "$(escCatTitle)"))
    titles = {page: "{{ page.title }} | Shop", f"{SITE}/deals": "100% cotton {sale}"}
    rows = write_insights(changed, page_titles=titles, progress=False)[0].to_pylist()
    assert "escCatTitle" not in str(rows) and "page.title" not in str(rows)
    assert page in rows[2]["differences"]  # by its address
    sheets = fact_sheets(changed, titles)
    assert any(fact.title == "100% cotton (sale)" for sheet in sheets for fact in sheet.facts)


def test_what_may_be_chance_is_said_to_be_and_is_no_difference() -> None:
    rows = [
        share(0, "page_type_view_share", 0.6, 0.1, "article"), share(0, "return_share", 0.1, 0.3, significant=False),
        share(0, "purchase_rate", 0.0, 0.025, significant=False), share(0, "reached_cart_share", 0.3, 0.1),
        share(0, "sessions_mean", 1.0, 1.0, unit="sessions", significant=False),
    ]  # fmt: skip
    (sheet,) = fact_sheets(pd.DataFrame(rows))
    draft = template.describe(sheet, "a name")
    summary, differences = fill(draft.summary, sheet.by_id), fill(draft.differences, sheet.by_id)
    assert "(all users 10%) and none bought (all users 2.5%; may be chance)." in summary
    assert "Article pages" in differences and "reached at least the cart" in differences
    assert "bought" not in differences and "came back" not in differences and "session" not in differences


def test_a_return_counts_visits_before_the_export() -> None:
    rows = [share(0, "one_page_view_share", 0.8, 0.5), share(0, "return_share", 0.3, 0.6)]
    sheet = fact_sheets(pd.DataFrame(rows))[0]
    said = [fill(clause(fact), sheet.by_id) for fact in sheet.facts]
    assert (
        said[1] == "only 30% of them came back for another session, counting visits before the export (all users 60%)"
    )


def test_a_typical_user_has_what_most_have_or_what_is_most_common_is_said_to_be_that() -> None:
    rows = [
        share(0, "first_user_source_share", 0.46, 0.5, "(direct) / (none)", fact_id="c0.direct"),
        share(0, "device_share", 0.7, 0.6, "desktop"),
        share(0, "country_share", 0.31, 0.45, "United States", fact_id="c0.usa"),
        share(1, "country_share", 0.8, 0.45, "Austria"),
        share(1, "first_user_source_share", 0.6, 0.1, "news / email", fact_id="c1.news"),
    ]  # fmt: skip
    personas = [fill(template.describe(one, "a").persona, one.by_id) for one in fact_sheets(pd.DataFrame(rows))]
    assert personas == [
        "A typical user most often first came by a direct visit (46%, all users 50%); uses a desktop computer (70%, "
        "all users 60%); most often is in the United States (31%, all users 45%).",
        "A typical user first came from news / email (60%, all users 10%); is in Austria (80%, all users 45%).",
    ]


# --- advice -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_advice_on_carts_and_orders_where_there_are_none() -> None:
    world = make_world()  # a site of articles and help: its pages look like carts, and nobody ever filled one
    world.execute("delete from ml_ga4__sequence_events where event_name <> 'page_view'")
    for table in ("fct_ga4__funnel_sessions", "fct_ga4__purchases", "stg_ga4__event_items"):
        world.execute(f"delete from {table}")
    world.execute("update dim_ga4__users set purchases = 0, revenue = 0, currency = null")
    for row in write_insights(build_profiles(world), progress=False)[0].to_pylist():
        said = " ".join([*row["actions"], row["opportunities"] or ""]).replace("shop.example.com/cart", "").lower()
        assert not re.search(r"\b(cart|order|orders|bought|buy|margin|best sellers)\b", said), said


def test_who_fills_no_cart_is_not_asked_about_it() -> None:
    rows = [
        share(0, "page_type_share", 0.9, 0.1, "cart"), share(0, "purchase_rate", 0.001, 0.01, significant=False),
        share(0, "add_to_cart_share", 0.0001, 0.3, significant=True),
    ]  # fmt: skip
    (sheet,) = fact_sheets(pd.DataFrame(rows))
    assert not any("cart" in text for text, _ in advice(sheet))


# --- one cluster, and how many there are --------------------------------------------------------------------------


def test_users_in_one_cluster_are_said_to_be_undivided() -> None:
    world = make_world()
    world.execute("""create view few as
        select user_key, case when cluster_key = 3 then -1 else 0 end as cluster_key from users_in_clusters""")
    facts = build_profiles(world, ProfileSources(users_in_clusters="few"))
    why = "k = 1: 130 users with enough events are fewer than the 200 that clusters need"
    rows = write_insights(facts, why=why, progress=False)[0].to_pylist()
    assert [row["cluster_key"] for row in rows] == [-1, 0, None]
    assert "not divided into clusters" in rows[1]["summary"] and "130 users with enough" in rows[1]["summary"]
    assert "k = 1" not in rows[1]["summary"].lower()
    assert "What is unusual" not in rows[1]["summary"] and "page views each" in rows[1]["summary"]
    assert "stands apart" not in rows[-1]["similarities"] and "nothing to compare" in rows[-1]["similarities"]
    assert "1 clusters" not in str(rows) and rows[1]["name"] == "All visitors together"


def test_the_users_of_too_little_evidence_are_not_counted_as_a_cluster(profiles) -> None:
    unknown = profiles[profiles["cluster_key"] == 3].assign(
        cluster_key=-1, fact_id=lambda facts: facts["fact_id"].str.replace("c3.", "c-1.")
    )
    rows = write_insights(pd.concat([unknown, profiles]), progress=False)[0].to_pylist()
    assert rows[-1]["summary"].startswith("4 clusters compared")


def predicted_profiles(probability: float, *, tested: bool = True) -> pd.DataFrame:
    world = make_world()
    world.execute(
        f"""create temp table scores as select user_key, 'purchase' as target, 28 as horizon, {tested} as is_tested,
        {probability} as probability from users_in_clusters"""
    )
    return build_profiles(world, ProfileSources(predictions="scores"))


def test_a_summary_says_how_many_are_expected_to_buy() -> None:
    profiles = predicted_profiles(0.1)
    for row, sheet in zip(write_insights(profiles, progress=False)[0].to_pylist(), fact_sheets(profiles), strict=False):
        (fact,) = sheet.features("expected_buyers")
        assert fact.interval_low is not None and fact.interval_high is not None
        ends = f"{fact.interval_low:,.0f} to {fact.interval_high:,.0f}"
        assert f"We expect {0.1 * sheet.users:,.0f} of them to buy in the next four weeks ({ends})." in row["summary"]
        assert fact.fact_id in row["evidence"] and fact.fact_id in row["draft"]
        draft = template.describe(sheet, "a name").summary
        assert not re.search(r"\d", PLACEHOLDER.sub("", draft)), "no number is written out"


def test_a_summary_says_where_its_prediction_was_not_tested() -> None:
    for row in write_insights(predicted_profiles(0.1, tested=False), progress=False)[0].to_pylist()[:-1]:
        assert "to buy in the next four weeks (not tested) (" in row["summary"]


def test_a_site_that_sells_nothing_has_no_expected_buyers_in_words() -> None:
    for row in write_insights(predicted_profiles(0.0), progress=False)[0].to_pylist():
        assert "We expect" not in row["summary"]
