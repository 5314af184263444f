"""What the classifier `llm` answers through a real endpoint: how good, how long, how many tokens, what went wrong.

    python -m tests.benchmarks.page_llm [--pages 60] [--tokens 800] [--base-url URL --model NAME]

Without an address a model of 135 million parameters is served here (`tests.llm.llm_model_server`). The pages are drawn
from the labelled sites, as many of each.
"""

import argparse
import time
from collections import Counter
from contextlib import nullcontext

import pandas as pd

from beha2vec_core.llm import LlmSettings
from beha2vec_core.pages import Models, classify_pages, parse_steps
from beha2vec_core.store.anonymous import MIN_USERS
from tests.benchmarks import page_labels
from tests.llm.llm_model_server import served

SITES = ("fashion", "news", "software")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pages", type=int, default=60)
    options.add_argument("--base-url")
    options.add_argument("--model", default="smollm2")
    options.add_argument("--steps", nargs="*", default=["llm", "rules, embedding, llm"], help="cascades to compare")
    options.add_argument("--tokens", type=int, default=800, help="most tokens of an answer")
    chosen = options.parse_args()
    sites = page_labels.load_sites(page_labels.HERE / "labelled_pages")
    each = chosen.pages // len(SITES)
    pages = pd.concat([sites[name].sample(each, random_state=0) for name in SITES], ignore_index=True)
    with nullcontext(chosen.base_url) if chosen.base_url else served() as url:
        limits = {"timeout_seconds": 600, "max_retries": 0, "max_output_tokens": chosen.tokens}
        llm = LlmSettings(base_url=url, model=chosen.model, **limits)
        for steps in chosen.steps:
            started = time.perf_counter()
            found = classify_pages(
                pages.assign(users=MIN_USERS), steps=parse_steps(steps), models=Models(llm=llm), progress=False
            )
            seconds = time.perf_counter() - started
            answers = page_labels.merged(pages, found.pages)
            print(f"{steps}: {len(pages)} pages in {seconds:.0f} s")
            for kind in page_labels.KINDS:
                asked = answers[answers[f"{kind}_method"] == "llm"]
                print(
                    f"  {kind}: {answers[f'right_{kind}'].mean():.1%} right, {(answers[kind] == 'unknown').mean():.1%} "
                    f"unknown; {len(asked)} decided by llm, of them {asked[f'right_{kind}'].mean():.1%} right; "
                    f"most frequent answers {dict(Counter(answers[kind]).most_common(3))}"
                )
            usage = dict(found.usage)
            print(f"  problems: {dict(Counter(usage.pop('problems')))}; {usage}")


if __name__ == "__main__":
    main()
