"""Which narrator writes which row: the model where one is configured and its text holds, else the template."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from beha2vec_core.insights import prompts, template
from beha2vec_core.insights.names import cluster_names, distinct_name
from beha2vec_core.insights.schema import INSIGHTS_SCHEMA, ClusterComparison, ClusterInsight
from beha2vec_core.insights.sheet import Fact, FactSheet, fact_sheets
from beha2vec_core.insights.verify import known_evidence, problems
from beha2vec_core.llm import AnswerError, EndpointError, LlmClient, LlmSettings, Message

_ATTEMPTS = 2  # a rejected text is asked for once more, with the reason
_COMPARISON_NAME = "All clusters compared"
Text = TypeVar("Text", ClusterInsight, ClusterComparison)


def write_insights(
    profiles: pd.DataFrame,
    *,
    llm: LlmSettings | None = None,
    page_titles: Mapping[str, str] | None = None,
    min_users_sent: int = 20,
    progress: bool = True,
) -> tuple[pa.Table, dict[str, Any]]:
    """An insight for each cluster, and one comparison of all.

    Args:
        profiles: the table of `profiles.build_profiles`.
        llm: the endpoint to ask; None, or one without address and key: the template writes everything.
        page_titles: title of each page_key, where known.
        min_users_sent: clusters of fewer users are never sent to the endpoint.
        progress: show a progress bar.

    Returns:
        The rows (`schema.INSIGHTS_SCHEMA`; the comparison last, with cluster_key null), and how they came about: model,
        endpoint_host, requests, prompt_tokens, completion_tokens, latency_s, written_by_model, written_by_template,
        problems (why an answer was not used).

    Raises:
        ValueError: ``profiles`` has no facts.
    """
    sheets = fact_sheets(profiles, page_titles)
    if not sheets:
        raise ValueError("cluster_profiles has no facts: materialize it first")
    narrator = _Narrator(llm, min_users_sent) if llm is not None and llm.is_configured else None
    plain_names = cluster_names(sheets)
    names: dict[int, str] = {}
    rows: list[dict[str, Any]] = []
    try:
        for sheet in tqdm(sheets, desc="Writing insights", unit="cluster", disable=not progress):
            key = sheet.cluster_key
            # names of clusters still to come are kept free, should the template write those
            taken = {*names.values(), *(name for other, name in plain_names.items() if other > key)}
            insight = narrator.describe(sheet, taken) if narrator else None
            written_by = template.WRITTEN_BY if insight is None or narrator is None else narrator.model
            if insight is None:
                insight = template.describe(sheet, distinct_name(key, [plain_names[key]], taken))
            names[key] = insight.name
            rows.append({"cluster_key": key, "written_by": written_by, **insight.model_dump()})
        comparison = narrator.compare(sheets, names) if narrator else None
    finally:
        if narrator:
            narrator.close()
    written_by = template.WRITTEN_BY if comparison is None or narrator is None else narrator.model
    comparison = comparison or template.compare(sheets, names)
    summary = f"{len(sheets)} clusters side by side: see similarities and key_differences."
    row: dict[str, Any] = {
        "cluster_key": None,
        "name": _COMPARISON_NAME,
        "summary": summary,
        "persona": None,
        "actions": [],
    }
    rows.append({**row, "written_by": written_by, **comparison.model_dump()})
    return pa.Table.from_pylist(rows, schema=INSIGHTS_SCHEMA), _usage(narrator, rows)


class _Narrator:
    """Asks the model, checks what it says, and gives up on an endpoint that is down."""

    def __init__(self, settings: LlmSettings, min_users_sent: int) -> None:
        self._client = LlmClient(settings)
        self._min_users_sent = min_users_sent
        self._is_down = False
        self.model = settings.model
        self.usage = self._client.usage

    def close(self) -> None:
        self._client.close()

    def describe(self, sheet: FactSheet, taken: set[str]) -> ClusterInsight | None:
        if sheet.users < self._min_users_sent:
            self._note(sheet.cluster_key, f"fewer than {self._min_users_sent} users: not sent")
            return None
        facts = prompts.sendable(sheet)
        messages = prompts.insight_messages(facts, sheet.cluster_key, taken)
        return self._ask(messages, ClusterInsight, facts, cluster_keys=[sheet.cluster_key], taken=taken)

    def compare(self, sheets: list[FactSheet], names: dict[int, str]) -> ClusterComparison | None:
        sent = [sheet for sheet in sheets if sheet.users >= self._min_users_sent]
        if len(sent) < 2:
            return None
        groups = {sheet.cluster_key: prompts.sendable(sheet, top=2) for sheet in sent}
        messages = prompts.comparison_messages(groups, names)
        facts = [fact for group in groups.values() for fact in group]
        return self._ask(messages, ClusterComparison, facts, cluster_keys=list(groups), names=list(names.values()))

    def _ask(
        self,
        messages: list[Message],
        kind: type[Text],
        facts: list[Fact],
        *,
        cluster_keys: list[int],
        names: list[str] | None = None,
        taken: set[str] | None = None,
    ) -> Text | None:
        """The model's text if it holds, None if the template must write."""
        subject = cluster_keys[0] if kind is ClusterInsight else None
        asked = messages
        for _ in range(_ATTEMPTS):
            if self._is_down:
                return None
            answer: str | None = None
            try:
                text = self._client.ask(asked, kind)
            except EndpointError as error:
                self._is_down = True  # it was retried; asking it for every further cluster would only take time
                self._note(subject, f"endpoint: {error}; the rest is written by the template")
                return None
            except AnswerError as error:
                reasons = [str(error)]
            else:
                reasons = problems(text, facts, cluster_keys=cluster_keys, names=names or ())
                if isinstance(text, ClusterInsight) and text.name.lower() in {name.lower() for name in taken or ()}:
                    reasons.append(f"the name {text.name!r} is taken")
                if not reasons:
                    return text.model_copy(update={"evidence": known_evidence(text.evidence, facts)})
                answer = text.model_dump_json()
            self._note(subject, f"rejected: {'; '.join(reasons[:3])}")
            asked = prompts.retry_messages(messages, answer, reasons)
        return None

    def _note(self, cluster_key: int | None, problem: str) -> None:
        subject = "comparison" if cluster_key is None else f"cluster {cluster_key}"
        self.usage.problems.append(f"{subject}: {problem}")


def _usage(narrator: _Narrator | None, rows: list[dict[str, Any]]) -> dict[str, Any]:
    by_template = sum(row["written_by"] == template.WRITTEN_BY for row in rows)
    counts = {"written_by_model": len(rows) - by_template, "written_by_template": by_template}
    if narrator is None:
        nothing = {"requests": 0, "prompt_tokens": 0, "completion_tokens": 0, "latency_s": 0.0, "problems": []}
        return {"model": None, "endpoint_host": None, **nothing, **counts}
    return {**asdict(narrator.usage), **counts}
