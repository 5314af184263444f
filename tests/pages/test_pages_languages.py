"""Rules know the functional pages of shops in seven languages, and take no goods for them."""

import pandas as pd
import pytest

from beha2vec_core.pages import classify_pages, parse_steps
from tests.benchmarks.page_languages import FILE, answered, shops

SHOPS = [shop for shop in shops(FILE.read_text(encoding="utf-8")) if shop[1] == "tuned"]


@pytest.mark.parametrize(("language", "half", "pages"), SHOPS, ids=[shop[0] for shop in SHOPS])
def test_rules_know_login_basket_returns_and_the_like(language: str, half: str, pages: list[list[str]]) -> None:
    found = answered(language, half, pages)
    wrong = found[found["page_type"] != found["right"]]
    assert wrong.empty, wrong[["page_path", "page_type", "right"]].to_string()


def test_goods_and_articles_that_have_these_words_are_no_such_pages() -> None:
    paths = {
        "/produkte/retourenkarton-gross-4411": "product",
        "/blog/so-merken-sie-sich-jedes-passwort": "article",
        "/magazine/comment-choisir-son-panier-de-pique-nique": "article",
        "/productos/cesta-de-mimbre-redonda-881": "product",
    }
    host = "shop.example"
    pages = pd.DataFrame({"page_path": list(paths)})
    pages = pages.assign(page_title="Zq", hostname=host, page_key=host + pages["page_path"], page_views=1)
    found = classify_pages(pages, steps=parse_steps("rules"), progress=False).pages.set_index("page_key")["page_type"]
    assert {path: found[host + path] for path in paths} == paths
