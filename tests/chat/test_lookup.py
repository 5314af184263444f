"""Answers without a language model: what is understood, what it stands on, and what is honestly not known."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest

from beha2vec_core.chat.conversation import Conversation
from beha2vec_core.chat.data.database import NotInData
from beha2vec_core.chat.data.funnels import FUNNEL_SQL
from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.published import Published
from beha2vec_core.chat.data.sql import SqlLimits, run_sql
from beha2vec_core.chat.events import BY_LOOKUP, Answer
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.chat.model.tools import Toolbox
from beha2vec_core.chat.terminal import answer_once
from beha2vec_core.predictions.wording import NONE_YET
from tests.chat.chat_world import DEVICE, LOGIN, OTHER, USER, make_serving
from tests.helpers.publications import published_anew


@pytest.fixture(scope="module")
def lookup(serving: Path) -> Lookup:
    return Lookup(Published(serving), Aliases(serving))


QUESTIONS = [  # (question, words of the answer, facts it stands on)
    ("which clusters are there?", ["805 users in 5 clusters", "300 users, 37%"], ["c0.users", "c4.users"]),
    (
        "Build a buyer persona for cluster 1",
        ["62% of users bought", "Persona:", "Next steps:"],
        ["c1.purchase_rate"],
    ),
    ("tell me about apparel buyers", ["Cluster 1: Apparel buyers"], ["c1.users"]),
    ("What should I do for cluster 1?", ["next steps", "look-alike audience"], ["c1.purchase_rate"]),
    ("compare 1 and 0", ["62% and 1.7% of users bought"], ["c1.purchase_rate", "c0.purchase_rate"]),
    ("What distinguishes the Apparel buyers from everybody else?", ["Cluster 1: Apparel buyers"], ["c1.users"]),
    ("what stands out about cluster 1", ["Cluster 1: Apparel buyers"], ["c1.users"]),
    ("how does cluster 0 differ from cluster 3?", ["68% and", "category pages"], ["c0.page_type_views.category"]),
    ("which cluster buys most?", ["62% (55%", "the ranking may be due to chance"], ["c1.purchase_rate"]),
    ("which cluster buys least?", ["of users bought"], ["c3.purchase_rate"]),
    ("Who are our most loyal visitors?", ["came back for another session"], ["c1.return_share"]),
    ("which clusters meet errors?", ["met an error page"], ["c2.error_page_user_share"]),
    ("which cluster uses mobile most?", ["were on a phone", "cluster 0"], ["c0.device.mobile"]),
    ("errors in cluster 2", ["met an error page"], ["c2.error_page_user_share"]),
    ("channels of cluster 0", ["news / email"], []),
    ("which cluster reads about travel most?", ["about travel", "cluster 3"], ["c3.theme_views.travel"]),
    ("how many users are in cluster 2?", ["160 users"], ["c2.users"]),
]


@pytest.mark.parametrize(("question", "words", "facts"), QUESTIONS)
def test_questions_are_answered_from_facts(lookup: Lookup, question: str, words: list[str], facts: list[str]) -> None:
    answer = lookup.ask(question)
    for word in words:
        assert word in answer.text, answer.text
    assert answer.understood and answer.facts
    assert set(facts) <= {fact.fact_id for fact in answer.facts}


@pytest.mark.parametrize(
    ("question", "horizon", "target"),
    [
        ("who is likely to buy next week?", 7, "purchase"),
        ("Who will buy in the next two weeks?", 14, "purchase"),
        ("which clusters are expected to place orders next month?", 28, "purchase"),
        ("which users do you expect to buy in the next 10 days", 7, "purchase"),
        ("who will come back within 14 days?", 14, "return"),
        ("who is likely to add to cart?", 28, "add_to_cart"),
        ("Who will be adding something to their cart tomorrow?", 7, "add_to_cart"),
        ("who is likely to order in the next six weeks", 28, "purchase"),
        ("who is going to spend money in a 14-day window?", 14, "purchase"),
    ],
)
def test_predictions(lookup: Lookup, serving: Path, question: str, horizon: int, target: str) -> None:
    answer = lookup.ask(question)
    assert answer.understood and f" within {horizon} days: " in answer.text
    with duckdb.connect(str(serving), read_only=True) as connection:
        ((users, expected, best),) = connection.execute(
            """select users, expected, (select arg_max(user_key, probability) from beha2vec.user_predictions_current
                where target = $1 and horizon = $2)
            from beha2vec.cluster_predictions where cluster_key = 1 and target = $1 and horizon = $2""",
            [target, horizon],
        ).fetchall()
    assert f": {expected:,.0f} of {users} users (" in answer.text
    lines = answer.text.splitlines()
    by_cluster = lines.index("By cluster:") + 1
    assert lines[by_cluster].startswith("  - cluster 1,"), "the cluster with the largest number comes first"
    assert "As of 31 Jan 2026." in answer.text
    listed = next((place for place, line in enumerate(lines) if "with the highest probability" in line), None)
    assert (listed is None) == question.startswith("which clusters")
    if listed is not None:
        assert best in lines[listed + 1] and best == USER and "does not mean that contacting" in answer.text
    assert (" EUR" in answer.text) == (target == "purchase")
    for statement in answer.statements:
        assert run_sql(serving, statement).rows, "the source can be run as it is shown"


def test_buyers_to_come_are_given_by_country_and_in_place_of_orders(lookup: Lookup) -> None:
    whole = lookup.ask("how many users will buy in the next 7 days?").text.split("\n")[0]
    by_country = lookup.ask("and which countries are they from?")
    assert by_country.text.split(":")[0] == whole.split(":")[0]
    assert "By country of the latest visit:" in by_country.text
    orders = lookup.ask("how many orders can i expect over the next week?")
    assert orders.text.startswith("Orders are not predicted") and whole in orders.text.split("\n")


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("how many users will buy in the next 7 days?", "Expected to buy within 7 days: "),
        ("how much revenue can we expect in the next 2 weeks", "Expected revenue within 14 days: "),
        ("how many users will churn in the next 7 days?", "Not expected to come back within 7 days: "),
        ("how much revenue can we expect next year", "Your data cannot answer this: predictions exist for the next 7"),
        ("how many sessions can we expect next week", "I cannot answer this."),
    ],
)
def test_a_number_that_is_expected_comes_first_and_lists_no_users(lookup: Lookup, question: str, first: str) -> None:
    text = lookup.ask(question).text
    assert text.startswith(first) and USER not in text


def test_predictions_of_one_cluster_and_of_who_leaves(lookup: Lookup) -> None:
    text = lookup.ask("who of cluster 2 will buy?").text
    assert "cluster 2" in text and "cluster 1," not in text and USER not in text


@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("who is likely to churn in the next 7 days?", "lowest"),
        ("who won't come back next month?", "lowest"),
        ("who is unlikely to buy?", "lowest"),
        ("which users are least likely to place an order", "lowest"),
        ("who will not leave next week?", "highest"),
        ("who will buy at least once next month?", "highest"),
    ],
)
def test_the_least_likely_users_are_listed_where_they_are_asked_for(lookup: Lookup, question: str, order: str) -> None:
    text = lookup.ask(question).text
    assert f"Users with the {order} probability to " in text and (USER in text) == (order == "highest")
    assert text.startswith("Not expected to ") == (order == "lowest")
    numbers = [int(number) for number in re.findall(r"  - cluster \d.*?: (\d+) of ", text)]
    assert numbers == sorted(numbers, reverse=True), "the clusters are in the order of what is asked for"


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("how many travel article readers will come back in the next 14 days", 3),
        ("what is the probability that a typical apparel buyer buys in the next 7 days", 1),
        ("which apparel buyers are most likely to churn", 1),
    ],
)
def test_the_members_of_a_cluster_are_predicted_by_its_name(lookup: Lookup, question: str, key: int) -> None:
    answer = lookup.ask(question)
    clusters = re.findall(r"  - cluster (\d),", answer.text)
    assert clusters == [str(key)], answer.text
    assert ("%" in answer.text.split("\n")[0]) == ("probability" in question)


@pytest.mark.parametrize("question", ["sessions of the apparel buyers by device", "apparel buyers: sessions by device"])
def test_the_name_of_a_cluster_is_a_group_of_any_measure(lookup: Lookup, question: str) -> None:
    assert lookup.ask(question).text.startswith("Sessions in cluster 1: ")


@pytest.mark.parametrize(
    ("question", "which"),
    [
        ("which users who have bought before are likely to buy in the next 7 days", "> 0"),
        ("how many users will buy again in the next 7 days", "> 0"),
        ("who has never bought and will buy in the next 7 days", "= 0"),
        ("who will buy for the first time in the next 7 days", "= 0"),
    ],
)
def test_those_who_bought_before_are_predicted(lookup: Lookup, serving: Path, question: str, which: str) -> None:
    with duckdb.connect(str(serving), read_only=True) as connection:
        ((expected, users),) = connection.execute(
            f"""select sum(probability), count(*) from beha2vec.user_predictions_current
            join ga4.dim_ga4__users using (user_key) where target = 'purchase' and horizon = 7 and purchases {which}"""
        ).fetchall()
    before = "have bought" if which == "> 0" else "have never bought"
    assert f" {expected:,.0f} of {users} users who {before} before" in lookup.ask(question).text


@pytest.mark.parametrize(
    "question",
    [
        "which users who viewed socks are likely to buy",  # all users were the answer
        "which customers will return their orders",  # who comes back was the answer
        "which repeat customers are likely to churn",
    ],
)
def test_predictions_leave_no_condition_out(lookup: Lookup, question: str) -> None:
    assert not lookup.ask(question).understood


@pytest.mark.parametrize(
    ("question", "what"),
    [
        ("how reliable is the purchase prediction?", "buy within 28 days"),
        ("how good are the purchase predictions really, can I trust them", "buy within 28 days"),
        ("what is the accuracy of the churn predictions for 7 days", "come back within 7 days"),
        ("did the predictions come true", "buy within 28 days"),
    ],
)
def test_how_right_predictions_were_is_said(lookup: Lookup, question: str, what: str) -> None:
    text = lookup.ask(question).text
    assert text.startswith(f"How right the predictions of who will {what} were:") and "80% of all pairs" in text


def test_they_are_those_of_the_cluster_before(lookup: Lookup) -> None:
    lookup.ask("tell me about the travel article readers")
    assert "  - cluster 3, " in (text := lookup.ask("who is most likely to buy out of that group").text), text
    assert lookup.ask("can I trust that?").text.startswith("How right the predictions of who will buy ")
    lookup.ask("tell me about the travel article readers")
    assert lookup.ask("how do they differ from the apparel buyers").text.startswith("Cluster 3 (")
    assert lookup.ask("which cluster buys most?").text.startswith("All users: ")
    assert lookup.ask("what are they like?").text.startswith("Cluster 1: Apparel buyers")
    lookup.forget()
    assert not lookup.ask("what are they like?").understood


def test_a_prediction_goes_on_with_those_and_in_the_direction_that_it_was_of(lookup: Lookup) -> None:
    lookup.ask("how many users who have never bought will not come back in the next 7 days")
    text = lookup.ask("and in the next 28 days?").text
    assert text.startswith("Not expected to come back within 28 days: ") and "who have never bought before" in text
    by_country = lookup.ask("by country").text
    assert by_country.split("\n")[0] == text.split("\n")[0] and "By country of the latest visit:" in by_country
    text = lookup.ask("who are they?").text
    assert text.startswith("Not expected to come back within 28 days: ") and "who have never bought before" in text
    whole = lookup.ask("how many users of cluster 1 will buy in the next 7 days?").text.split("\n")[0]
    lookup.ask("can I trust that?")
    assert lookup.ask("and in the next 7 days?").text.split("\n")[0] == whole, "of the cluster"


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("top 20 users by purchase probability", 20),
        ("list the 3 users most likely to buy", 3),
        ("top 5 users likely to churn", 5),
        ("who is likely to buy next week?", 10),
    ],
)
def test_as_many_users_are_listed_as_asked_for(lookup: Lookup, question: str, shown: int) -> None:
    answer = lookup.ask(question)
    listed = answer.text.partition("Users with the ")[2].partition("\n\n")[0]
    assert answer.understood and listed.count("\n  - ") == shown, answer.text
    assert f"limit {shown}" in answer.statements[1]


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("tell me about the travel article readers", 3),
        ("who are the travel blog fans", 3),
        ("describe the apparel buyers segment", 1),
        ("tell me about the support seekers", 2),
    ],
)
def test_a_cluster_is_described_by_its_name_or_other_words_for_it(lookup: Lookup, question: str, key: int) -> None:
    assert lookup.ask(question).text.startswith(f"Cluster {key}: ")


@pytest.mark.parametrize("question", ["tell me about our buyers", "describe mobile users", "tell me about the readers"])
def test_people_who_are_no_cluster_are_not_described_as_one(lookup: Lookup, question: str) -> None:
    assert not lookup.ask(question).text.startswith("Cluster ")


def test_the_biggest_cluster_is_described(lookup: Lookup, tmp_path: Path) -> None:
    for question, key in (("describe the biggest segment", 0), ("persona of the smallest cluster", 4)):
        answer = lookup.ask(question)
        assert answer.text.startswith(f"Cluster {key}: ") and f"cluster is cluster {key}." in answer.text
        assert "left out" not in answer.text
    both = lookup.ask("compare the biggest cluster and cluster 1").text
    assert both.startswith("Cluster 0 (") and " and cluster 1 (" in both
    assert lookup.ask("Compare the two largest clusters").text.startswith("Cluster 0 (")
    path = make_serving(tmp_path / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        for table in ("user_clusters_current", "cluster_profiles", "cluster_insights"):
            connection.execute(f"update beha2vec.{table} set cluster_key = -1 where cluster_key = 0")
    text = Lookup(Published(path), Aliases(path)).ask("describe the biggest segment").text
    assert not text.startswith("Cluster -1") and "300 users with too few events are left out" in text


def test_questions_about_the_past_are_not_predicted(lookup: Lookup) -> None:
    for question in ("which cluster buys most?", "what do users do before they buy?", "who came back?"):
        assert "within" not in lookup.ask(question).text.splitlines()[0], question


def test_what_is_not_predicted_is_not_answered(serving: Path, tmp_path: Path) -> None:
    path = tmp_path / "serving.duckdb"
    path.write_bytes(serving.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from beha2vec.user_predictions_current where target = 'return'")
    answer = Lookup(Published(path), Aliases(path)).ask("who will come back?").text
    assert "return is not predicted. Predicted: purchase, add_to_cart" in answer
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from beha2vec.user_predictions_current")
    answer = Lookup(Published(path), Aliases(path)).ask("who is likely to buy next week?").text
    assert answer == f"Your data cannot answer this: {NONE_YET}."


def test_the_longest_horizon_that_was_tested_is_shown_and_another_one_is_noted(serving: Path, tmp_path: Path) -> None:
    path = tmp_path / "serving.duckdb"
    path.write_bytes(serving.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from beha2vec.prediction_evaluation where horizon = 28")
    lookup, note = Lookup(Published(path), Aliases(path)), "Predictions for 28 days were not tested"
    shown, asked = (lookup.ask(f"who is likely to buy{when}?").text for when in ("", " in 28 days"))
    assert "within 14 days: " in shown and "not tested" not in shown
    assert "within 28 days: " in asked and note in asked
    box = Toolbox(path, Aliases(path), min_users=20, sql_limits=SqlLimits())
    shown, asked = (box.call("predictions", json.dumps({"days": days})).data for days in (None, 28))
    assert shown["within_days"] == 14 and note not in shown["note"] and note in asked["note"]


def test_a_model_gets_predictions_of_groups_only(serving: Path) -> None:
    box = Toolbox(serving, Aliases(serving), min_users=20, sql_limits=SqlLimits())
    found = box.call("predictions", '{"days": 6}')
    assert found.data["within_days"] == 7 and found.rows is not None and found.data["money"] == "Money is in EUR."
    assert found.rows.rows[0][0] == USER and "purchases so far" in found.rows.rows[0][-1]
    for private in (USER, "user_", "purchases so far", "0.15"):
        assert private not in found.message
    clusters = {row["cluster"]: row for row in found.data["clusters"]}
    assert set(clusters) == {0, 1, 2, 3}, "cluster 4 has five users"
    assert all(row["users"] % 20 == 0 for rows in ("clusters", "deciles", "all_users") for row in found.data[rows])
    with duckdb.connect(str(serving), read_only=True) as connection:
        anonymous = connection.execute(
            """select cluster_key, expected from anonymous.predictions_by_cluster_and_target_and_horizon
            where target = 'purchase' and horizon = 7"""
        ).fetchall()
    assert {key: row["expected"] for key, row in clusters.items()} == {key: round(one, 1) for key, one in anonymous}
    assert clusters[1]["expected"] > clusters[0]["expected"]
    wrong = box.call("predictions", '{"target": "refund"}')
    assert wrong.failed and "refund is not predicted. Predicted: " in wrong.message


def test_users_who_are_in_no_cluster_are_reported(tmp_path: Path) -> None:
    path = make_serving(tmp_path / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        views = connection.execute("select count(*) from ga4.fct_ga4__page_views").fetchall()[0][0]
        connection.execute(
            """insert into ga4.dim_ga4__users by name
            select 'only-first-visit-' || range as user_key, 1 as sessions, 0 as purchases from range(48)"""
        )
    lookup = Lookup(Published(path), Aliases(path))
    asked, text = lookup.ask("which clusters are there?").text, lookup.about_clusters.clusters(with_steps=True).text
    assert text.startswith(asked) and "with page views" not in asked, "the steps are shown by /clusters"
    assert "Total: 853 users" in text and f"{views:,} page views" in text
    assert "- Users with page views: 805 (48 users: only events without a page or not read" in text
    box = Toolbox(path, Aliases(path), min_users=20, sql_limits=SqlLimits())
    sent = box.call("list_clusters", "{}").data["all_users"]
    assert (sent["users"], sent["clusters"], sent["with_a_vector"]) == ("860", 5, "820"), "853 and 805"
    assert sent["page_views"] != f"{views:,}" and sent["money"] == "Money is in EUR."
    assert int(sent["page_views"].replace(",", "")) == pytest.approx(views, rel=0.05), "what 20 of 853 users view"
    lost = [loss for step in sent["steps"] for loss in step.get("lost", [])]
    assert lost == ["40 users: only events without a page or not read (session_start, first_visit ...)"]
    few = Toolbox(path, Aliases(path), min_users=50, sql_limits=SqlLimits())
    assert "fewer than 50 users: only events" in few.call("list_clusters", "{}").message, "no small group is sent"


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ("select 1", "Money is in EUR."),
        (
            "insert into ga4.dim_ga4__properties by name select 'b' as property_id, 'GBP' as reporting_currency",
            "several",
        ),
        ("update ga4.dim_ga4__properties set reporting_currency = null", "not known: see the column currency"),
        ("drop table ga4.dim_ga4__properties", ""),
    ],
)
def test_rows_of_money_say_their_currency(tmp_path: Path, change: str, note: str) -> None:
    path = make_serving(tmp_path / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(change)
    box = Toolbox(path, Aliases(path), min_users=20, sql_limits=SqlLimits())
    asked = "select cluster_key, {} as total from anonymous.users_by_cluster"
    answer = box.call("sql", json.dumps({"statement": asked.format("revenue")}))
    assert not answer.failed and answer.data["rows"]
    assert note in answer.note and answer.data.get("money", "") == answer.note and bool(answer.note) == bool(note)
    assert not box.call("sql", json.dumps({"statement": asked.format("sessions")})).note, "no money"
    chat = Conversation(None, path)
    shown: list[str] = []
    answer_once(chat, "/sql " + asked.format("revenue"), shown.append)
    assert note in "".join(shown) and "Total: 805 users" in chat._lookup.about_clusters.clusters().text


def test_facts_of_money_have_their_currency(tmp_path: Path) -> None:
    path = make_serving(tmp_path / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("update beha2vec.cluster_profiles set unit = 'EUR' where metric like 'revenue%'")
    answer = Lookup(Published(path), Aliases(path)).ask("compare clusters by revenue").text
    assert re.search(r"All users: [\d.,]+ EUR of revenue per user", answer), answer
    box = Toolbox(path, Aliases(path), min_users=20, sql_limits=SqlLimits())
    facts = box.call("cluster_facts", '{"cluster": 1, "search": "revenue"}').data["facts"]
    assert all(fact["value"].endswith(" EUR") and fact["all_users"].endswith(" EUR") for fact in facts[:1])


def test_the_least_comes_first_where_asked(lookup: Lookup) -> None:
    most = [fact.fact_id for fact in lookup.ask("which cluster buys most?").facts]
    least = [fact.fact_id for fact in lookup.ask("which cluster buys least?").facts]
    assert most[0] == "c1.purchase_rate" and least[-1] == "c1.purchase_rate"


def test_the_leak_is_the_data_s(lookup: Lookup, serving: Path) -> None:
    answer = lookup.ask("which cluster leaks at checkout, and where?")
    with duckdb.connect(str(serving), read_only=True) as connection:
        begun, lost = connection.execute(
            """select count(*), avg((furthest_step < 6)::int) from ga4.fct_ga4__funnel_sessions
            join beha2vec.user_clusters_current using (user_key) where furthest_step >= 3 and cluster_key = 1"""
        ).fetchall()[0]
    assert f"of {begun} sessions that began checkout, {lost:.0%} ended without an order" in answer.text
    assert "leaks most" not in answer.text and "No other cluster has 20 such sessions" in answer.text
    assert (
        "These sessions ended on" in answer.text.replace("Most of these", "These")
        and "shop.example.com/checkout" in answer.text
    )
    assert "too few to judge" in answer.text and answer.statements == [FUNNEL_SQL]
    assert run_sql(serving, FUNNEL_SQL).rows, "the source can be run as it is shown"


@pytest.mark.parametrize("name", [USER, DEVICE, LOGIN, LOGIN.lower()])
def test_look_alikes_by_every_name_of_a_user(lookup: Lookup, serving: Path, name: str) -> None:
    text = lookup.ask(f"who resembles user {name}?").text
    assert f"User {USER} is in cluster 0" in text
    with duckdb.connect(str(serving), read_only=True) as connection:
        nearest = connection.execute(
            f"""select b.user_key from beha2vec.user_embeddings_current a, beha2vec.user_embeddings_current b
            where a.user_key = '{USER}' and b.user_key <> '{USER}'
            order by list_cosine_similarity(a.identity, b.identity) desc, 1 limit 5"""
        ).fetchall()
    assert [key for (key,) in nearest] == [line.split()[2] for line in text.splitlines() if line.startswith("  - ")]


def test_a_user_of_whom_little_is_known_has_a_likely_cluster(tmp_path: Path) -> None:
    path = make_serving(tmp_path / "serving.duckdb")
    asked = f"who resembles user {USER}?"
    assert "Likely" not in Lookup(Published(path), Aliases(path)).ask(asked).text
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """update beha2vec.user_clusters_current set cluster_key = -1, likely_cluster = 2, probability = 0.618
            where user_key = ?""",
            [USER],
        )
    text = Lookup(Published(path), Aliases(path)).ask(asked).text
    assert "in cluster -1" in text and "Likely, not certain: cluster 2" in text and "probability 0.62" in text
    with duckdb.connect(str(path)) as connection:
        connection.execute("update beha2vec.user_clusters_current set likely_cluster = -1")
    assert "Likely" not in Lookup(Published(path), Aliases(path)).ask(asked).text
    with duckdb.connect(str(path)) as connection:  # published by an earlier release
        connection.execute("alter table beha2vec.user_clusters_current drop column likely_cluster")
    assert "in cluster -1" in Lookup(Published(path), Aliases(path)).ask(asked).text


NOT_KNOWN = [
    ("cluster 99", "there is no cluster 99; there are 0, 1, 2, 3, 4"),
    ("compare 0 and 12", "there is no cluster 12"),
    ("where do users of cluster 2 move?", "No moves between clusters have been recorded yet"),
    ("who resembles user 12345678?", "names no known user"),
    ("what is the weather?", "The data have no weather: “weather”"),
    ("", "I found no measure in the question"),
    ("SELECT * FROM secrets; --", "I did not understand “select”"),
]


@pytest.mark.parametrize(("question", "words"), NOT_KNOWN)
def test_what_is_not_known_is_said(lookup: Lookup, question: str, words: str) -> None:
    answer = lookup.ask(question)
    assert words in answer.text and not answer.facts and not answer.statements


def test_users_with_too_little_evidence_are_counted_and_not_compared(tmp_path: Path) -> None:
    path = make_serving(tmp_path / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        for table in ("user_clusters_current", "cluster_profiles", "cluster_insights"):
            connection.execute(f"update beha2vec.{table} set cluster_key = -1 where cluster_key = 3")
        connection.execute("update beha2vec.cluster_profiles set fact_id = 'c-1' || fact_id[3:] where cluster_key = -1")
    lookup = Lookup(Published(path), Aliases(path))
    assert "  - cluster -1, " in lookup.ask("clusters?").text
    few = next(int(n) for n in re.findall(r"cluster -1, [^:]*: (\d+) users", lookup.ask("clusters?").text))
    assert f"{805 - few} users in 4 clusters, and {few} with too few events" in lookup.ask("clusters?").text
    assert "too few events for a comparison" in lookup.ask("compare 0 and -1").text
    assert "cluster -1" not in lookup.ask("which cluster buys most?").text
    assert lookup.ask("which cluster leaks at checkout?").text.endswith("Users with too few events are left out.")
    assert lookup.ask("cluster -1").facts
    with published_anew(path) as connection:
        connection.execute(
            """update beha2vec.user_clusters_current set cluster_key = -1, distance = 'nan', margin = 'nan'
            where user_key = ?""",
            [USER],
        )
        connection.execute("insert into beha2vec.cluster_members values (0, 'typical', 1, ?, 0.1, 0.9, 1)", [OTHER])
    aliases = Aliases(path)
    box = Toolbox(path, aliases, min_users=20, sql_limits=SqlLimits())
    for tool, arguments, rows in (
        ("similar_users", {"user": aliases.of(USER)}, 5),
        ("sample_journeys", {"cluster": 0}, 1),  # of the recorded members
        ("sample_journeys", {"cluster": 1}, 3),  # of the most similar users
    ):
        result = box.call(tool, json.dumps(arguments))
        assert result.rows is not None and len(result.rows.rows) == rows
        assert set(result.data) == {"rows", "note"} and "of single users" in result.data["note"], "not sent"


def test_moves_and_paths_are_reported_where_they_are_recorded(tmp_path: Path) -> None:
    path = make_serving(tmp_path / "serving.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """create or replace table beha2vec.cluster_transitions as from (values (0, 1, 40, 0.13, 0.1, 0.2),
            (0, 0, 260, 0.87, 0.8, 0.9), (2, 3, 3, 0.02, 0.0, 0.1), (null, 0, 300, 1.0, 0.9, 1.0))
            t(from_cluster, to_cluster, users, share, interval_low, interval_high)"""
        )
        connection.execute(
            """create or replace table beha2vec.cluster_paths as from (values
            (0, 'category', 'product', 90, 0.3, 0.1, 3.0), (0, 'cart', '(exit)', 3, 0.01, 0.001, 10.0))
            t(cluster_key, from_step, to_step, users, share, population_share, lift)"""
        )
        connection.execute(
            """create or replace table beha2vec.buying_paths as from (values
            ('event', 'add_to_cart', 40, 0.5, 0.1, 5.0, 6.0, 0.001, true, 70),
            ('page', 'x', 40, 0.1, 0.1, 1.0, 0.0, 0.9, false, 45),
            ('page', 'y', 95, 0.95, 0.1, 1.0, 0.0, 0.9, false, 200))
            t(kind, feature, movers, movers_share, matched_share, lift, z, q_value, significant, support)"""
        )
    aliases = Aliases(path)
    lookup = Lookup(Published(path), aliases)
    moves = lookup.ask("where do users of cluster 0 move?").text
    assert "from 0 (Category browsers) to 1 (Apparel buyers): 40 users, 13% of them" in moves and "2 (" not in moves
    assert "30% of users (all users 10%): category -> product" in lookup.ask("which paths does cluster 0 take?").text
    before = lookup.ask("what do users do before they buy?").text
    for question in (
        "which pages do buyers view before purchase",
        "pages people visit before they order that others don't",
    ):  # only an event was more frequent
        assert lookup.ask(question).text == before, question
    assert "not only right before" in lookup.ask("what are shoppers doing right before they order").text
    assert not lookup.ask("which pages do mobile users view before they buy").understood
    assert "50% and 10%: event add_to_cart" in before and "association" in before and "page x" not in before
    box = Toolbox(path, aliases, min_users=20, sql_limits=SqlLimits())
    assert [row["users"] for row in box.call("moves_between_clusters", "{}").data["moves"]] == [40]
    (step,) = box.call("paths_in_cluster", '{"cluster": 0}').data["steps"]
    assert step["users"] in (80, 100) and step["share"] in ("27%", "33%")
    (found,) = box.call("before_buying", "{}").data["before_buying"]
    assert found["feature"] == "add_to_cart", "five others had seen x, and all but five had seen y"


def test_a_missing_or_broken_database_is_reported(tmp_path: Path, serving: Path) -> None:
    chat = Conversation(None, tmp_path / "none.duckdb")
    with pytest.raises(NotInData, match="run beha2vec materialize first"):
        chat.overview()
    *_, answer = chat.ask("which clusters are there?")
    assert isinstance(answer, Answer) and answer.written_by == BY_LOOKUP and "materialize first" in answer.text
    broken = tmp_path / "broken.duckdb"
    broken.write_bytes(b"rubbish" * 1000)
    with pytest.raises(NotInData, match="see beha2vec doctor"):
        Published(broken).overview()
    with duckdb.connect(str(serving), read_only=True, config={"threads": 1}):
        assert Published(serving).overview().users == 805, "beside a connection with other settings"
        assert run_sql(serving, "select 1").rows == [[1]]


def test_what_was_not_measured_is_no_finding(tmp_path: Path) -> None:
    path = make_serving(tmp_path / "serving.duckdb")
    for question in ("what drives purchases", "which pages lead to a purchase"):
        with duckdb.connect(str(path)) as world:
            world.execute("create or replace table beha2vec.buying_paths as from beha2vec.buying_paths limit 0")
        text = Lookup(Published(path), Aliases(path)).ask(question).text
        assert "was not measured" in text and "Nothing was clearly" not in text
