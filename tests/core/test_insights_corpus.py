"""Hundreds of true answers pass, and none of those with one thing made wrong."""

from collections import Counter

import pytest
from insight_answers import corpus, mutants
from profile_world import make_world

from beha2vec_core.insights.names import cluster_names
from beha2vec_core.insights.prompts import sendable
from beha2vec_core.insights.sheet import fact_sheets
from beha2vec_core.insights.verify import review
from beha2vec_core.profiles import build_profiles

TRUE, WRONG = 240, 400


@pytest.fixture(scope="module")
def made():
    sheets = fact_sheets(build_profiles(make_world()))
    names = cluster_names(sheets)
    answers = corpus(sheets, names, sendable, seed=7, size=TRUE)
    checked = [review(answer.draft, facts, clusters=clusters) for answer, facts, clusters in answers]
    return answers, checked, names


def test_true_answers_are_accepted(made, capsys) -> None:
    answers, checked, _ = made
    refused = [one.problems for one in checked if one.problems]
    with capsys.disabled():
        print(f"\n{TRUE - len(refused)} of {TRUE} true answers accepted")
    assert len({answer.draft.model_dump_json() for answer, _, _ in answers}) == TRUE  # all different
    assert len(refused) <= 0.05 * TRUE, refused[:50]
    assert not any("{c" in one.text.model_dump_json() for one in checked if one.text)  # all numbers are in


def test_answers_with_one_thing_wrong_are_not(made, capsys) -> None:
    answers, checked, names = made
    sound = [one for one, its in zip(answers, checked, strict=True) if not its.problems]
    wrong = mutants(sound, names, seed=8, size=WRONG)
    accepted = [
        (kind, draft) for kind, draft, facts, clusters in wrong if not review(draft, facts, clusters=clusters).problems
    ]
    kinds = Counter(kind for kind, *_ in wrong)
    with capsys.disabled():
        print(f"\n{len(accepted)} of {len(wrong)} wrong answers accepted: {dict(kinds)}")
    assert len(wrong) == WRONG and min(kinds.values()) >= 15
    assert accepted == []
