"""Writes the rows: sentences are written by code, about facts that a model or the template chose."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd
import pyarrow as pa

from beha2vec_core.clusters import TOO_LITTLE_EVIDENCE
from beha2vec_core.insights import template
from beha2vec_core.insights.names import cluster_names, distinct_name
from beha2vec_core.insights.narrator import Narrator, Outcome, Row
from beha2vec_core.insights.placeholders import Text, filled
from beha2vec_core.insights.schema import ClusterAnswer, ComparisonAnswer, stored
from beha2vec_core.insights.sheet import Fact, FactSheet, fact_sheets
from beha2vec_core.llm import LlmSettings, Usage
from beha2vec_core.progress import with_progress
from beha2vec_core.store.anonymous import MIN_USERS, Rounding, rounding_key
from beha2vec_core.store.tables import as_table

_COMPARISON_NAME = "All clusters compared"


def write_insights(
    profiles: pd.DataFrame,
    *,
    llm: LlmSettings | None = None,
    page_titles: Mapping[str, str] | None = None,
    min_users_sent: int = MIN_USERS,
    rounding: Rounding | None = None,
    earlier: Iterable[Row] = (),
    why: str = "",
    progress: bool = True,
) -> tuple[pa.Table, dict[str, Any]]:
    """An insight for each cluster, and one comparison of all.

    Args:
        profiles: the table of `profiles.build_profiles`.
        llm: the endpoint to ask; None, or one without address and key: the template writes everything.
        page_titles: title of each page_key, where known.
        min_users_sent: clusters of fewer users, and facts that rest on fewer, are never sent to the endpoint.
        rounding: of the numbers that are sent.
        earlier: rows as they were written before; where the model would be asked the same again, its answer is kept.
        why: how the number of clusters came about, in a sentence; said where the users are in one cluster only.

    Returns:
        The rows of ``beha2vec.cluster_insights`` (the comparison last, with cluster_key null), and how they came about:
        model, endpoint_host, requests, prompt_tokens, completion_tokens, cost (None where prices are not set),
        latency_s, from_cache, claims_dropped, written_by_model, written_by_template, problems (why an answer was not
        used).

    Raises:
        ValueError: ``profiles`` has no facts.
    """
    sheets = fact_sheets(profiles, page_titles)
    if not sheets:
        raise ValueError("cluster_profiles has no facts: materialize it first")
    known = {row["cluster_key"]: row for row in earlier}
    rounding = rounding or Rounding(rounding_key(b""))
    narrator = Narrator(llm, min_users_sent, known, rounding) if llm is not None and llm.is_configured else None
    clusters = [sheet for sheet in sheets if sheet.is_cluster]
    plain_names = _template_names(sheets)
    alike = template.clusters_alike(sheets)
    names: dict[int, str] = {}
    rows: list[dict[str, Any]] = []
    try:
        for sheet in with_progress(sheets, title="writing insights", unit="cluster", shown=progress):
            key = sheet.cluster_key
            # names of clusters still to come are kept free, should the template write those
            taken = {*names.values(), *(name for other, name in plain_names.items() if other > key)}
            is_only = clusters == [sheet] and _has_all(sheets)
            outcome = narrator.describe(sheet, taken) if narrator and not is_only else Outcome[ClusterAnswer]()
            if outcome.kept is not None:
                rows.append(dict(outcome.kept))
            else:
                like = tuple(names.get(other, plain_names[other]) for other in alike.get(key, ()))
                name = (outcome.answer and outcome.answer.name) or distinct_name(key, [plain_names[key]], taken)
                draft = (
                    template.describe_only(sheet, name, why)
                    if is_only
                    else template.describe(sheet, name, like, outcome.answer)
                )
                rows.append({"cluster_key": key, **_columns(draft, sheet.facts, outcome, narrator)})
            names[key] = rows[-1]["name"]
        compared = narrator.compare(sheets, names) if narrator else Outcome[ComparisonAnswer]()
    finally:
        if narrator:
            narrator.close()
    if compared.kept is not None:
        rows.append(dict(compared.kept))
    else:
        facts = [fact for sheet in sheets for fact in sheet.facts]
        comparison = template.compare(sheets, names, compared.answer)
        summary = "The users are not divided into clusters, so there is nothing to compare."
        if len(clusters) > 1:
            summary = f"{len(clusters)} clusters compared: see similarities, key_differences and opportunities."
        row: dict[str, Any] = {"cluster_key": None, "name": _COMPARISON_NAME, "summary": summary, "actions": []}
        rows.append({**row, **_columns(comparison, facts, compared, narrator)})
    return as_table("beha2vec.cluster_insights", rows), _usage(narrator, rows)


def _has_all(sheets: list[FactSheet]) -> bool:
    """Whether the users of these clusters are all there are."""
    size = sheets[0].number("users")
    return size is not None and sum(sheet.users for sheet in sheets) == size.population_value


def _template_names(sheets: list[FactSheet]) -> dict[int, str]:
    """The template's name of each cluster, all different."""
    names = cluster_names([sheet for sheet in sheets if sheet.is_cluster])
    if not all(sheet.is_cluster for sheet in sheets):
        names[TOO_LITTLE_EVIDENCE] = template.TOO_LITTLE_NAME
    return names


def _columns(draft: Text, facts: Iterable[Fact], outcome: Outcome[Any], narrator: Narrator | None) -> dict[str, Any]:
    return filled(draft, facts).model_dump() | {
        "written_by": narrator.model if narrator and outcome.answer is not None else template.WRITTEN_BY,
        "input_hash": outcome.input_hash,
        "reason": outcome.reason,
        "draft": stored(draft),
    }


def _usage(narrator: Narrator | None, rows: list[dict[str, Any]]) -> dict[str, Any]:
    by_template = sum(row["written_by"] == template.WRITTEN_BY for row in rows)
    return {
        **asdict(narrator.usage if narrator else Usage()),
        "from_cache": narrator.from_cache if narrator else 0,
        "claims_dropped": narrator.claims_dropped if narrator else 0,
        "written_by_model": len(rows) - by_template,
        "written_by_template": by_template,
    }
