"""Chat: questions in words, answers as they come, with their facts and SQL."""

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from beha2vec_core.chat.conversation import Conversation, open_conversation
from beha2vec_core.chat.data.database import NotInData
from beha2vec_core.chat.data.sql import SqlAnswer
from beha2vec_core.chat.events import BY_LOOKUP, Answer, Bars, Event, Notice, SqlRows, TextDelta, ToolCall
from beha2vec_core.chat.show import as_csv, plain
from beha2vec_core.explorer import page, tables
from beha2vec_core.explorer.charts.chat import answer_bars
from beha2vec_core.explorer.data import overview, profile
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_html, in_markdown, shown
from beha2vec_core.explorer.views import parts
from beha2vec_core.words import counted

_EXAMPLES = (
    "Which clusters are there?",
    "Conversion rate by channel last month",
    "Which cluster buys most?",
    "Compare the two largest clusters",
    "Who is likely to come back next week?",
)
_TURNS, _CONVERSATION, _HIGHLIGHT = "_chat_turns", "_chat_conversation", "_chat_highlight"
_CHARTS, _TABLES = "_chat_charts", "_chat_tables"
_KEPT = 50  # questions shown
_CELL = 200


@dataclass
class Turn:
    """A question, and what came for it so far."""

    question: str
    events: list[Event] = field(default_factory=list)


def render(published: Published) -> None:
    """Show the page."""
    conversation = _conversation(published)
    _who_answers(conversation)
    st.session_state[_CHARTS] = st.session_state[_TABLES] = 0  # on this page so far: each has a key of its own
    turns: list[Turn] = st.session_state.setdefault(_TURNS, [])
    for turn in turns:
        _show(published, turn.question, iter(turn.events))
    asked = st.chat_input("Ask about your users", max_chars=4_000, key="chat_input") or (None if turns else _example())
    highlight = None if asked else _highlight(published)
    if question := asked or highlight:
        turn = Turn(question)
        turns.append(turn)
        del turns[:-_KEPT]
        # a link must not make a model be asked
        events = conversation.ask(question) if asked else conversation.look_up(question)
        _show(published, question, _kept(events, turn))
        st.rerun()  # the examples are no longer shown


def _conversation(published: Published) -> Conversation:
    """This person's conversation; after a new publication a new one, over the new file."""
    held = st.session_state.get(_CONVERSATION)
    if held is None or held[0] != published.identity:
        if held is not None:
            held[1].close()
        held = st.session_state[_CONVERSATION] = (published.identity, open_conversation(page.settings()))
    conversation: Conversation = held[1]
    return conversation


def _who_answers(conversation: Conversation) -> None:
    if conversation.endpoint_host is None:
        notice = "No language model is set up: answers are looked up in the facts, and nothing leaves this machine."
    else:
        notice = (
            f"{in_html(conversation.model)} at {in_html(conversation.endpoint_host)} answers. It receives your "
            "questions and the facts looked up for them, but no ids, e-mail addresses or groups of fewer than "
            f"{conversation.min_users} users. Every number is checked against the data."
        )
    page.write(f'<p class="b2v-quiet">{notice}</p>')


def _example() -> str | None:
    with st.container(horizontal=True):
        chosen = [question for question in _EXAMPLES if st.button(question, key=f"example_{question}")]
    return chosen[0] if chosen else None


def _highlight(published: Published) -> str | None:
    """The question of the highlight that the page's address names, once."""
    highlight_id = st.query_params.get("highlight")
    if highlight_id is None or highlight_id == st.session_state.get(_HIGHLIGHT):
        return None
    st.session_state[_HIGHLIGHT] = highlight_id
    return published.ask(overview.question_of, highlight_id[:100])


def _kept(events: Iterator[Event], turn: Turn) -> Iterator[Event]:
    """The events of a new question; each is kept before it is shown, also where the person stops the answer."""
    try:
        for event in events:
            turn.events.append(event)
            yield event
    except NotInData as error:
        notice = Notice(f"Your data cannot answer this: {error}.")
        turn.events.append(notice)
        yield notice


def _show(published: Published, question: str, events: Iterator[Event]) -> None:
    with st.chat_message("user"):
        _text(question)
    with st.chat_message("assistant"):
        said, place, has_said = "", None, False
        for event in events:
            if isinstance(event, TextDelta):
                place = place or st.empty()
                said, has_said = said + event.text, True
                _text(said, place)
                continue
            if not isinstance(event, Answer):
                said, place = "", None  # text that follows stands below
            if isinstance(event, ToolCall):
                _call(event)
            elif isinstance(event, SqlRows):
                _rows(event.answer, event.note)
                if event.bars is not None:
                    _chart(event.bars)
            elif isinstance(event, Notice):
                page.write(f'<p class="b2v-quiet">{html.escape(plain(event.text))}</p>')
            elif isinstance(event, Answer):
                if not has_said:
                    _text(event.text)
                _sources(published, event)


def _text(text: str, place: st.delta_generator.DeltaGenerator | None = None) -> None:
    """Text with its line breaks and items of lists, and nothing else of its own."""
    markup = "".join(_line(line) for line in html.escape(plain(text).strip()).split("\n"))
    (place or st).html(f'<div class="b2v-text">{markup}</div>')


def _line(line: str) -> str:
    if line.lstrip().startswith("- "):
        return f'<div class="b2v-item">{line.lstrip()[2:]}</div>'
    return f'<div class="b2v-line">{line or "<br>"}</div>'


def _call(call: ToolCall) -> None:
    with st.expander(f"Looked up: {in_markdown(call.name.replace('_', ' '), 60)}"):
        try:
            arguments = json.loads(call.arguments)
        except ValueError:
            arguments = None
        if call.name == "sql" and isinstance(arguments, dict) and isinstance(arguments.get("statement"), str):
            st.code(plain(arguments["statement"]), language="sql", wrap_lines=True)
        else:
            st.code(plain(call.arguments), language=None, wrap_lines=True)
        if call.problem:
            _text(f"No result: {call.problem}")


def _rows(answer: SqlAnswer, note: str) -> None:
    columns = [shown(name, 60) or "?" for name in answer.columns]
    rows = [[shown(cell, _CELL) if isinstance(cell, str) else cell for cell in row] for row in answer.rows]
    frame = pd.DataFrame(rows, columns=[f"{name} ({place})" if columns.count(name) > 1 else name
                                        for place, name in enumerate(columns, start=1)])  # fmt: skip
    for name, is_number in zip(frame.columns, answer.numbers, strict=True):
        if not is_number:
            frame[name] = [shown(cell, _CELL) for cell in frame[name]]
    st.dataframe(frame, hide_index=True, alt="Rows of the SQL")
    more = f", the first {len(answer.rows):,} of more" if answer.truncated else ""
    st.caption(f"n = {counted(len(answer.rows), 'row')}{more}. {note}".rstrip())
    number = st.session_state[_TABLES] = st.session_state[_TABLES] + 1
    parts.download("CSV", lambda: as_csv(answer.columns, answer.rows), f"beha2vec_answer_{number}.csv")


def _chart(bars: Bars) -> None:
    charts = st.session_state[_CHARTS] = st.session_state[_CHARTS] + 1
    page.chart(
        answer_bars(bars, dark=page.is_dark()), f"chat_chart_{charts}", f"{bars.title}: a bar a row of the table"
    )


def _sources(published: Published, answer: Answer) -> None:
    if answer.unknown_numbers:
        st.warning(f"Not found in the data: {', '.join(map(in_markdown, answer.unknown_numbers))}.")
    if answer.facts:
        facts = published.ask(profile.named, tuple(answer.facts[:_KEPT]))
        with st.expander(f"Sources: facts ({len(answer.facts):,})"):
            page.table(
                {
                    "Cluster": tables.numbers(facts["cluster_key"], "{}"),
                    "Fact": [shown(label, 90) for label in facts["label"]],
                    "Value": tables.Numbers(facts["shown_value"]),
                    "All users": tables.Numbers(facts["shown_population"]),
                    "n": tables.numbers(facts["support"]),
                    "Id": [shown(one, 80) for one in facts["fact_id"]],
                }
            )
    if answer.statements:
        with st.expander(f"Sources: SQL ({len(answer.statements):,})"):
            for statement in answer.statements:
                st.code(plain(statement), language="sql", wrap_lines=True)
    if answer.tables:
        page.write(f'<p class="b2v-quiet">Source: {in_html(", ".join(answer.tables), 300)}</p>')
    if not answer.has_source and answer.written_by != BY_LOOKUP:
        st.warning("No source in your data: nothing was looked up for this answer.")
