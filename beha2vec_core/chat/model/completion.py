"""One streamed answer of an OpenAI-compatible endpoint. Whatever a server sends, the chat goes on."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from beha2vec_core.llm import EndpointError, LlmSettings, endpoint_errors

ToolChoice = Literal["auto", "none"]
_LONGEST_ARGUMENTS = 50_000  # characters, of all tool calls


class BrokenAnswerError(EndpointError):
    """The endpoint's answer cannot be used; the message says why."""


class NoToolsError(Exception):
    """The endpoint refuses requests with tools."""


@dataclass
class Call:
    """A tool call, put together from its pieces."""

    id: str
    name: str = ""
    arguments: str = ""  # JSON, if the model can write it

    def as_message(self) -> dict[str, Any]:
        """The call as it goes back to the endpoint; arguments that are no JSON would break some servers."""
        try:
            arguments = json.dumps(json.loads(self.arguments or "{}"))
        except ValueError:
            arguments = "{}"
        return {"id": self.id, "type": "function", "function": {"name": self.name[:60], "arguments": arguments}}


@dataclass
class Completion:
    """One request: iterate over the text of the answer, a string a chunk; then ``calls`` has the tool calls.

    Raises, while iterating:
        BrokenAnswerError: there is no answer, or it broke off, or was cut.
        EndpointError: the endpoint cannot be used now.
        NoToolsError: it refuses requests with tools.
    """

    client: Any  # openai.OpenAI
    llm: LlmSettings
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]  # none: the request speaks of no tools
    tool_choice: ToolChoice = "auto"
    calls: list[Call] = field(init=False, default_factory=list)

    def __iter__(self) -> Generator[str, None, None]:
        """The text of each chunk; empty for one without text."""
        stream, finished = self._open(), None
        pieces: dict[int, Call] = {}
        try:
            for chunk in _chunks(stream, self.llm):
                text = ""
                for choice in chunk.choices or []:
                    finished = choice.finish_reason or finished
                    if choice.delta is not None:
                        text += choice.delta.content or ""
                        for piece in choice.delta.tool_calls or []:
                            _collect(pieces, piece)
                yield text
                if sum(len(call.arguments) for call in pieces.values()) > _LONGEST_ARGUMENTS:
                    raise BrokenAnswerError("the answer does not end")
        except (AttributeError, TypeError, ValueError) as error:  # JSON, but no chunks of a completion
            raise BrokenAnswerError(f"unreadable answer ({type(error).__name__})") from error
        finally:
            stream.close()
        if finished is None:
            raise BrokenAnswerError("the connection ended in the middle of the answer")
        if finished == "length":
            raise BrokenAnswerError(f"the answer is longer than {self.llm.max_output_tokens} tokens, and was cut")
        self.calls = [call for _, call in sorted(pieces.items()) if call.name]

    def _open(self) -> Any:
        import openai

        more: dict[str, Any] = {"tools": self.tools, "tool_choice": self.tool_choice} if self.tools else {}
        more[self.llm.limit_name] = self.llm.max_output_tokens
        try:
            with endpoint_errors(self.llm):
                try:
                    return self.client.chat.completions.create(
                        model=self.llm.model, messages=cast(Any, self.messages), stream=True, **more
                    )
                except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                    if self.tools:
                        raise NoToolsError from error
                    raise
        except (EndpointError, NoToolsError):
            raise
        except Exception as error:
            raise BrokenAnswerError(f"unreadable answer ({type(error).__name__})") from error


def _chunks(stream: Any, llm: LlmSettings) -> Iterator[Any]:
    """The stream's chunks; failures are raised in our words."""
    import openai

    try:
        yield from stream
    except GeneratorExit:
        raise
    except openai.APITimeoutError as error:
        raise BrokenAnswerError(f"no data for {llm.timeout_seconds:g} s in the middle of the answer") from error
    except Exception as error:
        if "timeout" in type(error).__name__.lower():
            raise BrokenAnswerError(f"no data for {llm.timeout_seconds:g} s in the middle of the answer") from error
        raise BrokenAnswerError(f"the answer broke off ({type(error).__name__})") from error


def _collect(calls: dict[int, Call], piece: Any) -> None:
    """Put a piece of a tool call to the pieces before."""
    call = calls.setdefault(int(piece.index or 0), Call(piece.id or f"call_{piece.index or 0}"))
    if piece.function is not None:
        call.name += piece.function.name or ""
        call.arguments += piece.function.arguments or ""
