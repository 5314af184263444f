"""Label and rule files: precedence, users' own files, and errors that name the file and the entry."""

from pathlib import Path

import pandas as pd
import pytest

from beha2vec_core.pages import classify_pages, load_labels, load_rules, parse_steps
from beha2vec_core.pages.labels import LabelFileError
from beha2vec_core.pages.rules import PACKS, PACKS_PATH, RuleFileError, parse_packs

SHOP = "shop.example"


def pages(*rows: tuple[str, str], host: str = SHOP) -> pd.DataFrame:
    """Pages from (path, title), each with one view."""
    return pd.DataFrame(
        {
            "page_key": [host + path for path, _ in rows],
            "page_title": [title for _, title in rows],
            "page_path": [path for path, _ in rows],
            "hostname": host,
            "page_views": 1,
        }
    )


def write(folder: Path, text: str) -> Path:
    file = folder / "own.yml"
    file.write_text(text, encoding="utf-8")
    return file


# path, title, page type and theme
Case = tuple[str, str, str, str]
DEFAULT: list[Case] = [
    ("/", "Example", "home", "general"),
    ("/en-us", "Example", "home", "general"),
    ("/basket.html", "Shopping Cart", "cart", "purchase"),
    ("/checkout/payment", "Payment", "checkout", "purchase"),
    ("/ordercompleted.html", "Checkout Confirmation", "confirmation", "purchase"),
    ("/checkouts/cn/z2fab93/thank_you", "Thank you for your purchase!", "confirmation", "purchase"),
    ("/checkout/order-received/1423", "Order received", "confirmation", "purchase"),
    ("/account/login", "Account", "login", "account"),
    ("/my-account/orders", "My account", "account", "account"),
    ("/register", "Create account", "signup", "account"),
    ("/catalogsearch/result", "Search results for: 'rake'", "search", "general"),
    ("/collections/shoes/products/ankle-boot", "Ankle Boot", "product", "footwear"),
    ("/collections/dresses", "Dresses", "category", "apparel"),
    ("/p/half-zip-nf12", "Half Zip | Fleece & Knitwear | Example", "product", "apparel"),
    ("/google redesign/apparel/men s/men s t shirts", "Men's T-Shirts", "category", "apparel"),
    ("/help/shipping", "Shipping", "support", "customer_service"),
    ("/privacy-policy", "Privacy", "policy", "legal"),
    ("/stores/berlin", "Berlin", "store_finder", "stores"),
    ("/blog/how-to-prune", "How to prune", "article", "unknown"),
    ("/2023/04/12/lentil-soup", "Lentil soup", "article", "unknown"),
    ("/blog", "Blog", "article_list", "general"),
    ("/docs/api/users", "Users", "documentation", "developers_and_api"),
    ("/pricing", "Pricing", "pricing", "pricing_and_plans"),
    ("/politics/minister-resigns-after-vote", "Minister resigns", "article", "news_and_politics"),
    ("/x7/zz", "Zz", "unknown", "unknown"),
    # an error page may answer any URL; only the URL can say what was looked for
    ("/cart", "Page not found", "error", "unknown"),
    ("/bags/quickview", "Page Unavailable", "error", "bags_and_luggage"),
    ("/gone", "404 | Footwear", "error", "unknown"),
    ("/anzeige/17", "Diese Anzeige ist nicht mehr verfügbar | Stellen", "error", "unknown"),
    ("/x", "Diese Seite gibt es nicht mehr", "error", "unknown"),
    ("/x", "Cette page n'existe plus - Cuisine", "error", "unknown"),
    # ... and these are no errors
    ("/docs/oferta", "La oferta perfecta no existe", "documentation", "unknown"),
    ("/docs/loi", "L'article 5 de la loi supprimé par le Sénat", "documentation", "unknown"),
    ("/docs/seite", "Die letzte Seite gibt es nicht: ein Roman", "documentation", "unknown"),
    ("/docs/artikel", "Artikel derzeit nicht verfügbar", "documentation", "unknown"),
    ("/docs/error-handling", "Error handling", "documentation", "unknown"),
    ("/p/model-404-jacket", "Model 404 Jacket | Jackets", "product", "apparel"),
]


def of_own_sites(cases: list[Case], steps: str) -> list[tuple[str, str]]:
    """Type and theme of each case's page by the default rules, in one call: each is the one page of its site."""
    asked = pd.concat([pages(case[:2], host=f"shop{n}.example") for n, case in enumerate(cases)])
    found = classify_pages(asked, steps=parse_steps(steps)).pages.set_index("page_key")
    keys = [f"shop{n}.example{case[0]}" for n, case in enumerate(cases)]
    return list(found.loc[keys, ["page_type", "theme"]].itertuples(index=False, name=None))


@pytest.fixture(scope="module")
def by_default() -> dict[Case, tuple[str, str]]:
    return dict(zip(DEFAULT, of_own_sites(DEFAULT, "rules"), strict=True))


@pytest.mark.parametrize("case", DEFAULT)
def test_default_rules(case: Case, by_default: dict[Case, tuple[str, str]]) -> None:
    assert by_default[case] == case[2:]


def test_app_screens_are_judged_by_their_name() -> None:
    screen = pd.DataFrame(
        {"page_key": ["screen:Cart"], "page_title": [None], "page_path": [None], "hostname": [None], "page_views": [3]}
    )
    assert classify_pages(screen, steps=parse_steps("rules")).pages["page_type"].tolist() == ["cart"]


def test_every_default_rule_names_a_default_label() -> None:
    rules, labels = load_rules(), load_labels()
    assert {rule.label for rule in rules.page_types} <= {label.name for label in labels.page_types}
    assert {rule.label for rule in rules.themes} <= {label.name for label in labels.themes}


def test_the_first_rule_wins_and_the_next_other_label_is_the_runner_up(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """
page_types:
  - {label: cart, path: '^/a', title: 'x', confidence: 0.5}
  - {label: product, path: ['^/a', '^/b']}
  - {label: product, title: '.'}
  - {label: search, title: '.'}
""",
    )
    result = classify_pages(
        pages(("/a", "X"), ("/a1", "y"), ("/b", "y"), ("/c", "y")), rules=load_rules(file), steps=parse_steps("rules:0")
    )
    columns = ["page_type", "page_type_confidence", "page_type_runner_up"]
    assert result.pages[columns].values.tolist() == [
        ["cart", 0.5, "product"],
        ["product", 0.95, "search"],
        ["product", 0.95, "search"],
        ["product", 0.95, "search"],
    ]


def test_own_rules_come_before_the_default_ones(tmp_path: Path) -> None:
    file = write(tmp_path, "extends: default\npage_types:\n  - {label: campaign, path: '^/cart$'}\n")
    result = classify_pages(pages(("/cart", ""), ("/basket", "")), rules=load_rules(file), steps=parse_steps("rules"))
    assert dict(zip(result.pages["page_key"], result.pages["page_type"], strict=True)) == {
        f"{SHOP}/cart": "campaign",
        f"{SHOP}/basket": "cart",
    }


def test_own_labels_replace_or_extend(tmp_path: Path) -> None:
    replaced = load_labels(write(tmp_path, "themes: {hats: hats of all kinds}\npage_types: {cart: the cart}\n"))
    assert [label.name for label in replaced.themes] == ["hats"]
    # default rules for labels that are gone do not matter
    result = classify_pages(pages(("/cart", ""), ("/shoes", "")), labels=replaced, steps=parse_steps("rules")).pages
    assert set(result["page_type"]) == {"cart", "unknown"}

    extended = load_labels(write(tmp_path, "extends: default\nthemes: {apparel: only gowns, hats: hats}\n"))
    names = [label.name for label in extended.themes]
    assert len(names) == len(load_labels().themes) + 1
    assert next(label for label in extended.themes if label.name == "apparel").description == "only gowns"


def test_an_own_rule_with_an_unknown_label_is_an_error(tmp_path: Path) -> None:
    file = write(tmp_path, "extends: default\nthemes:\n  - {label: hatz, path: hats}\n")
    with pytest.raises(RuleFileError, match=r"own\.yml: themes\[1\] \(hatz\): the label file has no label 'hatz'"):
        classify_pages(pages(("/", "")), rules=load_rules(file), steps=parse_steps("rules"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("page_types: [", "is not valid YAML"),
        ("- a", "must be a mapping"),
        ("page_type: []", "unknown key page_type"),
        ("extends: other", "'extends' can only be 'default'"),
        ("page_types: {a: b}", "'page_types' must be a list"),
        (
            "page_types:\n  - {label: a, path: x}\n  - {label: b, path: '(['}",
            r"page_types\[2\] \(b\)\.path: .*does not compile",
        ),
        ("page_types:\n  - {label: a, title: [ok, '*']}", r"page_types\[1\] \(a\)\.title: .*'\*' does not compile"),
        ("page_types:\n  - {path: x}", r"page_types\[1\]: a rule is a mapping with a 'label'"),
        ("page_types:\n  - {label: a}", r"page_types\[1\] \(a\): says nothing to match"),
        ("page_types:\n  - {label: a, url: x}", r"page_types\[1\] \(a\): unknown key url"),
        ("page_types:\n  - {label: a, page_type: x}", r"page_types\[1\] \(a\): unknown key page_type"),
        ("page_types:\n  - {label: a, path: 404}", r"page_types\[1\] \(a\)\.path: 404 is not a regular expression"),
        (
            "page_types:\n  - {label: a, path: []}",
            r"page_types\[1\] \(a\)\.path: the list of regular expressions is empty",
        ),
        ("page_types:\n  - {label: a, path: x, confidence: 2}", r"'confidence' must be a number above 0"),
    ],
)
def test_rule_file_errors_name_file_and_entry(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RuleFileError, match=rf"(?s)own\.yml: .*{message}|own\.yml: {message}"):
        load_rules(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("themes: {a: b", "is not valid YAML"),
        ("themes: {a: b}", "'page_types' has no label"),
        ("themes: [a]", "'themes' must be a mapping"),
        ("themes: {unknown: x}", r"themes\.unknown: 'unknown' is what a page without a label is called"),
        ("themes: {a: 3}", r"themes\.a: is 3"),
        ("themes: {a: {text: b}}", r"themes\.a: unknown key text"),
        ("themes: {a: {examples: [b]}}", r"themes\.a: needs a 'description'"),
        ("themes: {a: {description: b, examples: c}}", r"themes\.a: 'examples' must be a list"),
    ],
)
def test_label_file_errors_name_file_and_entry(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LabelFileError, match=rf"own\.yml: {message}"):
        load_labels(write(tmp_path, text))


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match=r"nowhere\.yml: cannot be read"):
        load_rules(tmp_path / "nowhere.yml")
    with pytest.raises(LabelFileError, match=r"nowhere\.yml: cannot be read"):
        load_labels(tmp_path / "nowhere.yml")


def test_packs_are_chosen_by_name_and_order(tmp_path: Path) -> None:
    assert parse_packs("all") == parse_packs("") == PACKS == tuple(dict.fromkeys(PACKS))
    assert {file.stem for file in PACKS_PATH.glob("*.yml")} == set(PACKS)
    few = load_rules(packs="shopify, errors")
    assert {rule.pack for rule in few.page_types} == {"shopify", "errors"}
    assert few.page_types[0].pack == "shopify"
    with pytest.raises(RuleFileError, match="no rule pack 'shopware'; choose from all, errors"):
        load_rules(packs="shopware")
    # a user's own rules stand alone or before the packs
    own = write(tmp_path, "extends: default\npage_types:\n  - {label: cart, path: x}\n")
    assert [rule.pack for rule in load_rules(own, "errors").page_types][:2] == [None, "errors"]
    assert len(load_rules(write(tmp_path, "page_types:\n  - {label: cart, path: x}\n")).page_types) == 1


SHOP_PAGES = [("/cart", "Cart")]


OF_PACKS = [
    ("shopify", "/collections/sofas", "category"),
    ("shopify", "/collections/sofas/products/oslo", "product"),
    ("shopify", "/en-gb/products/oslo", "product"),
    ("shopify", "/blogs/news", "article_list"),
    ("shopify", "/blogs/news/our-new-store", "article"),
    ("shopify", "/policies/refund-policy", "policy"),
    ("shopify", "/pages/store-locator", "store_finder"),
    ("woocommerce", "/product-category/lamps/desk", "category"),
    ("woocommerce", "/product/brass-lamp", "product"),
    ("woocommerce", "/checkout/order-received/17", "confirmation"),
    ("woocommerce", "/my-account/view-order/7", "account"),
    ("magento", "/catalogsearch/result", "search"),
    ("magento", "/customer/account/create", "signup"),
    ("magento", "/sales/order/history", "account"),
    ("magento", "/checkout/onepage/success", "confirmation"),
    ("magento", "/sonora-nc700-wireless-headphones.html", "product"),
    ("wordpress", "/2024/05/17/on-bread", "article"),
    ("wordpress", "/2024/05", "article_list"),
    ("wordpress", "/category/recipes", "article_list"),
    ("wordpress", "/wp-login.php", "login"),
    ("merchandise_store", "/google redesign/bags/backpack.axd", "product"),
    ("merchandise_store", "/google redesign/bags", "category"),
    ("merchandise_store", "/asearch.html", "search"),
]


@pytest.mark.parametrize("pack", sorted({case[0] for case in OF_PACKS}))
def test_each_pack_knows_its_platform(pack: str) -> None:
    cases = [(f"shop{n}.example", *case[1:]) for n, case in enumerate(OF_PACKS) if case[0] == pack]
    asked = pd.concat([pages((path, "A Page"), *SHOP_PAGES, host=host) for host, path, _ in cases])
    result = classify_pages(asked, rules=load_rules(packs=pack), steps=parse_steps("rules")).pages
    found = result.set_index("page_key")["page_type"]
    assert [(host, path, found[host + path]) for host, path, _ in cases] == cases


EUROPEAN: list[Case] = [
    ("/warenkorb", "Warenkorb", "cart", "purchase"),
    ("/mon-panier", "Mon panier", "cart", "purchase"),
    ("/mentions-legales", "Mentions légales", "policy", "legal"),
    ("/datenschutz", "Datenschutz", "policy", "legal"),
    ("/iniciar-sesion", "Iniciar sesión", "login", "account"),
    ("/ricerca", "Risultati della ricerca", "search", "general"),
    ("/versand-und-lieferung", "Versand", "support", "customer_service"),
    ("/filialen", "Filialen", "store_finder", "stores"),
    ("/ueber-uns", "Über uns", "company", "company"),
    ("/produkte/leinenkleid-marta-1204", "Leinenkleid Marta", "product", "apparel"),
    ("/produits/escarpins-en-cuir-1204", "Escarpins en cuir", "product", "footwear"),
    ("/productos/mochila-de-cuero-1204", "Mochila de cuero", "product", "bags_and_luggage"),
    ("/prodotti/vestito-lungo-1204", "Vestito lungo", "product", "apparel"),
]


def test_rules_know_european_languages() -> None:
    assert of_own_sites(EUROPEAN, "rules:0.5") == [case[2:] for case in EUROPEAN]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules, rulez", "no classifier 'rulez'"),
        ("rules, rules", "rules is there twice"),
        ("", "name at least one"),
        ("embedding:high", "one or two numbers"),
        ("embedding:0.4/1.5", "one or two numbers"),
        ("embedding:0.1/0.2/0.3", "one or two numbers"),
        ("embedding:nan", "one or two numbers"),
    ],
)
def test_wrong_steps_are_reported(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_steps(text)


def test_steps_have_thresholds() -> None:
    steps = parse_steps("rules, llm, embedding : 0.4 / 0.6, nli:0.7")
    assert [step.name for step in steps] == ["rules", "llm", "embedding", "nli"]
    assert (steps[2].theme, steps[2].page_type, steps[3].theme, steps[3].page_type) == (0.4, 0.6, 0.7, 0.7)


def test_a_pack_can_be_copied(tmp_path: Path) -> None:
    for pack in PACKS:
        copy = write(tmp_path, (PACKS_PATH / f"{pack}.yml").read_text(encoding="utf-8"))
        assert load_rules(copy).page_types_version == load_rules(packs=pack).page_types_version
