"""The page of audiences in Streamlit, without a browser: list, build, preview, overlap, compare, save."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml
from streamlit.testing.v1 import AppTest

from beha2vec_core.activation.destination import Change, Member, Outcome
from beha2vec_core.activation.ledger import open_ledger
from beha2vec_core.audiences.area import as_text
from beha2vec_core.audiences.file import Audience, AudienceError, load_audiences
from beha2vec_core.audiences.members import write_members
from beha2vec_core.explorer import page
from beha2vec_core.explorer.data import audiences as data
from beha2vec_core.explorer.data import map as user_map
from beha2vec_core.explorer.data import profile
from beha2vec_core.explorer.published import Published
from beha2vec_core.profiles import WAREHOUSE
from tests.explorer.explorer_world import CENTERS, LAST, SIZES
from tests.explorer.test_views import text_of, view

KEY = b"k" * 32
BROWSER = "O'Brien' or true --"
HOSTILE = "<script>x</script> [free](javascript:alert(1)) :material/delete: $x$"
FILE = f"""# reviewed
- name: buyers
  description: "{HOSTILE}"
  rule: purchases > 0
  purpose: ads
  exclude: cluster = 0
  holdout: 0.2
- name: readers
  rule: cluster = 0
- name: customers
  rule: in_audience('buyers') or cluster = 1
"""


@pytest.fixture(scope="module")
def night(serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published shop after two nights with audiences."""
    path = tmp_path_factory.mktemp("night") / "serving.duckdb"
    shutil.copy(serving, path)
    audiences = [Audience.model_validate(entry) for entry in yaml.safe_load(FILE)]
    with duckdb.connect(str(path)) as connection:
        connection.execute("update ga4.dim_ga4__users set is_ads_consented = not (user_key like '%4')")
        connection.execute("update ga4.dim_ga4__users set browser = ? where user_key = 'g1-0'", [BROWSER])
        first = [audiences[0].model_copy(update={"rule": "purchases > 0 and sessions > 1 or cluster = 2"})]
        write_members(connection, first, LAST - timedelta(days=1), KEY)
        write_members(connection, audiences, LAST, KEY)
        connection.execute(
            """create or replace table beha2vec.audience_members_current as from beha2vec.audience_members
            where state <> 'left' and event_date = (select max(event_date) from beha2vec.audience_members)"""
        )
    return path


@pytest.fixture(autouse=True)
def file(night: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(night.parent))
    (night.parent / "privacy.key").write_text(KEY.hex())
    (tmp_path / "audiences.yml").write_text(FILE)
    page.settings.clear()
    return tmp_path / "audiences.yml"


@pytest.fixture(scope="module")
def shop(night: Path) -> Published:
    return Published(night)


def _numbers(app: AppTest, name: str) -> list[str]:
    """The cells of a row of the list."""
    row = text_of(app).partition(f'<tr><td class="">{name} ')[2].partition("</tr>")[0]
    return [cell.partition("<")[0] for cell in row.split('<td class="number">')[1:]]


def test_the_list_has_sizes_by_step_and_who_entered_and_left(shop: Published) -> None:
    app = view("audiences")
    assert not app.exception
    text = text_of(app)
    assert "Members on 18 Jan 2026" in text and "&lt;script&gt;" in text and "<script" not in text
    by_hand = shop.query(
        """select count(*) filter (purchases > 0) as members,
            count(*) filter (purchases > 0 and not is_ads_consented) as without from ga4.dim_ga4__users"""
    ).iloc[0]
    members, consent, exclude, cap, holdout, contacted, entered, left = map(int, _numbers(app, "buyers"))
    assert (members, consent, exclude, cap) == (by_hand["members"], by_hand["without"], 0, 0) == (40, 8, 0, 0)
    assert 0 < holdout < 20 and contacted == 40 - 8 - holdout
    assert 0 < entered < 40 and left == SIZES[2], "those of cluster 2 were in it a night before"
    assert _numbers(app, "readers")[0] == str(SIZES[0])


def test_a_rule_that_no_longer_works_is_named_and_an_empty_file_is_no_error(file: Path) -> None:
    file.write_text(FILE + "- {name: wrong, rule: purchase > 1}\n")
    app = view("audiences")
    assert "did you mean purchases" in app.warning[0].value and not app.exception
    assert _numbers(app, "wrong") == ["–"] * 8
    file.write_text("[]")
    assert "The file has no audiences yet" in text_of(view("audiences"))
    file.write_text("- name: [")
    app = view("audiences")
    assert "cannot be read" in app.error[0].value and str(file.parent) not in text_of(app).replace("\\", "")


def test_an_audience_is_built_tried_and_saved(file: Path, shop: Published) -> None:
    app = view("audiences")
    app.text_area(key="audience_rule").set_value("purchase > 0").run()
    assert "did you mean purchases" in app.error[0].value.replace("\\", "")
    app.text_area(key="audience_rule").set_value("purchases > 0 and country = 'Germany'").run()
    assert "Give it a name to save it" in text_of(app)
    app.text_input(key="audience_name").set_value("Buyers!").run()
    assert "use at most 40 lowercase letters" in app.error[0].value and "this audience" not in app.error[0].value
    app.text_input(key="audience_name").set_value("german_buyers")
    app.selectbox(key="audience_purpose").set_value("ads")
    app.number_input(key="audience_cap").set_value(10)
    app.text_input(key="audience_rank_by").set_value("revenue").run()
    text = text_of(app)
    assert 'members by the rule</td><td class="number"></td><td class="number">40' in text
    assert 'no consent for ads</td><td class="number">-8</td><td class="number">32' in text
    assert 'above the cap of 10</td><td class="number">-22</td><td class="number">10' in text
    assert '<td class="">buyers</td><td class="number">40</td><td class="number">40</td><td class="number">100%' in text
    app.button(key="audience_save").click().run()
    assert not app.exception and "Saved." in app.success[0].value
    assert file.read_text().startswith(FILE + "- name: german_buyers\n")
    assert load_audiences(file)[-1] == Audience(
        name="german_buyers", rule="purchases > 0 and country = 'Germany'", purpose="ads", cap=10, rank_by="revenue"
    )
    assert app.selectbox(key="audience_start").value == "german_buyers" and "This is what audiences" in text_of(app)


def test_an_audience_of_the_file_is_changed_and_its_other_keys_stay(file: Path) -> None:
    app = view("audiences")
    app.selectbox(key="audience_start").set_value("buyers").run()
    assert app.number_input(key="audience_holdout").value == 20
    app.text_area(key="audience_rule").set_value("purchases > 1").run()
    app.button(key="audience_save").click().run()
    before = yaml.safe_load(FILE)
    assert yaml.safe_load(file.read_text()) == [before[0] | {"rule": "purchases > 1"}, *before[1:]]
    assert file.read_text().startswith("# reviewed\n- name: buyers\n")


@pytest.mark.slow
def test_what_the_nightly_run_sends_is_changed_in_the_file_only(file: Path) -> None:
    entry = "- {name: sent, rule: purchases > 0, purpose: ads, activate: [{to: web, send: true}]}\n"
    file.write_text(FILE + entry)
    app = view("audiences")
    app.selectbox(key="audience_start").set_value("sent").run()
    app.selectbox(key="audience_purpose").set_value("analytics").run()
    assert "change it in the file, where others review it" in app.warning[-1].value
    assert "audience_save" not in {button.key for button in app.button}


@pytest.mark.slow
def test_what_sent_audiences_depend_on_is_changed_in_the_file_only(file: Path) -> None:
    entry = "- {name: sent, rule: \"in_audience('readers')\", activate: [{to: web, send: true}]}\n"
    file.write_text(FILE + entry)
    app = view("audiences")
    app.selectbox(key="audience_start").set_value("readers").run()
    app.text_area(key="audience_rule").set_value("cluster = 1").run()
    assert "The nightly run sends sent, whose members depend on this audience" in app.warning[-1].value
    assert not {"audience_save", "audience_remove"} & {button.key for button in app.button}


@pytest.mark.slow
def test_an_audience_is_renamed_and_removed(file: Path) -> None:
    app = view("audiences")
    app.selectbox(key="audience_start").set_value("buyers").run()
    app.text_input(key="audience_name").set_value("customers").run()
    app.text_input(key="audience_name").set_value("shoppers").run()
    assert any("no longer work" in error.value and "buyers" in error.value for error in app.error)
    assert "audience_save" not in {button.key for button in app.button}, "another audience names it"
    app.selectbox(key="audience_start").set_value("customers").run()
    app.text_input(key="audience_name").set_value("everybody").run()
    app.button(key="audience_save").click().run()
    assert [one.name for one in load_audiences(file)] == ["buyers", "readers", "everybody"]
    app.button(key="audience_remove").click().run()
    assert not app.exception and "Removed everybody." in app.success[0].value
    assert [one.name for one in load_audiences(file)] == ["buyers", "readers"] and file.read_text().startswith("# rev")


@pytest.mark.slow
def test_an_audience_whose_members_are_at_a_destination_keeps_its_name(
    night: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    shutil.copy(night, data_dir / "serving.duckdb")
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(data_dir))
    page.settings.clear()
    with open_ledger(data_dir / "activation.sqlite") as ledger:
        change = Change("enter", Member("g1-1"), {}, "hash")
        ids = ledger.begin("crm", "readers", {"members": 1}, [change], called="readers", place="hash")
        ledger.answered(ids, [Outcome("accepted")])
    app = view("audiences")
    app.selectbox(key="audience_start").set_value("readers").run()
    app.text_input(key="audience_name").set_value("lost").run()
    found = [warning.value for warning in app.warning]
    assert any("It cannot have another name: members are at crm under readers" in text for text in found)
    assert any("Members are at crm: end it there first" in text for text in found)
    assert not {"audience_save", "audience_remove"} & {button.key for button in app.button}


@pytest.mark.slow
def test_a_broken_ledger_is_named_and_the_form_still_works(
    night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    shutil.copy(night, data_dir / "serving.duckdb")
    (data_dir / "activation.sqlite").write_text("no ledger")
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(data_dir))
    page.settings.clear()
    app = view("audiences")
    app.selectbox(key="audience_start").set_value("readers").run()
    assert not app.exception and "restore it from your backup" in app.error[0].value
    assert "audience_remove" not in {button.key for button in app.button}, "members may be somewhere"


@pytest.mark.slow
def test_what_others_saved_meanwhile_is_not_overwritten(file: Path) -> None:
    app = view("audiences")
    app.selectbox(key="audience_start").set_value("readers").run()
    app.text_area(key="audience_rule").set_value("cluster = 1").run()
    theirs = FILE.replace("rule: cluster = 0", "rule: cluster in (0, 2)")
    file.write_text(theirs)
    app.button(key="audience_save").click().run()
    assert "was changed meanwhile" in app.error[0].value and file.read_text() == theirs


def test_a_change_that_breaks_another_audience_is_not_saved(file: Path) -> None:
    app = view("audiences")
    app.selectbox(key="audience_start").set_value("buyers").run()
    app.text_area(key="audience_rule").set_value("in_audience('customers')").run()
    assert "contains itself" in app.error[0].value
    assert "audience_save" not in {button.key for button in app.button}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "given", "written"),
    [
        ("country", {"multiselect:condition_in_country": ["Germany"]}, "country = 'Germany'"),
        (
            "in_audience(audience)",
            {"button_group:condition_yes_in_audience": "is not true"},
            "not in_audience('buyers')",
        ),
        (
            "cluster_share(metric, feature)",
            {
                "selectbox:condition_cluster_share_metric": "theme_view_share",
                "selectbox:condition_cluster_share_feature": "returns",
                "number_input:condition_number_cluster_share": 0.3,
            },
            "cluster_share('theme_view_share', 'returns') >= 0.3",
        ),
    ],
)
def test_the_form_writes_conditions(name: str, given: dict[str, object], written: str) -> None:
    app = view("audiences")
    app.selectbox(key="condition_name").set_value(name).run()
    for widget, value in given.items():
        kind, key = widget.split(":")
        (app.segmented_control if kind == "button_group" else getattr(app, kind))(key=key).set_value(value).run()
    app.button(key="condition_and").click().run()
    assert not app.exception and app.text_area(key="audience_rule").value == written
    assert not app.error, "it can be used"


@pytest.mark.slow
def test_conditions_are_added_with_and_and_or() -> None:
    app = view("audiences")
    app.selectbox(key="condition_name").set_value("similar_to_cluster(cluster, users)").run()
    for word in ("and", "or", "and"):
        app.button(key=f"condition_{word}").click().run()
    one = "similar_to_cluster(0, 500)"
    assert app.text_area(key="audience_rule").value == f"({one} or {one}) and {one}" and not app.error


@pytest.mark.slow
def test_texts_of_conditions_are_quoted() -> None:
    app = view("audiences")
    app.selectbox(key="condition_name").set_value("browser").run()
    app.multiselect(key="condition_in_browser").set_value([BROWSER]).run()
    app.button(key="condition_and").click().run()
    assert app.text_area(key="audience_rule").value == "browser = 'O''Brien'' or true --'"
    assert 'members by the rule</td><td class="number"></td><td class="number">1<' in text_of(app)


def test_overlaps_are_those_of_the_members(shop: Published, file: Path) -> None:
    audiences = tuple(load_audiences(file))
    found = data.overlaps(shop, audiences[0], audiences).set_index("audience")
    assert found.loc["customers"].tolist() == [SIZES[1], 40, 1.0, 0.5]
    assert found.loc["readers", "both"] == 0
    nobody = Audience(name="nobody", rule="purchases > 99")
    assert data.overlaps(shop, nobody, audiences)["share"].tolist() == [0.0] * 3


def test_an_audience_that_is_a_cluster_has_the_facts_of_the_cluster(shop: Published, file: Path) -> None:
    audiences = tuple(load_audiences(file))
    found = data.beside(shop, audiences[1], None, audiences)
    assert (found.users, found.others, found.without_vector) == (SIZES[0], 280 - SIZES[0], 0)
    facts, whole = found.facts.set_index("metric"), shop.ask(profile.facts, 0).set_index("metric")
    for metric in ("purchase_rate", "page_views_mean", "return_share"):
        for column in ("value", "population_value", "z"):
            assert facts.loc[metric, column] == pytest.approx(whole.loc[metric, column])


def test_two_audiences_are_compared_without_those_in_both(shop: Published, file: Path) -> None:
    audiences = tuple(load_audiences(file))
    everyone, cluster = Audience(name="e", rule="cluster <> 2"), Audience(name="c", rule="cluster in (1, 2)")
    found = data.beside(shop, everyone, cluster, audiences)
    assert (found.users, found.others, found.both) == (SIZES[0] + SIZES[-1], SIZES[2], SIZES[1])
    facts = found.facts.set_index(["metric", "feature"])
    views = f"from {WAREHOUSE.users} join {WAREHOUSE.users_in_clusters} using (user_key)"
    by_hand = shop.query(
        f"select avg(page_views) filter (cluster_key < 1) as a, avg(page_views) filter (cluster_key = 2) as b {views}"
    ).iloc[0]
    row = facts.xs("page_views_mean", level="metric").iloc[0]
    assert (row["value"], row["population_value"]) == pytest.approx((by_hand["a"], by_hand["b"]))
    assert row["lift"] == pytest.approx(by_hand["a"] / by_hand["b"])
    assert facts.loc[("theme_view_share", "returns"), "lift"] < 0.5
    mirrored = data.beside(shop, cluster, everyone, audiences).facts.set_index(["metric", "feature"])
    assert mirrored.loc[("theme_view_share", "returns"), "z"] == pytest.approx(
        -facts.loc[("theme_view_share", "returns"), "z"]
    )
    assert data.beside(shop, everyone, everyone, audiences).facts.empty


def test_the_page_compares_and_says_who_is_left_out() -> None:
    app = view("audiences")
    app.selectbox(key="audience_first").set_value("customers").run()
    app.selectbox(key="audience_second").set_value("buyers").run()
    assert not app.exception and "40 users in both, who are left out" in text_of(app)
    assert "nothing to compare" in text_of(app), "all buyers are customers"
    app.selectbox(key="audience_second").set_value("readers").run()
    assert not app.exception and "What stands out, compared with readers (n = 80 users)" in text_of(app)


def test_a_group_drawn_on_the_map_is_an_audience(shop: Published) -> None:
    x, y = CENTERS[2]
    corners = [(x - 4, y - 4), (x + 4, y - 4), (x + 4, y + 4), (x - 4, y + 4)]
    version = shop.ask(user_map.map_version)
    drawn = Audience(name="drawn", rule=f"on_map('{version}', '{as_text(corners)}')")
    steps = data.preview(shop, drawn, (drawn,), KEY)
    assert steps[0].users == len(user_map.inside(shop, corners)) == SIZES[2]
    with pytest.raises(AudienceError, match="draw it again"):
        data.preview(shop, drawn.model_copy(update={"rule": drawn.rule.replace(version, "c0")}), (), KEY)


def test_from_a_cluster_to_a_new_audience() -> None:
    app = view("audiences")
    app.selectbox(key="audience_start").set_value("buyers").run()
    app.session_state[page.BEGIN_AUDIENCE] = "cluster = 2"
    app.run()
    assert app.selectbox(key="audience_start").value == "" and app.text_area(key="audience_rule").value == "cluster = 2"
    assert app.text_input(key="audience_name").value == "" and not app.text_input(key="audience_name").disabled
    assert f'members by the rule</td><td class="number"></td><td class="number">{SIZES[2]}<' in text_of(app)


def test_values_of_columns_are_the_most_frequent_first(shop: Published) -> None:
    assert shop.ask(data.values, "device_category") == ["desktop"]
    assert shop.ask(data.known, "probability", "target", ()) == ["add_to_cart", "purchase", "return"]
    assert shop.ask(data.known, "probability", "horizon", ()) == ["7", "14", "28"]
    assert shop.ask(data.known, "views_of_pages", "pattern", ()) is None
    assert isinstance(shop.ask(data.last_night), pd.DataFrame) and date(2026, 1, 18) == LAST


def test_what_was_sent_is_shown_by_step_and_outcome(night: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    ledger = folder / "activation.sqlite"
    shop = Published(night)
    assert shop.ask(data.sent, ledger, 0).empty
    changes = [
        Change(kind, Member(f"g1-{n}", None, "1.2", None), {}, "hash")
        for n, kind in enumerate(("enter", "enter", "leave"))
    ]
    with open_ledger(ledger) as opened:
        steps = {"members": 12, "consent": 4, "not_reachable": 1, "unchanged": 5}
        ids = opened.begin("web", "buyers", steps, changes, called="buyers", place="hash")
        opened.sending(ids, "request")
        opened.answered(ids, [Outcome("accepted"), Outcome("unknown", "lost"), Outcome("accepted")])
    (row,) = shop.ask(data.sent, ledger, 1).to_dict("records")
    assert (row["audience"], row["destination"], row["members"]) == ("buyers", "web", 12)
    assert row["left_out"] == "4 no consent; 1 not reachable there; 5 unchanged"
    assert row["sent"] == "1 to add: accepted; 1 to add: unknown; 1 to remove: accepted"


def test_a_plan_is_shown_and_nothing_is_sent(
    night: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Nothing has been sent yet" in text_of(view("audiences"))
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    with duckdb.connect(str(shutil.copy(night, data_dir / "serving.duckdb"))) as connection:
        connection.execute(
            """alter table ga4.dim_ga4__users add column user_id varchar;
            create or replace table ga4.int_ga4__identity_map as select user_key as client_key, user_key, property_id,
                '1000.' || (hash(user_key) % 100000000)::varchar as user_pseudo_id, last_seen_at as last_seen,
                null::varchar as user_id, last_seen_at::date as first_seen
            from ga4.dim_ga4__users"""
        ).fetchall()
    monkeypatch.setenv("BEHA2VEC_DATA_DIR", str(data_dir))
    (tmp_path / "destinations.yml").write_text(
        "- {name: folder, type: files, folder: out}\n- {name: crm, type: webhook, url: 'ftp://crm.example/'}"
    )
    page.settings.clear()
    app = view("audiences")
    next(one for one in app.button if one.label == "Show the plan").click().run()
    text = text_of(app)
    contacted = _numbers(app, "buyers")[5]
    assert not app.exception and f'to add</td><td class="number"></td><td class="number">{contacted}<' in text
    assert 'no consent</td><td class="number">-8</td>' in text
    assert "beha2vec activate buyers --to folder --stale --send" in text
    assert "folder: audience buyers is not sent there" in text
    assert not (tmp_path / "out").exists() and not (data_dir / "activation.sqlite").exists()
    app.selectbox(key="plan_to").set_value("crm")
    next(one for one in app.button if one.label == "Show the plan").click().run()
    assert not app.exception and "https" in app.error[0].value
    # keyed tables have other keys than the ledger: a plan would be wrong
    monkeypatch.setenv("BEHA2VEC_PUBLISH_IDENTIFIERS", "keyed")
    page.settings.clear()
    app = view("audiences")
    next(one for one in app.button if one.label == "Show the plan").click().run()
    assert not app.exception and "beha2vec activate buyers" in app.error[0].value
