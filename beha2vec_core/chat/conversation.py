"""A conversation about the published database, with a language model that works through tools, or by look-up alone.

`Conversation.ask` gives events as they come: for the terminal, for the explorer, for a notebook. The system prompt is
fixed; data reach the model only as JSON in tool messages. Every number of an answer is looked for in what the tools
gave, and marked where it is not there; an answer says what it stands on.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beha2vec_core.chat.answers.answer import LookupAnswer
from beha2vec_core.chat.data.database import NotInData
from beha2vec_core.chat.data.privacy import Aliases, is_replaced
from beha2vec_core.chat.data.published import Fact, Overview, Published
from beha2vec_core.chat.data.sql import SqlAnswer, SqlError, SqlLimits, run_sql
from beha2vec_core.chat.events import BY_LOOKUP, Answer, Event, Notice, SqlRows, TextDelta, ToolCall
from beha2vec_core.chat.lookup import Lookup
from beha2vec_core.chat.model.completion import BrokenAnswerError, Call, Completion, NoToolsError, ToolChoice
from beha2vec_core.chat.model.tools import RESULTS_ARE_DATA, ROUNDED, Toolbox, ToolResult
from beha2vec_core.chat.model.verify import Known, cited, mark_unknown
from beha2vec_core.chat.queries.nearest import as_question
from beha2vec_core.chat.show import plain
from beha2vec_core.llm import EndpointError, LlmSettings
from beha2vec_core.settings import Settings
from beha2vec_core.store.anonymous import MIN_USERS
from beha2vec_core.words import counted

_SYSTEM = f"""You answer questions of a marketing team about the users of its website, in the language of the question.
You know nothing about these users but what the tools give. Look things up before you answer; several times if needed.
- {RESULTS_ARE_DATA}
- For a number, by a dimension or in a period, ask the tool metric first, and sql only for what it cannot answer.
- Write only what the data says, with the value of all users beside a group's value. Copy numbers exactly as they stand,
  with their percent sign, money with its currency code. Never compute or guess a number, also not as a word (no
  "twice", no "half").
- Cite the ids of the facts you use in square brackets, for example [c0.purchase_rate].
- If the data cannot answer, say so plainly and say what is missing.
- {ROUNDED}
- Where a fact has "no clear difference", a difference may be chance. A difference is an association, not a cause.
- Users are called user_1, user_2 ...: keep these names. Be brief."""
_LONGEST = 30_000  # characters of an answer
_log = logging.getLogger(__name__)
COMMANDS = """/explain               how the last answer was found: query and SQL
/clusters              names and sizes
/facts 3 [words]       facts of a cluster
/sql select ...        one SELECT over the schemas beha2vec, ga4 and anonymous
/help                  this
/exit                  leave (or Ctrl-D)"""


@dataclass(frozen=True)
class ChatLimits:
    """What a conversation may use."""

    min_users: int = MIN_USERS  # smaller groups are never sent
    tool_rounds: int = 6  # then the model must answer
    calls_per_round: int = 6
    answer_seconds: float = 300.0
    history_characters: int = 12_000  # of earlier questions and answers
    budget_characters: int = 2_000_000  # sent and received, about 500,000 tokens
    question_characters: int = 4000
    sql: SqlLimits = field(default_factory=SqlLimits)


class Conversation:
    """Questions and answers over one published database.

    Args:
        llm: the endpoint; None, or one without address and key: answers come by look-up.
        database: the published database (``serving.duckdb``).
        limits: rounds, time, budget, size of groups that may be sent.
    """

    def __init__(self, llm: LlmSettings | None, database: Path, limits: ChatLimits | None = None) -> None:
        """Open nothing yet."""
        self._llm = llm if llm is not None and llm.is_configured else None
        self._path = database
        self._limits = limits or ChatLimits()
        self._data = Published(database)
        self._aliases = Aliases(database)
        self._lookup = Lookup(self._data, self._aliases)
        self._toolbox = Toolbox(database, self._aliases, min_users=self._limits.min_users, sql_limits=self._limits.sql)
        self._history: list[tuple[str, str]] = []  # as sent
        self._known = Known()
        self._facts: dict[str, Fact] = {}
        self._spent = 0
        self._uses_tools = True
        self._client: Any = None
        self._last: _Last | None = None

    @property
    def endpoint_host(self) -> str | None:
        """Host that questions are sent to; None without an endpoint."""
        return self._llm.host if self._llm else None

    @property
    def model(self) -> str | None:
        """The model that answers; None without an endpoint."""
        return self._llm.model if self._llm else None

    @property
    def min_users(self) -> int:
        """Groups of fewer users are never sent."""
        return self._limits.min_users

    def overview(self) -> Overview:
        """What the database holds.

        Raises:
            NotInData: there is no database, or it has no clusters.
        """
        return self._data.overview()

    def close(self) -> None:
        """Close the connections to the endpoint."""
        if self._client is not None:
            self._client.close()

    def ask(self, text: str) -> Iterator[Event]:
        """Answer a question or a command; the last event is an `Answer`.

        Raises:
            NotInData: there is no published database.
        """
        text = plain(text).strip()[: self._limits.question_characters]
        if text.split() == ["/explain"]:
            yield Answer(self._last.explained if self._last else "There is no answer yet.", BY_LOOKUP)
            return
        try:
            yield from self._noted(text, self._events(text))
        except NotInData:
            raise
        except Exception:  # an internal error does not end the conversation
            _log.exception("a question could not be answered")
            self._last = None
            yield Answer("An error prevented an answer to this question; the log has its details.", BY_LOOKUP)

    @property
    def last_rows(self) -> SqlAnswer | None:
        """The last table of the last answer that has one; None before."""
        return self._last.rows if self._last else None

    def _noted(self, question: str, events: Iterator[Event]) -> Iterator[Event]:
        """The events, kept for /explain and for the export of the rows."""
        last = _Last(question)
        for event in events:
            if isinstance(event, ToolCall):
                last.calls.append(event)
            elif isinstance(event, SqlRows):
                last.rows = event.answer
            elif isinstance(event, Answer):
                last.answer, self._last = event, last
            yield event

    def _events(self, text: str) -> Iterator[Event]:
        if text.startswith("/"):
            yield from self._command(text)
        elif self._llm is None:
            yield from self._by_lookup(text)
        elif self._spent >= self._limits.budget_characters:
            yield Notice("The budget of this conversation is used up: answers come by look-up. Start a new one.")
            yield from self._by_lookup(text)
        else:
            yield from self._by_model(self._llm, text)

    def look_up(self, question: str) -> Iterator[Event]:
        """Answer by look-up, also where there is a model: nothing is sent."""
        yield from self._noted(question, self._by_lookup(question))

    def _command(self, text: str) -> Iterator[Event]:
        name, _, rest = text[1:].strip().partition(" ")
        rest = rest.strip()
        try:
            if name == "clusters":
                yield from _told(self._lookup.about_clusters.clusters(with_steps=True))
            elif name == "facts" and (found := re.match(r"(?:cluster\s+)?(-?\d+)\b\s*(.*)", rest)):
                yield from _told(self._lookup.about_clusters.facts(int(found[1]), found[2].strip()))
            elif name == "facts":
                yield Answer("Give a cluster, for example: /facts 3 checkout", BY_LOOKUP)
            elif name == "sql" and rest:
                answer = run_sql(self._path, rest, self._limits.sql)
                yield SqlRows(answer, self._toolbox.money(rest))
                yield Answer(
                    f"{counted(len(answer.rows), 'row')}{_cut(answer)}", BY_LOOKUP, statements=[answer.statement]
                )
            elif name == "sql":
                yield Answer("Give a SELECT, for example: /sql from beha2vec.cluster_insights", BY_LOOKUP)
            else:
                yield Answer(COMMANDS, BY_LOOKUP)
        except (NotInData, SqlError) as error:
            yield Answer(str(error), BY_LOOKUP)

    def _by_lookup(self, question: str) -> Iterator[Event]:
        yield from _told(self._lookup.ask(question))

    def _by_model(self, llm: LlmSettings, text: str) -> Iterator[Event]:
        turn = _Turn(deadline=time.monotonic() + self._limits.answer_seconds)
        try:
            question = self._aliases.hide(text)
            if is_replaced(text, question):
                yield Notice(f"What looks personal was replaced. {llm.host} gets: {question}")
            if self._uses_tools:
                try:
                    yield from self._with_tools(llm, question, turn)
                except NoToolsError:
                    self._uses_tools = False
                    yield Notice(
                        f"{llm.host} does not support tools: it gets the facts that were looked up for the question."
                    )
            if not self._uses_tools:
                yield from self._with_facts(llm, text, question, turn)
        except EndpointError as error:
            yield Notice(f"{llm.host}: {error}.")
            if not turn.text.strip():
                yield Notice("Looked up instead:")
                yield from self._by_lookup(text)
                return
            yield Notice("The answer above is not complete.")
        except NotInData as error:
            yield Answer(f"Your data cannot answer this: {error}.", BY_LOOKUP)
            return
        sent = turn.text
        if not sent.strip():
            yield Notice(f"{llm.model} gave no answer. Looked up instead:")
            yield from self._by_lookup(text)
            return
        self._remember(question, sent)
        facts = cited(sent, self._facts) or self._mentioned(turn.facts, sent)[:12]
        yield Answer(
            self._aliases.show(sent).strip(),
            llm.model,
            facts=list(dict.fromkeys(facts)),
            statements=list(dict.fromkeys(turn.statements)),
            tables=[] if facts or turn.statements else list(dict.fromkeys(turn.tables)),
            unknown_numbers=turn.unknown,
        )

    def _with_tools(self, llm: LlmSettings, question: str, turn: _Turn) -> Iterator[Event]:
        messages = [*self._opening(), {"role": "user", "content": question}]
        answered: dict[tuple[str, str], str] = {}
        for number in range(self._limits.tool_rounds + 1):
            must_answer = number == self._limits.tool_rounds
            calls = yield from self._stream(llm, messages, turn, tools="none" if must_answer else "auto")
            if not calls:
                return
            if must_answer:
                raise BrokenAnswerError(f"the model went on looking things up after {number} rounds, without an answer")
            calls = calls[: self._limits.calls_per_round]
            messages.append({"role": "assistant", "content": None, "tool_calls": [call.as_message() for call in calls]})
            for call in calls:
                key = call.name, call.arguments
                if key not in answered:
                    result = self._toolbox.call(*key)
                    self._take(result, turn)
                    answered[key] = result.message
                    name = call.name if self._toolbox.has(call.name) else "unknown tool"
                    yield ToolCall(name, self._shown(call.arguments)[:2000], _problem(result))
                    if result.rows is not None:
                        yield SqlRows(result.rows, result.note)
                    content = result.message
                else:
                    content = json.dumps({"note": "you have this result already: answer, or ask for something else"})
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})

    def _with_facts(self, llm: LlmSettings, text: str, question: str, turn: _Turn) -> Iterator[Event]:
        """For endpoints without tools: one JSON document of what the look-up finds for the question."""
        looked_up = self._lookup.ask(text)
        results = [self._toolbox.call("list_clusters", "{}")]
        data: dict[str, Any] = {"clusters": results[0].data}
        if looked_up.facts:
            results.append(ToolResult(self._toolbox.of_facts(looked_up.facts[:40]), looked_up.facts[:40]))
            data["facts"] = results[-1].data["facts"]
        if looked_up.tool:
            name, arguments = looked_up.tool
            results.append(self._toolbox.call(name, json.dumps(arguments)))
            data[name] = results[-1].data
        for result in results:
            self._take(result, turn)
            if result.rows is not None:
                yield SqlRows(result.rows, result.note)
        content = json.dumps({"question": question, "data": data}, ensure_ascii=False, separators=(",", ":"))
        yield from self._stream(llm, [*self._opening(), {"role": "user", "content": content}], turn, tools=None)

    def _opening(self) -> list[dict[str, Any]]:
        """The fixed prompt, and earlier questions with their answers, as many as there is room for."""
        kept: list[tuple[str, str]] = []
        room = self._limits.history_characters
        for question, answer in reversed(self._history):
            room -= len(question) + len(answer)
            if room < 0:
                break
            kept.append((question, answer))
        messages: list[dict[str, Any]] = [{"role": "system", "content": _SYSTEM}]
        for question, answer in reversed(kept):
            messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return messages

    def _remember(self, question: str, answer: str) -> None:
        self._history.append((question, answer))
        del self._history[:-50]

    def _mentioned(self, facts: list[Fact], text: str) -> list[str]:
        """Ids of the facts whose value, as it was sent, is in the text."""
        sent = self._toolbox.of_facts(facts)["facts"]
        return [fact["id"] for fact in sent if re.search(rf"(?<![\d.,]){re.escape(fact['value'])}(?![\d%])", text)]

    def _take(self, result: ToolResult, turn: _Turn) -> None:
        """Note what a result holds: numbers, facts, sources."""
        self._known.add(result.data)
        if result.failed:
            return
        turn.facts += result.facts
        turn.statements += result.statements
        turn.tables += result.tables
        self._facts |= {fact.fact_id: fact for fact in result.facts}

    def _stream(
        self, llm: LlmSettings, messages: list[dict[str, Any]], turn: _Turn, *, tools: ToolChoice | None
    ) -> Generator[Event, None, list[Call]]:
        """One request; text comes out sentence by sentence, each number checked; gives the tool calls.

        Raises:
            BrokenAnswerError: no answer, or one that broke off.
            NoToolsError: the endpoint refuses requests with tools.
        """
        self._client = self._client or llm.open_client()
        self._spent += sum(len(str(message.get("content") or "")) for message in messages)
        answer = Completion(self._client, llm, messages, self._toolbox.definitions if tools else [], tools or "auto")
        waiting = ""
        try:
            with closing(iter(answer)) as texts:
                for text in texts:
                    if time.monotonic() > turn.deadline:
                        raise BrokenAnswerError(f"no complete answer within {self._limits.answer_seconds:g} s")
                    self._spent += len(text)
                    ready, waiting = _sentences(waiting + plain(text))
                    if ready:
                        yield self._checked(ready, turn)
                    if len(turn.text) > _LONGEST:
                        raise BrokenAnswerError("the answer does not end")
        except EndpointError:
            if waiting:  # half a sentence: its last number may be half a number
                yield self._checked(f"{waiting.rpartition(' ')[0]} …", turn)
            raise
        if waiting:
            yield self._checked(waiting, turn)
        return answer.calls

    def _checked(self, text: str, turn: _Turn) -> TextDelta:
        marked, unknown = mark_unknown(text, self._known)
        turn.text += marked
        turn.unknown += unknown
        return TextDelta(self._shown(marked))

    def _shown(self, text: str) -> str:
        return self._aliases.show(plain(text))


@dataclass
class _Last:
    """The last question, and how it was answered."""

    question: str
    calls: list[ToolCall] = field(default_factory=list)
    rows: SqlAnswer | None = None
    answer: Answer | None = None

    @property
    def explained(self) -> str:
        """The query, what the model looked up, facts and SQL."""
        answer = self.answer or Answer("", BY_LOOKUP)
        lines = [f"Question: {self.question}", f"Answered by: {answer.written_by}"]
        lines += [f"Query: {answer.read_as}"] if answer.read_as else []
        lines += [f"Tool: {call.name} {call.arguments}" for call in self.calls]
        lines += [f"Facts: {', '.join(answer.facts)}"] if answer.facts else []
        lines += [f"Tables: {', '.join(answer.tables)}"] if answer.tables else []
        lines += [f"SQL:\n{statement}" for statement in answer.statements]
        return "\n".join(lines)


@dataclass
class _Turn:
    """What has come together for one answer; ``text`` as it was sent, with aliases."""

    deadline: float
    text: str = ""
    unknown: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)


def open_conversation(settings: Settings, *, use_model: bool = True) -> Conversation:
    """A conversation over the published database of these settings, with their endpoint."""
    return Conversation(LlmSettings.of(settings) if use_model else None, settings.storage.serving_path)


def _told(found: LookupAnswer) -> Iterator[Event]:
    yield TextDelta(found.text)
    if found.table is not None:
        yield SqlRows(found.table, bars=found.bars)
    for other in found.more:
        if other.table is not None:
            yield SqlRows(other.table, bars=other.bars)
    queries = [found.reading.query, *found.reading.more] if found.reading and found.reading.query else []
    yield Answer(
        found.text,
        BY_LOOKUP,
        facts=[fact.fact_id for fact in found.facts],
        statements=list(found.statements),
        read_as="; ".join(as_question(query) for query in queries if query),
    )


def _problem(result: ToolResult) -> str | None:
    return str(result.data["error"]) if result.failed else None


def _sentences(text: str) -> tuple[str, str]:
    """Whole sentences and lines, and the rest."""
    ends = [match.end() for match in re.finditer(r"(?<![\d\s][.])(?<=[.!?:;])\s+|\n", text)]
    return (text[: ends[-1]], text[ends[-1] :]) if ends else ("", text)


def _cut(answer: SqlAnswer) -> str:
    return " (there are more: add a condition or aggregate)" if answer.truncated else ""
