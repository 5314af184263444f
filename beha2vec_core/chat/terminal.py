"""The chat in a terminal: first screen, prompt with history, streaming, one-shot."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from beha2vec_core.chat.answers.answer import CAN_DO
from beha2vec_core.chat.clusters.text import cluster_line
from beha2vec_core.chat.conversation import COMMANDS, Conversation
from beha2vec_core.chat.data.database import NotInData
from beha2vec_core.chat.events import BY_LOOKUP, Answer, Notice, SqlRows, TextDelta, ToolCall
from beha2vec_core.chat.show import as_csv, plain, table
from beha2vec_core.words import counted

_WIDTH = 110
_PROMPT = "> "
_CSV_HELP = "/csv FILE              the last table as a file"
_SHOWN_FACTS = 8
_SHOWN_ROWS = 50


def first_screen(conversation: Conversation) -> str:
    """Date of the data, clusters, and where questions go.

    Raises:
        NotInData: there is nothing to talk about.
    """
    overview = conversation.overview()
    lines = [f"{overview.in_words}:"]
    lines += [cluster_line(cluster) for cluster in overview.clusters]
    if conversation.endpoint_host:
        lines.append(
            f"\nQuestions and the facts looked up for them go to {conversation.model} at {conversation.endpoint_host}; "
            f"users' ids, e-mail addresses and groups of fewer than {conversation.min_users} users do not."
        )
    else:
        lines.append(
            "\nNo language model is configured (OPENAI_API_KEY or BEHA2VEC_LLM_BASE_URL): answers are looked up in the "
            "facts, and nothing leaves this machine."
        )
    lines.append("Ask, or type /help.")
    return plain("\n".join(lines))


def answer_once(conversation: Conversation, question: str, write: Callable[[str], None] | None = None) -> bool:
    """Print the answer to one question; whether anything of the data stands behind it."""
    write = write or _Paper()
    answer: Answer | None = None
    streamed = ""
    for event in conversation.ask(question):
        if isinstance(event, TextDelta):
            streamed += event.text
            write(plain(event.text))
        elif isinstance(event, ToolCall):
            streamed = _end_line(streamed, write)
            problem = f": {event.problem}" if event.problem else ""
            write(plain(f"  [{event.name} {event.arguments}{problem}]".replace("\n", " ")) + "\n")
        elif isinstance(event, SqlRows):
            streamed = _end_line(streamed, write)
            shown = event.answer.rows[:_SHOWN_ROWS]
            write(table(event.answer.columns, shown, width=_WIDTH) + "\n")
            if len(event.answer.rows) > len(shown):
                write(f"(the first {len(shown)} of {len(event.answer.rows)} rows)\n")
            if event.note:
                write(f"{event.note}\n")
        elif isinstance(event, Notice):
            streamed = _end_line(streamed, write)
            write(plain(f"! {event.text}") + "\n")
        else:
            answer = event
    assert answer is not None
    if not streamed:
        write(plain(answer.text))
    write("\n" + plain(sources(answer)))
    return answer.has_source


def sources(answer: Answer) -> str:
    """What the answer stands on, in words, its SQL aside (/explain); ends in a line break unless it is empty."""
    lines = []
    if answer.unknown_numbers:
        lines.append(f"Not found in the data: {', '.join(answer.unknown_numbers)}. Do not rely on it.")
    if answer.facts:
        more = f" and {len(answer.facts) - _SHOWN_FACTS} more" if len(answer.facts) > _SHOWN_FACTS else ""
        lines.append(f"Source: facts {', '.join(answer.facts[:_SHOWN_FACTS])}{more}")
    if answer.tables:
        lines.append(f"Source: {', '.join(answer.tables)}")
    if not answer.has_source and answer.written_by != BY_LOOKUP:
        lines.append("No source in your data: nothing was looked up for this answer.")
    return "".join(f"{line}\n" for line in lines)


def chat(conversation: Conversation, history: Path, note: Callable[[Path], None]) -> None:
    """Ask and answer until /exit or Ctrl-D; Ctrl-C stops an answer.

    Args:
        conversation: that answers.
        history: the file that keeps the questions.
        note: called with each file that is written, as `store.written.note_written` needs it.
    """
    print(first_screen(conversation))
    with _readline(history):
        while True:
            try:
                question = input(_PROMPT).strip()
            except EOFError:
                print()
                return
            except KeyboardInterrupt:
                print()
                continue
            if question in ("/exit", "/quit", "exit", "quit"):
                return
            if question == "/help":
                print(f"{_CSV_HELP}\n{COMMANDS}\n\n{CAN_DO if conversation.endpoint_host is None else ''}".rstrip())
            elif question.split()[:1] == ["/csv"]:
                print(write_csv(conversation, question.partition("/csv")[2].strip(), note))
            elif question:
                try:
                    answer_once(conversation, question)
                except KeyboardInterrupt:
                    print("\n(stopped)")
                except NotInData as error:
                    print(error)


def write_csv(conversation: Conversation, name: str, note: Callable[[Path], None]) -> str:
    """Write the last table to a new file, and note it, as its rows may name users; what happened, in words."""
    rows = conversation.last_rows
    if not name:
        return "Give a file, for example: /csv revenue.csv"
    if rows is None:
        return "The last answer has no table."
    path = Path(name).expanduser()
    try:
        with path.open("xb") as file:
            note(path)
            file.write(as_csv(rows.columns, rows.rows))
    except FileExistsError:
        return f"{path} exists: give another name."
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}."
    more = ", the first of more" if rows.truncated else ""
    return f"{counted(len(rows.rows), 'row')} in {path}{more}."


@contextmanager
def _readline(history: Path) -> Iterator[None]:
    """Line editing and a history file, where the terminal has them."""
    with suppress(ImportError, OSError):
        import readline

        readline.set_history_length(500)
        if history.exists():
            readline.read_history_file(str(history))
    try:
        yield
    finally:
        with suppress(ImportError, OSError):
            import readline

            history.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(str(history))
            history.chmod(0o600)  # questions may name users


class _Paper:
    """Writes to standard output what comes in pieces, folded at words; a folded line goes on at its own indent."""

    def __init__(self) -> None:
        self._column = 0
        self._indent = 0

    def __call__(self, text: str) -> None:
        """Write a piece; it may begin and end anywhere in a line."""
        for token in re.findall(r"\n|[^\S\n]+|\S+", text):
            if token == "\n":
                self._column = self._indent = 0
            elif self._column + len(token) > _WIDTH and self._column > self._indent:
                fold = "\n" + " " * self._indent
                token = fold if token.isspace() else fold + token
                self._column = len(token) - 1
            else:
                if self._column == 0:
                    self._indent = len(token) + 2 if token.isspace() else 0
                self._column += len(token)
            sys.stdout.write(token)
        sys.stdout.flush()


def _end_line(streamed: str, write: Callable[[str], None]) -> str:
    if streamed and not streamed.endswith("\n"):
        write("\n")
        return streamed + "\n"
    return streamed
