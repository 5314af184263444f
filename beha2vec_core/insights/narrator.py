"""The narrator with a language model: asks, has each answer checked, keeps answers whose question has not changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from beha2vec_core.insights import prompts
from beha2vec_core.insights.schema import ClusterComparison, ClusterInsight, stored
from beha2vec_core.insights.sheet import Fact, FactSheet
from beha2vec_core.insights.verify import review
from beha2vec_core.llm import AnswerError, BudgetError, EndpointError, LlmClient, LlmSettings, Message

_ATTEMPTS = 2  # a rejected text is asked for once more, with the reason
Text = TypeVar("Text", ClusterInsight, ClusterComparison)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome(Generic[Text]):
    """The outcome of a question."""

    text: Text | None  # numbers in place; None: the template must write
    reason: str | None = None  # why it must
    input_hash: str | None = None  # of the question, if its outcome is final
    draft: str | None = None  # the text with its placeholders, as it is stored
    by_template: bool = False


class Narrator:
    """Asks the model, checks what it says, and gives up on an endpoint that is down or a budget that is spent."""

    def __init__(self, settings: LlmSettings, min_users_sent: int, earlier: Mapping[int | None, Row]) -> None:
        """Open no connection yet.

        Args:
            settings: the endpoint.
            min_users_sent: clusters, and facts, of fewer users are never sent.
            earlier: the row of each cluster (None: of the comparison) as it is now.
        """
        self._client = LlmClient(settings)
        self._min_users_sent = min_users_sent
        self._earlier = earlier
        self._is_down: str | None = None
        self.model = settings.model
        self.usage = self._client.usage
        self.from_cache = 0
        self.claims_dropped = 0

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def describe(self, sheet: FactSheet, taken: set[str]) -> Outcome[ClusterInsight]:
        """The insight of one cluster, its name none of ``taken``."""
        if not sheet.is_cluster:
            return Outcome(None)  # there are no facts, so the model is not asked
        if sheet.users < self._min_users_sent:
            reason = f"fewer than {self._min_users_sent} users: not sent"
            self._note(sheet.cluster_key, reason)
            return Outcome(None, reason)
        facts = prompts.sendable(sheet, min_users=self._min_users_sent)
        # names of other clusters change every time one of them does: they are no part of the question
        question = prompts.insight_messages(facts, sheet.cluster_key, ())
        messages = prompts.insight_messages(facts, sheet.cluster_key, taken)
        return self._tell(sheet.cluster_key, ClusterInsight, question, messages, facts, {sheet.cluster_key: ""}, taken)

    def compare(self, sheets: list[FactSheet], names: Mapping[int, str]) -> Outcome[ClusterComparison]:
        """The comparison of all clusters that may be sent."""
        sent = [s for s in sheets if s.users >= self._min_users_sent and s.is_cluster]
        if len(sent) < 2:
            return Outcome(None, "fewer than two clusters can be sent")
        groups = {sheet.cluster_key: prompts.sendable(sheet, top=2, min_users=self._min_users_sent) for sheet in sent}
        messages = prompts.comparison_messages(groups, names)
        facts = [fact for group in groups.values() for fact in group]
        clusters = {key: names[key] for key in groups}
        return self._tell(None, ClusterComparison, messages, messages, facts, clusters, set())

    def _tell(
        self,
        cluster_key: int | None,
        kind: type[Text],
        question: list[Message],
        messages: list[Message],
        facts: list[Fact],
        clusters: Mapping[int, str],
        taken: set[str],
    ) -> Outcome[Text]:
        key = prompts.input_hash(question, kind, self.model)
        row = self._earlier.get(cluster_key)
        if row is not None and row.get("input_hash") == key:
            if row["written_by"] != self.model:  # refused then, as it would be now
                self.from_cache += 1
                return Outcome(None, row["reason"], key)
            if row["name"].lower() not in {name.lower() for name in taken}:
                self.from_cache += 1
                text = kind.model_construct(**{field: row[field] for field in kind.model_fields})
                return Outcome(text, None, key, row.get("draft"))
        return self._ask(cluster_key, kind, messages, facts, clusters, taken, key)

    def _ask(
        self,
        cluster_key: int | None,
        kind: type[Text],
        messages: list[Message],
        facts: list[Fact],
        clusters: Mapping[int, str],
        taken: set[str],
        key: str,
    ) -> Outcome[Text]:
        asked = messages
        reasons: list[str] = []
        for _ in range(_ATTEMPTS):
            if self._is_down:
                return Outcome(None, self._is_down)
            answer: str | None = None
            try:
                draft = self._client.ask(asked, kind)
            except EndpointError as error:
                # it was retried; asking it for every further cluster would only take time
                self._is_down = f"not asked: {error}" if isinstance(error, BudgetError) else f"endpoint: {error}"
                self._note(cluster_key, f"{self._is_down}; the rest is written by the template")
                return Outcome(None, self._is_down)
            except AnswerError as error:
                reasons = [str(error)]
            else:
                checked = review(draft, facts, clusters=clusters, other_names=taken)
                reasons = checked.problems
                if isinstance(draft, ClusterInsight) and draft.name.lower() in {name.lower() for name in taken}:
                    reasons = [*reasons, f"the name {draft.name!r} is taken"]
                if checked.draft is not None and not reasons:
                    self.claims_dropped += len(checked.dropped)
                    return Outcome(checked.text, None, key, stored(checked.draft))
                answer = draft.model_dump_json()
            self._note(cluster_key, f"refused: {'; '.join(map(_without_prose, reasons[:3]))}")
            asked = prompts.retry_messages(messages, answer, reasons)
        return Outcome(None, f"refused: {_without_prose(reasons[0])}", key)

    def _note(self, cluster_key: int | None, problem: str) -> None:
        subject = "comparison" if cluster_key is None else f"cluster {cluster_key}"
        self.usage.problems.append(f"{subject}: {problem}")


def _without_prose(problem: str) -> str:
    """A problem without the sentence that has it: what a model wrote is not shown until it is verified."""
    return problem.split(", in '")[0].split(', in "')[0][:200]
