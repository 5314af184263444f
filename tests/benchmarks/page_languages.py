"""Whether rules know the functional pages of shops in seven languages.

    python tests/benchmarks/page_languages.py [--errors]

``labelled_pages/functional_pages.txt`` has two shops a language: rules may be tuned on one, the other is only scored.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from beha2vec_core.pages import classify_pages, parse_steps

FILE = Path(__file__).resolve().parent / "labelled_pages/functional_pages.txt"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--errors", action="store_true", help="list wrong pages of the tuned shops")
    chosen = options.parse_args()
    print(f"{'':10}{'half':8}{'pages':>6}{'right':>8}{'unknown':>9}{'wrong':>7}")
    found = pd.concat(answered(*shop) for shop in shops(FILE.read_text(encoding="utf-8")))
    for (language, half), pages in found.groupby(["language", "half"], sort=False):
        print(f"{language:10}{half:8}" + scores(pages))
    for half, pages in found.groupby("half", sort=False):
        print(f"{'all':10}{half:8}" + scores(pages))
    if chosen.errors:
        for page in found[(found["half"] == "tuned") & (found["page_type"] != found["right"])].to_dict("records"):
            print("{language} {page_path} | {page_title} | {page_type} not {right}".format(**page))


def shops(text: str) -> Iterator[tuple[str, str, list[list[str]]]]:
    """Language, half and pages of each shop."""
    shop: tuple[str, str, list[list[str]]] | None = None
    for line in (line for line in text.splitlines() if line and not line.startswith("#")):
        if line.startswith("/"):
            assert shop is not None
            shop[2].append([part.strip() for part in line.split("|")])
        else:
            if shop:
                yield shop
            language, half = line.split()
            shop = (language, half, [])
    assert shop is not None
    yield shop


def answered(language: str, half: str, pages: list[list[str]]) -> pd.DataFrame:
    """The pages of a shop, beside some products, with the type that rules give and the one that is right."""
    goods = [[f"/p/{number}", f"Modell {number}", "product"] for number in range(101, 106)]
    shop = pd.DataFrame(pages + goods, columns=["page_path", "page_title", "right"])
    host = f"{half}-{language}.example"
    shop = shop.assign(hostname=host, page_key=host + shop["page_path"], page_views=1, language=language, half=half)
    found = classify_pages(shop, steps=parse_steps("rules"), progress=False).pages
    return shop.merge(found[["page_key", "page_type"]], on="page_key").query("right != 'product'")


def scores(pages: pd.DataFrame) -> str:
    right, unknown = pages["page_type"] == pages["right"], pages["page_type"] == "unknown"
    return f"{len(pages):6}{right.mean():8.1%}{unknown.mean():9.1%}{(~right & ~unknown).mean():7.1%}"


if __name__ == "__main__":
    main()
