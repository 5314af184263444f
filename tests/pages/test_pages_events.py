"""What people do on pages says what the pages are for, where addresses and titles do not."""

from functools import cache
from pathlib import Path

import pandas as pd

from beha2vec_core.pages import Labels, Models, classify_pages, load_rules, parse_steps
from beha2vec_core.pages.rules import Rules
from tests.pages.test_pages_cascade import bundled_model
from tests.pages.test_pages_own_types import TRIPS

Row = tuple[str, str, str]


def site(*rows: Row) -> pd.DataFrame:
    """Pages from (path, usual events, other frequent events)."""
    return pd.DataFrame(
        [
            (f"x.example{path}", "Zq", path, "x.example", 9, usual.split(), [*usual.split(), *often.split()])
            for path, usual, often in rows
        ],
        columns=["page_key", "page_title", "page_path", "hostname", "page_views", "usual_events", "frequent_events"],
    )


@cache
def bundled_rules() -> Rules:
    return load_rules()


def types(*rows: Row, labels: Labels | None = None, rules: Rules | None = None) -> dict[str, str]:
    result = classify_pages(
        site(*rows), labels=labels, rules=rules or bundled_rules(), steps=parse_steps("rules"), progress=False
    ).pages
    return dict(zip(result["page_key"].str.removeprefix("x.example"), result["page_type"], strict=True))


def test_events_give_a_type_to_a_page_whose_address_says_nothing() -> None:
    expected = {
        ("purchase", ""): "confirmation",
        ("generate_lead", ""): "confirmation",
        ("begin_checkout", "purchase"): "checkout",
        ("", "add_payment_info"): "checkout",
        ("view_cart", "begin_checkout"): "cart",
        ("", "begin_checkout"): "unknown",
        ("view_search_results", "select_item"): "search",
        ("view_item", "add_to_cart view_item_list"): "product",
        ("", "add_to_cart"): "product",
        ("scroll", "view_item_list"): "category",
        ("", "sign_up"): "signup",
        ("", "login"): "login",
        ("scroll", "form_submit video_start"): "unknown",
        ("not:usually:purchase", ""): "unknown",
    }
    rows = [(f"/q{letter}", *events) for letter, events in zip("bcdfghjklmnpqr", expected, strict=True)]
    assert list(types(*rows).values()) == list(expected.values())


def test_the_address_comes_before_the_events() -> None:
    assert types(("/cart", "view_item", ""), ("/impressum", "", "add_to_cart")) == {
        "/cart": "cart",
        "/impressum": "policy",
    }


def test_events_work_for_types_of_a_team_s_own() -> None:
    assert types(("/qwk", "purchase", ""), ("/kf/zzt", "view_item", ""), ("/kf", "", "select_item"), labels=TRIPS) == {
        "/qwk": "danke",
        "/kf/zzt": "reise",
        "/kf": "reiseliste",
    }


def test_an_own_rule_can_match_an_event_of_the_site(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text("extends: default\npage_types:\n  - {label: campaign, events: 'often:our_quiz'}\n")
    assert types(("/qwk", "", "our_quiz"), rules=load_rules(file)) == {"/qwk": "campaign"}


TEMPLATE: list[Row] = [(f"/a/k{letter}", "view_item", "") for letter in "qwr"] + [("/a/zz", "", "")]


def test_sure_pages_vote_about_others_of_their_form_in_their_folder() -> None:
    assert types(*TEMPLATE, ("/b/zz", "", ""))["/a/zz"] == "product"
    assert types(*TEMPLATE[1:])["/a/zz"] == "unknown", "two are too few"
    disputed = [*TEMPLATE, *((f"/a/m{letter}", "", "login") for letter in "qwr")]
    assert types(*disputed)["/a/zz"] == "unknown"
    assert types(*TEMPLATE, labels=TRIPS)["/a/zz"] == "reise"
    languages = [(path.replace("/a/", "/de/"), *events) for path, *events in TEMPLATE]
    assert types(*languages)["/de/zz"] == "unknown", "the folder of a language is no template"
    below = [(f"/de-ch{path}", *events) for path, *events in TEMPLATE]
    assert types(*below)["/de-ch/a/zz"] == "product"


def test_only_events_that_rules_see_ask_about_a_page_again(tmp_path: Path) -> None:
    def run(row: Row, known: pd.DataFrame | None = None, rules: Rules | None = None) -> tuple[dict[str, int], object]:
        result = classify_pages(
            site(row), known=known, rules=rules or bundled_rules(), steps=parse_steps("rules"), progress=False
        )
        return result.classified_by_kind, result.pages

    file = tmp_path / "rules.yml"
    file.write_text("extends: default\npage_types:\n  - {label: campaign, events: 'often:our_quiz'}\n")
    own = load_rules(file)
    _, known = run(("/cart", "", "login sign_up"))
    _, own_known = run(("/cart", "", "login sign_up"), rules=own)
    assert run(("/cart", "scroll", "sign_up our_quiz login"), known)[0] == {"theme": 0, "page_type": 0}
    assert run(("/cart", "", "login sign_up our_quiz"), own_known, own)[0]["page_type"] == 1
    # what a rule sees, but does not change the type, says nothing about the theme
    assert run(("/cart", "", "login"), known)[0] == {"theme": 0, "page_type": 1}


def test_votes_do_not_depend_on_earlier_runs_where_rules_need_more_to_decide() -> None:
    steps, models = parse_steps("rules:0.7/0.9, embedding:0.2/0.1"), Models(bundled_model())

    def run(known: pd.DataFrame | None) -> pd.DataFrame:
        return classify_pages(
            site(*TEMPLATE), known=known, rules=bundled_rules(), steps=steps, models=models, progress=False
        ).pages

    first = run(None)
    assert first.set_index("page_key").loc["x.example/a/zz", "page_type"] == "product"
    assert run(first)["page_type"].tolist() == first["page_type"].tolist()


def test_a_vote_is_kept_until_the_voters_change_and_is_never_passed_on() -> None:
    def run(rows: list[Row], known: pd.DataFrame | None) -> tuple[str, int, pd.DataFrame]:
        result = classify_pages(
            site(*rows), known=known, rules=bundled_rules(), steps=parse_steps("rules"), progress=False
        )
        answers = result.pages.set_index("page_key")["page_type"]
        return answers["x.example/a/zz"], result.classified, result.pages

    first, _, known = run(TEMPLATE, None)
    again, classified, known = run(TEMPLATE, known)
    assert (first, again, classified) == ("product", "product", 0)
    # a page that comes later is the only one asked about
    _, classified, known = run([*TEMPLATE, ("/a/zk", "", "")], known)
    assert classified == 1
    # one voter fewer, and the pages that were voted about do not replace it
    alone, *_ = run([*TEMPLATE[1:], ("/a/zk", "", "")], known)
    assert alone == "unknown"
