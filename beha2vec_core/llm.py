"""One question to any OpenAI-compatible endpoint, answered as a Pydantic model, or an error that says why not."""

import json
import time
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr, ValidationError

Message = dict[str, str]
OPENAI_URL = "https://api.openai.com/v1"
Answer = TypeVar("Answer", bound=BaseModel)


class LlmSettings(BaseModel):
    """Which endpoint to ask. OpenAI needs a key; a server of one's own (vLLM, Ollama, llama.cpp) an address."""

    base_url: str | None = None
    api_key: SecretStr | None = None
    model: str = "gpt-5-mini"
    timeout_s: float = 60.0  # until the endpoint sends something
    max_retries: int = 2  # after 429, 5xx, time-outs and lost connections, with growing waits
    max_output_tokens: int = 4000  # reasoning included

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


class EndpointError(RuntimeError):
    """The endpoint cannot be used now: not reached, refused, limited or failing, after all retries."""


class AnswerError(RuntimeError):
    """The endpoint answered, but not with what was asked for; asking again may help."""


@dataclass
class Usage:
    """What the questions cost."""

    model: str
    endpoint_host: str
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_s: float = 0.0
    problems: list[str] = field(default_factory=list)  # why an answer was not used; never an answer's text or the key


class LlmClient:
    """Asks with ``chat.completions.parse``; where the endpoint or its answer does not fit, with json_object."""

    def __init__(self, settings: LlmSettings) -> None:
        """Open no connection yet."""
        from openai import OpenAI

        key = settings.api_key.get_secret_value() if settings.api_key else ""
        self._settings = settings
        self._client = OpenAI(
            base_url=settings.url,
            api_key=key or "none",  # the client insists on one; servers of one's own ignore it
            timeout=settings.timeout_s,
            max_retries=settings.max_retries,
        )
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
        self.usage.requests += 1
        try:
            if self._uses_schema:
                try:
                    return self._parse(messages, answer)
                except (openai.BadRequestError, openai.UnprocessableEntityError):
                    self._uses_schema = False  # the endpoint knows no JSON schemas
                    self.usage.requests += 1
            return self._json_object(messages, answer)
        except openai.APITimeoutError as error:
            raise EndpointError(f"no answer within {self._settings.timeout_s:g} s") from error
        except openai.APIStatusError as error:
            raise EndpointError(f"status {error.status_code} ({type(error).__name__})") from error
        except openai.APIConnectionError as error:
            raise EndpointError("the connection failed") from error
        except ValidationError as error:
            self._uses_schema = False  # claims to follow schemas, does not
            raise AnswerError(_where(error)) from error
        except openai.LengthFinishReasonError as error:
            self._count(error.completion)
            raise AnswerError(f"longer than {self._settings.max_output_tokens} tokens") from error
        except AnswerError:
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
            max_completion_tokens=self._settings.max_output_tokens,
        )
        self._count(completion)
        message = completion.choices[0].message
        if message.parsed is None:
            raise AnswerError("the model refused" if message.refusal else "empty answer")
        return message.parsed

    def _json_object(self, messages: list[Message], answer: type[Answer]) -> Answer:
        schema = json.dumps(answer.model_json_schema(), separators=(",", ":"))
        asked = [{**messages[0], "content": f"{messages[0]['content']}\nThe JSON schema: {schema}"}, *messages[1:]]
        completion = self._client.chat.completions.create(
            model=self._settings.model,
            messages=cast(Any, asked),
            response_format={"type": "json_object"},
            max_completion_tokens=self._settings.max_output_tokens,
        )
        self._count(completion)
        return answer.model_validate_json(completion.choices[0].message.content or "")

    def _count(self, completion: Any) -> None:
        if usage := getattr(completion, "usage", None):
            self.usage.prompt_tokens += usage.prompt_tokens or 0
            self.usage.completion_tokens += usage.completion_tokens or 0


def _where(error: ValidationError) -> str:
    """What does not fit the schema: places and reasons, without the text itself."""
    first = error.errors(include_input=False, include_url=False)[:3]
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'answer'}: {e['type']}: {e['msg']}"[:200] for e in first)
