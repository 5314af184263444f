"""Checks of other services: language model, embedding model, alerts."""

import importlib.metadata
import importlib.util
import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

from beha2vec_core.activation.config import load_destinations
from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.activation.written_by import who_else_writes
from beha2vec_core.alerts import NoRedirect, targets
from beha2vec_core.audiences.file import AudienceError, load_audiences
from beha2vec_core.cli.doctor.check import Check, fail, ok, warn
from beha2vec_core.llm import LlmSettings
from beha2vec_core.settings import Settings
from beha2vec_core.words import counted

_NETWORK_SECONDS = 5.0
_HUB = "https://huggingface.co"


def check_language_model(settings: Settings) -> Check:
    """The endpoint for insights, where one is configured, answers and has the model."""
    llm = LlmSettings.of(settings)
    if not llm.is_configured:
        return ok("none configured: insights come from the template (BEHA2VEC_LLM_BASE_URL or OPENAI_API_KEY sets one)")
    address = llm.url + "/models"
    shown = address.split("://")[0] + "://" + address.split("://")[-1].rpartition("@")[2]
    request = urllib.request.Request(address)
    if llm.api_key:
        request.add_header("Authorization", f"Bearer {llm.api_key.get_secret_value()}")
    fallback = "; until then insights come from the template"
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=_NETWORK_SECONDS) as response:
            content = response.read(5_000_000)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403):
            return fail(f"{shown} refuses the key (status {error.code})", f"set OPENAI_API_KEY{fallback}")
        if error.code == 404:
            return warn(f"{shown} answers with status 404", "check the end of the address, such as /v1")
        return fail(
            f"{shown} answers with status {error.code}", f"check BEHA2VEC_LLM_BASE_URL and the server{fallback}"
        )
    except OSError as error:
        why = getattr(error, "reason", None) or error
        return fail(f"{shown} cannot be reached: {why}", f"start the server or fix BEHA2VEC_LLM_BASE_URL{fallback}")
    try:
        names = [model["id"] for model in json.loads(content)["data"]]
    except (ValueError, KeyError, TypeError):
        return warn(f"{shown} answers, but without a list of models", "check that it is an OpenAI-compatible endpoint")
    if llm.model not in names:
        return warn(f"{shown} has no model {llm.model!r}", f"set BEHA2VEC_LLM_MODEL to one of: {', '.join(names[:8])}")
    return ok(f"{shown} has {llm.model}")


def check_embedding_model(settings: Settings) -> Check:
    """The model for page themes is on this machine, or can be fetched."""
    from beha2vec_core.pages.embedder import BUNDLED_PACKAGE, DEFAULT_MODEL, Embedder
    from beha2vec_core.pages.weights import ModelUnavailable, TamperedWeights, weights_sha256

    model = settings.pages.embedding_model
    if model == DEFAULT_MODEL and importlib.util.find_spec(BUNDLED_PACKAGE):
        try:
            return ok(f"{Embedder.find(model).version}, from the package {BUNDLED_PACKAGE}")
        except TamperedWeights as error:
            return fail(str(error), "reinstall it, as the message says")
    if Path(model).is_dir():
        try:
            weights_sha256(Path(model))
        except ModelUnavailable as error:
            return warn(
                str(error), "set BEHA2VEC_EMBEDDING_MODEL to a model's folder; until then only rules classify pages"
            )
    if Path(model).is_dir() or _in_hub_cache(model):
        return ok(f"{model} is on this machine")
    host = _HUB.removeprefix("https://")
    try:
        socket.create_connection((host, 443), timeout=_NETWORK_SECONDS).close()
    except OSError as error:
        return warn(
            f"{model} is not on this machine and {host} cannot be reached ({error}): only the rules classify pages",
            "pip install 'beha2vec[offline]', or set BEHA2VEC_EMBEDDING_MODEL to the folder of a model",
        )
    return ok(f"{model} will be downloaded from {host} when first needed")


def _in_hub_cache(model: str) -> bool:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        snapshot_download(model, local_files_only=True)
    except (OSError, HfHubHTTPError, HFValidationError):
        return False
    return True


def check_alerts(settings: Settings) -> Check:
    """Whether alerts have a recipient; nothing is sent here."""
    recipients = [target.name for target in targets(settings)]
    if not recipients:
        return ok("none configured: failed runs and checks appear only in Dagster (docs/operations.md)")
    return ok(f"sent to {', '.join(recipients)}; `beha2vec alerts test` sends a test")


def check_activation(settings: Settings) -> Check:
    """The files of audiences and destinations can be read, and what is sent at night is decided by this user alone."""
    try:
        audiences = load_audiences(settings.audiences.file)
        destinations = load_destinations(settings.activation.file)
    except (AudienceError, ActivationError) as error:
        return fail(str(error), "correct the file, as the message says")
    sent = sum(to.send for audience in audiences for to in audience.activate)
    if sent and (problem := who_else_writes(settings)):
        return fail(problem, "chmod go-w, or keep the file where the explorer cannot write: BEHA2VEC_AUDIENCES_FILE")
    return ok(
        f"{counted(len(audiences), 'audience')}, {counted(len(destinations), 'destination')}, "
        f"{counted(sent, 'sending')} at night"
    )
