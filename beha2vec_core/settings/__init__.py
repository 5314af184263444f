"""Settings: all of them in groups, typed, read from ``BEHA2VEC_*`` variables and a ``.env`` file.

``settings.llm.model`` is ``BEHA2VEC_LLM_MODEL``; the groups are in ``groups``, the kinds of values in ``values``. A
wrong value stops the program at start with the variable's name and the remedy. Nothing else of ours is imported here:
values that only another module can judge are checked there when the program starts (``pages.require_valid_settings``).
"""

import os
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import Self

from dotenv import dotenv_values
from pydantic import BaseModel, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from beha2vec_core.settings.groups import (
    Activation,
    Alerts,
    Audiences,
    Bigquery,
    Compute,
    Dagster,
    Encoder,
    Explorer,
    Export,
    Fetch,
    Llm,
    Mcp,
    Pages,
    Predictions,
    Privacy,
    Storage,
)
from beha2vec_core.settings.values import TimeZone

PREFIX = "BEHA2VEC_"
# dbt's session_attribution_lookback_window_days
ATTRIBUTION_DAYS = 30
# former names of settings, which still count where the present name is not set
_FORMER = {"DBT_MEMORY_LIMIT": "MEMORY_LIMIT"}


class SettingsError(ValueError):
    """A setting has a value that cannot work; the message names the variable and the remedy."""


class Settings(BaseModel, frozen=True):
    """All settings. Paths may be relative: they count from the folder the program is started in."""

    export: Export
    storage: Storage
    bigquery: Bigquery
    encoder: Encoder
    compute: Compute
    pages: Pages
    fetch: Fetch
    llm: Llm
    predictions: Predictions
    audiences: Audiences
    activation: Activation
    dagster: Dagster
    privacy: Privacy
    alerts: Alerts
    explorer: Explorer
    mcp: Mcp

    def __init__(self, /, **values: object) -> None:
        """Values by their variable, in lower case and without its prefix: ``Settings(data_dir="data", llm_model="m")``.

        Settings that are not given have their default; the environment is not read.
        """
        super().__init__(**dict.fromkeys(type(self).model_fields, values))

    @classmethod
    def load(cls) -> Self:
        """Read the settings from the environment and ``.env``.

        Raises:
            SettingsError: a value cannot work, or one that is needed is not set; one line a variable, with the remedy.
        """
        try:
            found = [*dotenv_values(".env").items(), *os.environ.items()]  # the environment wins
            given = {variable.upper(): value for variable, value in found if value}  # NAME= means unset
            for old, new in _FORMER.items():
                if PREFIX + old in given:
                    given.setdefault(PREFIX + new, given[PREFIX + old])
            ours = {name.lower(): given[PREFIX + name] for name in variables() if PREFIX + name in given}
            openai = {name.lower(): value for name, value in given.items() if name.startswith("OPENAI_")}
            return cls(**ours | openai)
        except ValidationError as error:
            lines = [_explain(problem) for problem in error.errors()]
            report = lines[0] if len(lines) == 1 else "invalid settings:\n  " + "\n  ".join(lines)
            raise SettingsError(report) from None
        except UnicodeDecodeError as error:
            raise SettingsError(f".env is not UTF-8 text ({error}); save it as UTF-8") from None

    @model_validator(mode="after")
    def _bigquery_has_the_export(self) -> Self:
        source = self.export.source
        if self.storage.warehouse == "bigquery" and source and not source.startswith("bigquery://"):
            raise ValueError(
                "BEHA2VEC_WAREHOUSE=bigquery needs the export in BigQuery: set BEHA2VEC_SOURCE to "
                "bigquery://my-project/analytics_123456789, or BEHA2VEC_WAREHOUSE to duckdb"
            )
        return self

    @model_validator(mode="after")
    def _retention_leaves_what_is_needed(self) -> Self:
        lookback, privacy = self.encoder.lookback_days, self.privacy
        needed = lookback + ATTRIBUTION_DAYS
        for layer in ("raw", "events"):
            days = privacy.retention_days(layer)
            if days is not None and days < needed:
                raise ValueError(
                    f"BEHA2VEC_RETENTION_DAYS_{layer.upper()}={days} is too short: sequences look back {lookback} days "
                    f"(BEHA2VEC_LOOKBACK_DAYS) and the sources of sessions {ATTRIBUTION_DAYS} more; give at least "
                    f"{needed}, or a shorter BEHA2VEC_LOOKBACK_DAYS"
                )
        sequences, embeddings = privacy.retention_days_sequences, privacy.retention_days_embeddings
        if sequences is not None and (embeddings is None or embeddings > sequences):
            raise ValueError(
                f"BEHA2VEC_RETENTION_DAYS_SEQUENCES={sequences}: a new encoder embeds each day that has vectors from "
                f"its sequences; give BEHA2VEC_RETENTION_DAYS_EMBEDDINGS of at most {sequences} too"
            )
        return self

    def first_kept_day(self, layer: str, now: datetime) -> date | None:
        """The first day of a layer that its retention keeps; None: all are kept."""
        days = self.privacy.retention_days(layer)
        return None if days is None else now.astimezone(self.export.tz).date() - timedelta(days=days)

    def without_secrets(self, text: str) -> str:
        """The text with every secret setting's value replaced by stars."""
        for value in (value for _, group in self for _, value in group):
            if isinstance(value, SecretStr) and value.get_secret_value():
                text = text.replace(value.get_secret_value(), "***")
        return text


class GivenExport(Export):
    """An export that is named: what says which one has no default, as a wrong one would give wrong results."""

    source: str
    start_date: date
    timezone: TimeZone


class ExportSettings(Settings):
    """The settings of work on the export."""

    export: GivenExport


# what to do instead of pydantic's own words, by the beginning of an error's type
_REMEDIES = {
    "date_": "write a day as YYYY-MM-DD, for example 2026-01-31",
    "int_": "give a whole number",
    "float_": "give a number",
    "bool_": "give true or false",
}
# what to do where one of them is not set
EXPORT_REMEDIES = {
    "BEHA2VEC_SOURCE": "set it in .env to your GA4 export (a folder, a file or a pattern), or try the demo: "
    "beha2vec demo",
    "BEHA2VEC_START_DATE": "set it in .env to the first day of your export, for example 2026-01-31",
    "BEHA2VEC_TIMEZONE": "set it in .env to the zone of your GA4 property, for example Europe/Berlin (GA4: Admin, "
    "Property details, Reporting time zone)",
}


def _explain(problem: ErrorDetails) -> str:
    """One line: the variable, its value unless that may be secret, and what to set instead."""
    location, message = problem["loc"], problem["msg"].removeprefix("Value error, ")
    ours = (text for kind, text in _REMEDIES.items() if problem["type"].startswith(kind))
    remedy = next(ours, message.replace("Input should be", "it should be"))
    if len(location) < 2:  # of several variables, which it names
        return remedy
    name = str(location[1]).upper()
    variable = name if name.startswith("OPENAI_") else PREFIX + name
    if problem["type"] == "missing":
        return f"{variable} is not set: {EXPORT_REMEDIES[variable]}"
    value = problem["input"]
    secret = any(part in name for part in ("KEY", "PASSWORD", "WEBHOOK", "MCP_TOKEN")) or "@" in str(value)
    return f"{variable}{'' if secret else f' (is {value!r})'}: {remedy}"


def variables() -> dict[str, FieldInfo]:
    """The variable of every setting, without its prefix, and what it sets."""
    groups = [group.annotation for group in Settings.model_fields.values() if group.annotation]
    return {str(field.alias).upper(): field for group in groups for field in group.model_fields.values()}


def destination_secret(destination: str) -> SecretStr | None:
    """The secret of a destination: the variable ``BEHA2VEC_SECRET_<NAME>`` of the environment or ``.env``."""
    variable = f"{PREFIX}SECRET_{destination.upper()}"
    value = (os.environ.get(variable) or dotenv_values(".env").get(variable) or "").strip()
    return SecretStr(value) if value else None


def _given_variables() -> set[str]:
    """Names of all variables of the environment and .env."""
    try:
        return {*os.environ, *dotenv_values(".env")}
    except UnicodeDecodeError:
        return {*os.environ}  # reported when the settings are read


def renamed_variables() -> dict[str, str]:
    """Variables of the environment or .env that are a former name of a setting, each with its present name."""
    given = {variable.upper(): variable for variable in _given_variables()}
    return {given[PREFIX + old]: PREFIX + new for old, new in _FORMER.items() if PREFIX + old in given}


def misspelt_variables() -> dict[str, str]:
    """Variables of the environment or .env that are no setting but resemble one, each with the one likely meant."""
    known = [*variables(), *_FORMER]
    found = {}
    for variable in _given_variables():
        name = variable.upper().removeprefix(PREFIX)
        if name not in known and name != variable.upper() and (near := get_close_matches(name, known, 1, 0.75)):
            found[variable] = PREFIX + near[0]
    return found
