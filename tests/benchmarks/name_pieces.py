"""Learn what pieces of words speak for a person's name, and write the three lists that depend on it.

pip install wordfreq, then python tests/benchmarks/name_pieces.py FAMILY_NAMES: a file of all family names, as
family_names.txt was before version 8 of the rules (git log). Writes name_pieces.txt, ordinary_words.txt and
family_names.txt below their comments, and prints how well the pieces tell names from words that they were not
learned from. The seeds are fixed.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections import defaultdict
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score
from wordfreq import top_n_list

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from beha2vec_core.privacy import likeness as letters
from beha2vec_core.privacy.names import first_names, names_that_are_words
from beha2vec_core.privacy.rules import fold

FOLDER = Path(letters.__file__).parent
MAIN = ["en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "tr"]
OTHERS = ["cs", "da", "nb", "fi", "hu", "ro", "id", "ca", "sl", "sk", "lt", "lv"]
PIECES = 10_000
FREQUENT = 10_000  # ranks of the main languages; a third of it of the others


def frequent_words() -> tuple[dict[str, float], dict[str, int]]:
    """How much each folded word weighs, and its best rank in a language."""
    weights: dict[str, float] = defaultdict(float)
    ranks: dict[str, int] = {}
    for language in MAIN + OTHERS:
        is_main = language in MAIN
        for rank, word in enumerate(top_n_list(language, 40_000 if is_main else 15_000)):
            folded = fold(word)
            if re.fullmatch(r"[a-z]{3,20}", folded):
                weights[folded] += (3 if is_main else 1) / (1 + rank / 1500)
                ranks[folded] = min(ranks.get(folded, sys.maxsize), rank if is_main else 3 * rank)
    return weights, ranks


def learn(names: list[str], words: dict[str, float]) -> list[str]:
    """The lines of name_pieces.txt."""
    texts = [f"<{word}>" for word in [*names, *words]]
    is_name = np.arange(len(texts)) < len(names)
    weight = np.array([1.0] * len(names) + [0.3 + 2 * min(by, 3) for by in words.values()])
    weight[is_name] *= weight[~is_name].sum() / weight[is_name].sum()
    test = np.random.default_rng(0).random(len(texts)) < 0.05
    counter = CountVectorizer(analyzer="char", ngram_range=(2, 4), min_df=30, dtype=np.float32, binary=True)
    found = counter.fit_transform(texts)

    def fitted(columns: np.ndarray) -> SGDClassifier:
        model = SGDClassifier(loss="log_loss", alpha=3e-6, max_iter=12, tol=None, average=True, random_state=0)
        return model.fit(found[~test][:, columns], is_name[~test], sample_weight=weight[~test])

    every = np.arange(found.shape[1])
    matters = np.abs(fitted(every).coef_[0]) * np.sqrt(np.asarray(found.sum(0)).ravel())
    kept = np.argsort(-matters)[:PIECES]
    model = fitted(kept)
    scores = model.decision_function(found[test][:, kept])
    print(f"area under the curve {roc_auc_score(is_name[test], scores):.3f}, of {test.sum():,} words and names")
    by_weight: dict[int, list[str]] = defaultdict(list)
    for piece, value in zip(counter.get_feature_names_out()[kept], model.coef_[0], strict=True):
        if abs(tenths := round(10 * value)) >= 4:
            by_weight[tenths].append(piece)
    rows = ((tenths, textwrap.wrap(" ".join(sorted(by_weight[tenths])), 120)) for tenths in sorted(by_weight))
    return [f"{tenths} {line}" for tenths, lines in rows for line in lines]


def write(file: str, lines: list[str]) -> None:
    path = FOLDER / file
    comments = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    path.write_text("\n".join([*comments, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    listed = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    family = {name for line in listed if not line.startswith("#") for name in line.split()}
    first, both = first_names(), names_that_are_words()
    weights, ranks = frequent_words()
    names = {name for name in first | family if re.fullmatch(r"[a-z]{3,20}", name)}
    words = {word: by for word, by in weights.items() if word not in names}
    write("name_pieces.txt", learn(sorted(names - both), words))
    letters.pieces.cache_clear()
    letters.likeness.cache_clear()
    frequent = {word for word, rank in ranks.items() if rank <= FREQUENT} - first - both
    alike = {word for word in frequent if letters.likeness(word) > 0}
    kept = {name for name in family if letters.likeness(name) < 3 or name in both | alike}
    ordinary = alike - family  # schmidt is frequent, as a name
    write("ordinary_words.txt", textwrap.wrap(" ".join(sorted(ordinary)), 120))
    write("family_names.txt", textwrap.wrap(" ".join(sorted(kept)), 120))
    print(f"{len(ordinary):,} ordinary words, {len(kept):,} of {len(family):,} family names")
