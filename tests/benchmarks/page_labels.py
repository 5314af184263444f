"""How good themes and page types are on labelled sites, for each classifier and for the cascade.

    python tests/benchmarks/page_labels.py [--folder tests/benchmarks/labelled_pages] [--steps "rules, embedding"]

A site is ``<site>.jsonl``, one page a line with its accepted labels, the preferred one first. The Merchandise Store is
``merch_store.csv`` (``page_hash``, ``theme``, ``page_type``): its pages are read from ``../shared/data`` and joined by
the sha256 of their page_key. ``<site>.second.csv`` holds the second labeller's answers, for the agreement of the two.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd
from sklearn.metrics import cohen_kappa_score, f1_score

from beha2vec_core.pages import Models, classify_pages, parse_steps
from beha2vec_core.settings import Settings

HERE = Path(__file__).resolve().parent
MERCH = HERE.parents[1] / "../shared/data/merch_store_2016_2017/ga4_data.csv"
KINDS = ("theme", "page_type")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, default=HERE / "labelled_pages")
    options.add_argument("--steps", default=Settings.load().pages.classifiers, help="the cascade")
    options.add_argument("--errors", action="store_true", help="list the cascade's wrong pages")
    options.add_argument("--sites", nargs="*", help="only these")
    chosen = options.parse_args()
    sites = {name: site for name, site in load_sites(chosen.folder).items() if not chosen.sites or name in chosen.sites}
    if not sites:
        raise SystemExit(f"{chosen.folder} has no labelled site")
    agreement(chosen.folder, sites)
    cascade = parse_steps(chosen.steps)
    methods = {step.name: (step,) for step in cascade} | {"cascade": cascade}
    settings = Settings.load()
    models = Models(embedder=settings.pages.embedding_model, nli_model=settings.pages.nli_model, progress=False)
    # so that the first method's speed is not that of loading
    classify_pages(next(iter(sites.values())).head(3), steps=cascade, models=models, progress=False)
    answers = {}
    for method, steps in methods.items():
        started = time.perf_counter()
        parts = []
        for name, site in sites.items():
            result = classify_pages(site, steps=steps, models=models, progress=False)
            if result.missing:
                print(f"{method} cannot be asked: {result.methods}")
                break
            parts.append(merged(site, result.pages).assign(site=name))
        if len(parts) == len(sites):
            answers[method] = pd.concat(parts, ignore_index=True)
            seconds = time.perf_counter() - started
            answers[method].attrs["speed"] = sum(map(len, sites.values())) / seconds
    table_by_site(answers)
    for kind in KINDS:
        table_by_label(answers, kind)
    table_by_confidence(answers["cascade"])
    if chosen.errors:
        list_errors(answers["cascade"])


def load_sites(folder: Path) -> dict[str, pd.DataFrame]:
    """Each site's pages as `classify_pages` takes them, with the accepted labels ``true_theme``, ``true_page_type``."""
    sites = {}
    for file in sorted(folder.glob("*.jsonl")):
        pages = pd.DataFrame([json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line])
        pages["page_views"] = 1
        sites[file.stem] = pages.rename(columns={kind: f"true_{kind}" for kind in KINDS})
    file = folder / "merch_store.csv"
    if file.exists() and MERCH.exists():
        sites["merch_store"] = merchandise_store(pd.read_csv(file, dtype=str, keep_default_na=False))
    elif file.exists():
        print("the Merchandise Store is left out: its export is not in ../shared/data")
    return sites


def merchandise_store(labels: pd.DataFrame) -> pd.DataFrame:
    views = pd.read_csv(MERCH, dtype=str).query("event_name == 'page_view'")
    parts = views["page_location"].map(urlsplit)
    views = views.assign(
        hostname=parts.map(lambda url: url.netloc.lower().removeprefix("www.")),
        page_path=parts.map(lambda url: "/" + "/".join(part for part in unquote(url.path).lower().split("/") if part)),
    )
    pages = views.groupby(["hostname", "page_path", "page_title"]).size().rename("page_views").reset_index()
    pages["page_key"] = pages["hostname"] + pages["page_path"]
    pages = pages.sort_values(["page_key", "page_views"], ascending=[True, False]).drop_duplicates("page_key")
    pages["page_hash"] = page_hashes(pages)
    labels = labels.assign(**{f"true_{kind}": labels[kind].str.split("|") for kind in KINDS}).drop(columns=list(KINDS))
    found = pages.merge(labels, on="page_hash", how="left").reset_index(drop=True)
    print(f"merch_store: {found['true_theme'].notna().sum()} of {len(labels)} labelled pages found in the export")
    return found


def page_hashes(pages: pd.DataFrame) -> pd.Series:
    return pages["page_key"].map(lambda key: hashlib.sha256(key.encode()).hexdigest())


def merged(site: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Labelled pages with their answers; ``right_*`` tells whether an accepted label was given."""
    pages = site.merge(answers, on="page_key").dropna(subset=["true_theme"])
    for kind in KINDS:
        accepted = pages[f"true_{kind}"]
        pages[f"right_{kind}"] = [given in labels for given, labels in zip(pages[kind], accepted, strict=True)]
        # another accepted label is no mistake, so it counts as the true one
        pages[f"truth_{kind}"] = [
            given if given in labels else labels[0] for given, labels in zip(pages[kind], accepted, strict=True)
        ]
    return pages


def agreement(folder: Path, sites: dict[str, pd.DataFrame]) -> None:
    print(f"{'two labellers':24}{'pages':>7}{'theme same':>12}{'kappa':>8}{'type same':>12}{'kappa':>8}")
    for name, site in sites.items():
        file = folder / f"{name}.second.csv"
        if not file.exists():
            continue
        second = pd.read_csv(file, dtype=str, keep_default_na=False)
        both = site.dropna(subset=["true_theme"]).assign(page_hash=page_hashes(site)).merge(second, on="page_hash")
        line = f"{name:24}{len(both):7}"
        for kind in KINDS:
            first_labels = both[f"true_{kind}"].map(lambda labels: labels[0])
            second_labels = both[kind].str.split("|").map(lambda labels: labels[0])
            same = (first_labels == second_labels).mean()
            line += f"{same:12.1%}{cohen_kappa_score(first_labels, second_labels):8.2f}"
        print(line)
    print()


def table_by_site(answers: dict[str, pd.DataFrame]) -> None:
    print(
        f"{'site':24}{'method':12}{'pages':>6}{'theme':>8}{'F1':>6}{'unkn':>7}{'type':>8}{'F1':>6}{'unkn':>7}{'pages/s':>9}"
    )
    sites = next(iter(answers.values()))["site"].unique()
    for site in [*sites, "all"]:
        for method, pages in answers.items():
            of_site = pages if site == "all" else pages[pages["site"] == site]
            line = f"{site:24}{method:12}{len(of_site):6}"
            for kind in KINDS:
                unknown = (of_site[kind] == "unknown").mean()
                line += f"{of_site[f'right_{kind}'].mean():8.1%}{macro_f1(of_site, kind):6.2f}{unknown:7.1%}"
            print(line + (f"{pages.attrs['speed']:9.0f}" if site == "all" else ""))
    print()


def macro_f1(pages: pd.DataFrame, kind: str) -> float:
    labels = sorted(pages[f"truth_{kind}"].unique())
    return float(f1_score(pages[f"truth_{kind}"], pages[kind], labels=labels, average="macro", zero_division=0))


def table_by_label(answers: dict[str, pd.DataFrame], kind: str) -> None:
    """Share of right answers of the pages whose preferred label it is."""
    print(f"{kind:30}{'pages':>6}" + "".join(f"{method:>11}" for method in answers))
    preferred = {method: pages[f"true_{kind}"].map(lambda labels: labels[0]) for method, pages in answers.items()}
    first = next(iter(preferred.values()))
    for label, number in first.value_counts().items():
        shares = [pages.loc[preferred[m] == label, f"right_{kind}"].mean() for m, pages in answers.items()]
        print(f"{label:30}{number:6}" + "".join(f"{share:11.0%}" for share in shares))
    print()


def table_by_confidence(pages: pd.DataFrame) -> None:
    """Whether the cascade's confidence means what it says: the share of right answers, by kind and method."""
    bins = [0, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0]
    for kind in KINDS:
        given = pages[pages[kind] != "unknown"]
        level = pd.cut(given[f"{kind}_confidence"], bins)
        table = given.groupby([f"{kind}_method", level], observed=True)[f"right_{kind}"].agg(["size", "mean"])
        print(table.round(2).rename(columns={"size": "pages", "mean": "right"}).to_string(), end="\n\n")


def list_errors(pages: pd.DataFrame) -> None:
    for kind in KINDS:
        for page in pages[~pages[f"right_{kind}"]].to_dict("records"):
            print(
                f"{kind:9} {page['page_key']} | {page['page_title']} | {page[kind]} {page[f'{kind}_confidence']:.2f} "
                f"({page[f'{kind}_method']}, then {page[f'{kind}_runner_up']}) not {'|'.join(page[f'true_{kind}'])}"
            )


if __name__ == "__main__":
    main()
