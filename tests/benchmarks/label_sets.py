"""How good the bundled label sets of industries are on labelled sites of their industry.

    python -m tests.benchmarks.label_sets [--errors]

``labelled_pages/label_sets.yml`` says which labels of the set are right for which label of the site. Pages whose label
has none in the set are not scored; of themes, neither are pages that have none.
"""

import argparse
from pathlib import Path

import pandas as pd
import yaml

from beha2vec_core.pages import Models, classify_pages, load_labels
from beha2vec_core.pages.labels import SETS_PATH, UNKNOWN
from tests.benchmarks import own_labels, page_labels

FOLDER = Path(__file__).resolve().parent / "labelled_pages"
SECTIONS = {"theme": "themes", "page_type": "page_types"}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--errors", action="store_true", help="list wrong pages of the sites that rules are tuned on")
    chosen = options.parse_args()
    own = {f"own_labels/{site.name}": site for site in own_labels.load_sites()}
    models = Models(progress=False)
    columns = f"{'pages':>6}{'types right':>13}{'pages':>7}{'themes right':>14}{'unknown':>9}"
    print(f"{'set':18}{'site':18}{'half':12}{columns}")
    for name, about in yaml.safe_load((FOLDER / "label_sets.yml").read_text(encoding="utf-8")).items():
        site = own.get(about["site"])
        pages, half = (site.pages, site.half) if site else labelled_pages(about["site"])
        seen = pages.drop(columns=list(SECTIONS), errors="ignore")
        labels = load_labels(SETS_PATH / f"{name}.yml")
        found = classify_pages(seen, labels=labels, models=models, progress=False).pages
        answers = seen.merge(found[["page_key", *SECTIONS]], on="page_key")
        scored = {kind: right(answers, kind, about[section]) for kind, section in SECTIONS.items()}
        types, themes = scored["page_type"], scored["theme"]
        line = (
            f"{name:18}{Path(about['site']).name:18}{half:12}{len(types):6}{types['right'].mean():13.1%}{len(themes):7}"
        )
        if len(themes):
            line += f"{themes['right'].mean():14.1%}{(themes['theme'] == UNKNOWN).mean():9.1%}"
        print(line)
        if chosen.errors and half == "tuned":
            list_errors(scored)


def labelled_pages(site: str) -> tuple[pd.DataFrame, str]:
    file = (FOLDER / f"{site}.jsonl").resolve()
    return page_labels.load_sites(file.parent)[file.stem], "scored" if file.parent == FOLDER else "tuned"


def right(pages: pd.DataFrame, kind: str, common: dict[str, list[str]]) -> pd.DataFrame:
    """The pages whose label the set has, and whether the answer is one of those that are right."""
    accepted = pages[f"true_{kind}"].map(lambda labels: {good for label in labels for good in common.get(label, [])})
    pages, accepted = pages[accepted.map(bool)], accepted[accepted.map(bool)]
    return pages.assign(right=[given in good for given, good in zip(pages[kind], accepted, strict=True)])


def list_errors(scored: dict[str, pd.DataFrame]) -> None:
    for kind, pages in scored.items():
        for page in pages[~pages["right"]].to_dict("records"):
            print(f"  {kind} {page['page_key']} | {page['page_title']} | {page[kind]} not {page[f'true_{kind}']}")


if __name__ == "__main__":
    main()
