"""One question to any OpenAI-compatible endpoint, answered as a Pydantic model, or an error that says why not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from beha2vec_core.settings import Settings
from beha2vec_core.settings.groups import Llm

if TYPE_CHECKING:
    from openai import OpenAI

Message = dict[str, str]
_CHARS_A_TOKEN = 3  # rather too few than too many: facts are full of ids and signs
_LEAST_USEFUL_TOKENS = 300
OPENAI_URL = "https://api.openai.com/v1"
Answer = TypeVar("Answer", bound=BaseModel)


class LlmSettings(Llm, alias_generator=str, populate_by_name=True):
    """Which endpoint to ask. OpenAI needs a key; a server of your own (vLLM, Ollama, llama.cpp) an address.

    Beside the settings of the project: how often one question is asked again, and how long one answer may be.
    """

    max_retries: int = 2  # after 429, 5xx, time-outs and lost connections, with growing waits
    max_output_tokens: int = 4000  # of one answer, reasoning included

    @property
    def is_configured(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self.base_url or (self.api_key and self.api_key.get_secret_value()))

    @property
    def url(self) -> str:
        """The endpoint's address."""
        return self.base_url or OPENAI_URL

    @property
    def host(self) -> str:
        """The endpoint's host, the part of the address that may be shown."""
        return urlsplit(self.url).hostname or "unknown"

    @property
    def limit_name(self) -> str:
        """What the endpoint calls the longest answer."""
        # OpenAI's reasoning models refuse the older name, some other servers do not know the newer one
        return "max_completion_tokens" if self.host.endswith(("openai.com", "azure.com")) else "max_tokens"

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The endpoint of the project's settings."""
        return cls(**dict(settings.llm))

    def open_client(self) -> OpenAI:
        """A client of the endpoint, without a connection yet."""
        from openai import OpenAI

        key = self.api_key.get_secret_value() if self.api_key else ""
        return OpenAI(
            base_url=self.url,
            api_key=key or "none",  # the client insists on one; your own servers ignore it
            timeout=self.timeout_seconds,
            max_retries=self.max_retries,
        )


class EndpointError(RuntimeError):
    """The endpoint cannot be used now: not reached, refused, limited or failing, after all retries."""


class BudgetError(EndpointError):
    """The next question might go beyond the tokens or the cost that one run may take."""


class AnswerError(RuntimeError):
    """The endpoint answered, but not with what was asked for; asking again may help."""


@contextmanager
def endpoint_errors(settings: LlmSettings) -> Iterator[None]:
    """What the client raises, in our words, which hold no text of the endpoint.

    Raises:
        EndpointError: the endpoint cannot be used now.
    """
    import openai

    try:
        yield
    except openai.APITimeoutError as error:
        raise EndpointError(f"no answer within {settings.timeout_seconds:g} s") from error
    except openai.APIStatusError as error:
        raise EndpointError(f"status {error.status_code} ({type(error).__name__})") from error
    except openai.APIConnectionError as error:
        raise EndpointError("the connection failed") from error


@dataclass
class Usage:
    """What the questions cost."""

    model: str | None = None
    endpoint_host: str | None = None
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None  # in the currency of the prices; None where they are not set
    latency_s: float = 0.0
    problems: list[str] = field(default_factory=list)  # why an answer was not used; never an answer's text or the key


class LlmClient:
    """Asks with ``chat.completions.parse``; where the endpoint or its answer does not fit, with json_object."""

    def __init__(self, settings: LlmSettings) -> None:
        """Open no connection yet."""
        self._settings = settings
        self._client = settings.open_client()
        self._uses_schema = True
        self.usage = Usage(model=settings.model, endpoint_host=settings.host)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, messages: list[Message], answer: type[Answer]) -> Answer:
        """The endpoint's answer.

        Raises:
            EndpointError: no answer.
            AnswerError: an answer that is not what was asked for.
        """
        import openai

        started = time.monotonic()
        try:
            with endpoint_errors(self._settings):
                if self._uses_schema:
                    try:
                        return self._parse(messages, answer)
                    except (openai.BadRequestError, openai.UnprocessableEntityError):
                        self._uses_schema = False  # the endpoint knows no JSON schemas
                return self._json_object(messages, answer)
        except ValidationError as error:
            self._uses_schema = False  # claims to follow schemas, does not
            raise AnswerError(_where(error)) from error
        except openai.LengthFinishReasonError as error:
            self._count(error.completion, messages)
            raise AnswerError(f"longer than {self._settings.max_output_tokens} tokens") from error
        except (AnswerError, EndpointError):
            raise
        except Exception as error:  # whatever a server sends must not end the run
            raise AnswerError(f"unreadable answer ({type(error).__name__})") from error
        finally:
            self.usage.latency_s += time.monotonic() - started

    def _parse(self, messages: list[Message], answer: type[Answer]) -> Answer:
        completion = self._client.chat.completions.parse(
            model=self._settings.model,
            messages=cast(Any, messages),
            response_format=answer,
            **self._next_limit(messages),
        )
        self._count(completion, messages)
        message = completion.choices[0].message
        if message.parsed is None:
            raise AnswerError("the model refused" if message.refusal else "empty answer")
        return cast(Answer, message.parsed)

    def _json_object(self, messages: list[Message], answer: type[Answer]) -> Answer:
        schema = json.dumps(answer.model_json_schema(), separators=(",", ":"))
        asked = [{**messages[0], "content": f"{messages[0]['content']}\nThe JSON schema: {schema}"}, *messages[1:]]
        completion = self._client.chat.completions.create(
            model=self._settings.model,
            messages=cast(Any, asked),
            response_format={"type": "json_object"},
            **self._next_limit(asked),
        )
        self._count(completion, asked)
        return answer.model_validate_json(completion.choices[0].message.content or "")

    def _next_limit(self, messages: list[Message]) -> dict[str, Any]:
        """How long the next answer may be, by the name that the endpoint knows; counts the request.

        Raises:
            BudgetError: no useful answer fits into what is left.
        """
        limit = self._settings.max_output_tokens
        wanted = min(limit, _LEAST_USEFUL_TOKENS)
        asked, used = _estimated_tokens(messages), self.usage
        most = self._settings.max_tokens
        limit = min(limit, most - used.prompt_tokens - used.completion_tokens - asked)
        if limit < wanted:
            raise BudgetError(f"the budget of {most:,} tokens a run is spent")
        most_cost, price_in, price_out = self._settings.max_cost, self._settings.price_in, self._settings.price_out
        if most_cost is not None and price_in is not None and price_out is not None:
            left = most_cost - (used.cost or 0.0) - asked * price_in / 1e6
            limit = limit if price_out == 0 and left >= 0 else min(limit, int(left * 1e6 / max(price_out, 1e-9)))
            if limit < wanted:
                raise BudgetError(f"the budget of {most_cost:g} a run is spent")
        self.usage.requests += 1
        return {self._settings.limit_name: limit}

    def _count(self, completion: Any, messages: list[Message]) -> None:
        usage = getattr(completion, "usage", None)
        # an endpoint that counts nothing is taken at an estimate: a budget holds for it too
        prompt = usage.prompt_tokens if usage else _estimated_tokens(messages)
        text = "".join(choice.message.content or "" for choice in getattr(completion, "choices", None) or [])
        answered = usage.completion_tokens if usage else len(text) // _CHARS_A_TOKEN
        self.usage.prompt_tokens += prompt or 0
        self.usage.completion_tokens += answered or 0
        if self._settings.price_in is not None and self._settings.price_out is not None:
            self.usage.cost = (
                self.usage.prompt_tokens * self._settings.price_in
                + self.usage.completion_tokens * self._settings.price_out
            ) / 1e6


def _estimated_tokens(messages: list[Message]) -> int:
    return sum(len(message["content"]) for message in messages) // _CHARS_A_TOKEN


def _where(error: ValidationError) -> str:
    """What does not fit the schema: places and reasons, without the text itself."""
    first = error.errors(include_input=False, include_url=False)[:3]
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'answer'}: {e['type']}: {e['msg']}"[:200] for e in first)
