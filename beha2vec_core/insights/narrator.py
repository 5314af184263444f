"""The narrator with a language model: asks, has each answer checked, keeps answers whose question has not changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from beha2vec_core.insights import prompts
from beha2vec_core.insights.check import check_claims, check_contrasts, check_name
from beha2vec_core.insights.interpretation import check_interpretation
from beha2vec_core.insights.schema import ClusterAnswer, ComparisonAnswer
from beha2vec_core.insights.sheet import Fact, FactSheet
from beha2vec_core.llm import AnswerError, BudgetError, EndpointError, LlmClient, LlmSettings, Message
from beha2vec_core.store.anonymous import Rounding

_ATTEMPTS = 2  # a rejected answer is asked for once more, with the reason
Answer = TypeVar("Answer", ClusterAnswer, ComparisonAnswer)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome(Generic[Answer]):
    """The outcome of a question."""

    answer: Answer | None = None  # what holds of it
    kept: Row | None = None  # the row of an earlier answer to the same question
    reason: str | None = None  # why the template must write, or what of the answer is left out
    input_hash: str | None = None  # of the question, if its outcome is final


class Narrator:
    """Asks the model, checks what it says, and gives up on an endpoint that is down or a budget that is spent."""

    def __init__(
        self, settings: LlmSettings, min_users_sent: int, earlier: Mapping[int | None, Row], rounding: Rounding
    ) -> None:
        """Open no connection yet.

        Args:
            min_users_sent: clusters, and facts, of fewer users are never sent.
            earlier: the row of each cluster (None: of the comparison) as it is now.
            rounding: of the numbers that are sent.
        """
        self._client = LlmClient(settings)
        self._min_users_sent = min_users_sent
        self._earlier = earlier
        self._rounding = rounding
        self._is_down: str | None = None
        self.model = settings.model
        self.usage = self._client.usage
        self.from_cache = 0
        self.claims_dropped = 0

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def describe(self, sheet: FactSheet, taken: set[str]) -> Outcome[ClusterAnswer]:
        """What the model says of one cluster; its name is none of ``taken``, or empty where it does not hold."""
        if not sheet.is_cluster:
            return Outcome()  # there are no facts, so the model is not asked
        if sheet.users < self._min_users_sent:
            reason = f"fewer than {self._min_users_sent} users: not sent"
            self._note(sheet.cluster_key, reason)
            return Outcome(reason=reason)
        facts = prompts.sendable(sheet, min_users=self._min_users_sent)
        by_id = {fact.fact_id: fact for fact in facts}

        def check(answer: ClusterAnswer) -> tuple[ClusterAnswer | None, list[str]]:
            summary, wrong = check_claims(answer.summary, by_id, "summary")
            differences, also_wrong = check_claims(answer.differences, by_id, "differences")
            named = check_name(answer.name, facts, taken)
            read = check_interpretation(answer.interpretation, sheet.facts)
            held = ClusterAnswer(
                name="" if named else answer.name,
                summary=summary,
                differences=differences or summary,
                interpretation="" if read else answer.interpretation,
            )
            problems = [*wrong, *also_wrong, *named, *read]
            if not summary:
                problems.append("summary: no claim holds")
            return held if summary else None, problems

        # names of other clusters change every time one of them does: they are no part of the question
        question = prompts.insight_messages(facts, sheet.cluster_key, (), self._rounding)
        messages = prompts.insight_messages(facts, sheet.cluster_key, taken, self._rounding)
        return self._ask(sheet.cluster_key, ClusterAnswer, question, messages, check, taken)

    def compare(self, sheets: list[FactSheet], names: Mapping[int, str]) -> Outcome[ComparisonAnswer]:
        """What the model says of all clusters that may be sent."""
        sent = [s for s in sheets if s.users >= self._min_users_sent and s.is_cluster]
        if len(sent) < 2:
            return Outcome(reason="fewer than two clusters can be sent")
        groups = {sheet.cluster_key: prompts.sendable(sheet, top=2, min_users=self._min_users_sent) for sheet in sent}
        facts: list[Fact] = [fact for group in groups.values() for fact in group]
        by_id = {fact.fact_id: fact for fact in facts}

        def check(answer: ComparisonAnswer) -> tuple[ComparisonAnswer | None, list[str]]:
            kept, problems = check_contrasts(answer.key_differences, by_id)
            read = check_interpretation(answer.interpretation, [fact for sheet in sheets for fact in sheet.facts])
            held = ComparisonAnswer(key_differences=kept, interpretation="" if read else answer.interpretation)
            if not kept:
                problems.append("key_differences: no difference holds")
            return held if kept else None, [*problems, *read]

        messages = prompts.comparison_messages(groups, names, self._rounding)
        return self._ask(None, ComparisonAnswer, messages, messages, check, set())

    def _ask(
        self,
        cluster_key: int | None,
        kind: type[Answer],
        question: list[Message],
        messages: list[Message],
        check: Callable[[Answer], tuple[Answer | None, list[str]]],
        taken: set[str],
    ) -> Outcome[Answer]:
        key = prompts.input_hash(question, kind, self.model)
        row = self._earlier.get(cluster_key)
        if row is not None and row.get("input_hash") == key:
            if row["written_by"] != self.model:  # refused then, as it would be now
                self.from_cache += 1
                return Outcome(reason=row["reason"], input_hash=key)
            if row["name"].lower() not in {name.lower() for name in taken}:
                self.from_cache += 1
                return Outcome(kept=row, reason=row["reason"], input_hash=key)
        asked = messages
        reasons: list[str] = []
        held: Answer | None = None
        for _ in range(_ATTEMPTS):
            if self._is_down:
                return Outcome(reason=self._is_down)
            try:
                answer = self._client.ask(asked, kind)
            except EndpointError as error:
                # it was retried; asking it for every further cluster would only take time
                self._is_down = f"not asked: {error}" if isinstance(error, BudgetError) else f"endpoint: {error}"
                self._note(cluster_key, f"{self._is_down}; the rest is written by the template")
                return Outcome(reason=self._is_down)
            except AnswerError as error:
                reasons, written = [str(error)], None
            else:
                new, reasons = check(answer)
                if new is not None and not reasons:
                    return Outcome(new, input_hash=key)
                held = new or held
                written = answer.model_dump_json()
            self._note(cluster_key, f"refused: {'; '.join(map(_short, reasons[:3]))}")
            asked = prompts.retry_messages(messages, written, reasons)
        if held is None:
            return Outcome(reason=f"refused: {_short(reasons[0])}", input_hash=key)
        self.claims_dropped += len(reasons)
        return Outcome(held, reason=f"left out: {'; '.join(map(_short, reasons[:3]))}", input_hash=key)

    def _note(self, cluster_key: int | None, problem: str) -> None:
        subject = "comparison" if cluster_key is None else f"cluster {cluster_key}"
        self.usage.problems.append(f"{subject}: {problem}")


def _short(problem: str) -> str:
    return problem[:200]
