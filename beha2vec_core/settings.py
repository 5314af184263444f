"""Settings: every knob of the system in one typed place, read from ``BEHA2VEC_*`` variables and a ``.env`` file.

A wrong value stops the program at start with the variable's name and the remedy.
"""

from __future__ import annotations

import json
import os
import re
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from dotenv import dotenv_values
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "BEHA2VEC_"
# dbt's session_attribution_lookback_window_days
_ATTRIBUTION_DAYS = 30


class SettingsError(ValueError):
    """A setting has a value that cannot work; the message names the variable and the remedy."""


class Settings(BaseSettings):
    """All settings. Paths may be relative: they count from the folder the program is started in."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,  # NAME= in .env means unset
        extra="ignore",
        populate_by_name=True,
    )

    source: str | None = Field(
        None,
        description="the GA4 export: a file, a folder or a glob (JSON, parquet, CSV; docs/export.md)",
    )
    data_dir: Path = Field(Path("data"), description="folder for the warehouse, raw partitions, encoders")
    property_id: str = Field(
        "ga4",
        description="GA4 property of files whose path names none (analytics_<id> or property_id=<id>)",
    )
    start_date: date | None = Field(None, description="first day of the export (YYYY-MM-DD)")
    end_date: date | None = Field(None, description="last day of the export; empty: until yesterday")
    timezone: str | None = Field(None, description="the GA4 property's time zone (IANA name)")
    property_timezones: Annotated[dict[str, str], NoDecode] = Field(
        {}, description='time zones of properties in another one, as JSON: `{"123456789": "America/New_York"}`'
    )
    max_bad_share: float = Field(
        0.05, ge=0, le=1, description="share of unreadable rows above which a day's ingest fails"
    )

    keep_originals_days: int = Field(
        0, ge=0, description="for how many days ingest also keeps rows as they came, with personal data; 0: never"
    )

    lookback_days: int = Field(90, ge=1, description="how far back a user's sequence reaches")
    sequence_length: int = Field(128, ge=2, le=4096, description="events kept per user, the latest ones")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="where to train and encode: auto, cpu, cuda or mps"
    )

    labels_file: Path | None = Field(None, description="your themes and page types (YAML); empty: the bundled ones")
    rules_file: Path | None = Field(None, description="your page rules (YAML), tried before the bundled ones")
    page_rule_packs: str = Field("all", description="bundled page rules to use, in this order, or `all`")
    page_overrides_file: Path | None = Field(None, description="page labels set by hand (CSV or YAML), which win")
    page_classifiers: str = Field(
        "rules, embedding",
        description="page classifiers, in order: rules, embedding, nli, llm, each optionally with thresholds "
        "as in `embedding:0.35/0.5` (theme/type)",
    )
    embedding_model: str = Field(
        "sentence-transformers/all-MiniLM-L6-v2", description="sentence-transformers model for page themes"
    )
    nli_model: str = Field("facebook/bart-large-mnli", description="zero-shot classification model of `nli`")

    # the OpenAI client's own variables count too, also from .env
    llm_base_url: str | None = Field(
        None,
        validation_alias=AliasChoices(f"{PREFIX}LLM_BASE_URL", "OPENAI_BASE_URL"),
        description="OpenAI-compatible endpoint; else OPENAI_BASE_URL",
    )
    llm_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices(f"{PREFIX}LLM_API_KEY", "OPENAI_API_KEY"),
        description="its key; else OPENAI_API_KEY",
    )
    llm_model: str = Field("gpt-5-mini", description="model that writes the insights")
    llm_timeout_seconds: float = Field(60, gt=0, description="longest wait for one answer")
    llm_max_tokens: int = Field(
        500_000, ge=0, description="most tokens that one run may use, in and out; then the template writes the rest"
    )
    llm_max_cost: float | None = Field(
        None, ge=0, description="most that one run may cost, in the currency of the prices; needs both prices"
    )
    llm_price_in: float | None = Field(
        None, ge=0, description="price of a million tokens of questions; empty: cost is not reported"
    )
    llm_price_out: float | None = Field(None, ge=0, description="price of a million tokens of answers")

    fetch_pages: bool = Field(False, description="whether to fetch the pages themselves (extra `[fetch]`)")
    fetch_hosts: Annotated[list[str] | None, NoDecode] = Field(
        None, description="hosts to fetch from, comma-separated; empty: those with at least 1 % of page views"
    )
    fetch_user_agent: str = Field(
        "beha2vec-fetcher/1.0", description="name to fetch under; the part before the slash is for robots.txt"
    )
    fetch_max_pages: int = Field(500, ge=1, description="pages asked for in one run, the most viewed first")

    lock_timeout_seconds: float = Field(600, gt=0, description="longest wait for the warehouse's lock")
    owners: Annotated[list[str] | None, NoDecode] = Field(
        None, description="owners of the assets in Dagster: e-mail addresses and team:name, comma-separated"
    )
    nightly_hour: int = Field(6, ge=0, le=23, description="hour of the nightly refresh, property time")
    keep_versions: int = Field(
        3, ge=2, description="number of encoders whose vectors are kept for a rollback, including the one in use"
    )
    export_deadline_hour: int = Field(
        20, ge=0, le=23, description="hour of the next day by which a day's export must arrive, property time"
    )

    publish_identifiers: Literal["plain", "keyed", "none"] = Field(
        "plain",
        description="device and login ids in serving.duckdb and its exports: plain joins them back to GA4, keyed is a "
        "keyed hash, none leaves them out",
    )
    retention_days_raw: int | None = Field(
        None, ge=1, description="days that raw partitions are kept (docs/privacy.md); empty: all"
    )
    retention_days_quarantine: int | None = Field(
        None, ge=1, description="days that quarantined rows are kept; empty: all"
    )
    retention_days_events: int | None = Field(
        None, ge=1, description="days that events, page views and sessions of the dbt models are kept; empty: all"
    )
    retention_days_sequences: int | None = Field(
        None, ge=7, description="days that user sequences are kept; empty: all"
    )
    retention_days_embeddings: int | None = Field(
        None, ge=7, description="days that users' vectors and clusters are kept; empty: all"
    )

    alert_webhook_url: SecretStr | None = Field(
        None, description="address that alerts are posted to as JSON: failed runs and failed checks"
    )
    alert_slack_webhook_url: SecretStr | None = Field(
        None, description="incoming webhook of a Slack channel for alerts"
    )
    alert_email_to: Annotated[list[str] | None, NoDecode] = Field(
        None, description="recipients of alerts by e-mail, comma-separated"
    )
    alert_email_from: str | None = Field(None, description="sender of these e-mails; empty: the first recipient")
    alert_smtp_host: str | None = Field(None, description="mail server for alerts")
    alert_smtp_port: int = Field(587, ge=1, le=65535, description="its port")
    alert_smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how the connection to it is secured: starttls, tls (usually port 465) or none"
    )
    alert_smtp_user: str | None = Field(None, description="user at the mail server; empty: no login")
    alert_smtp_password: SecretStr | None = Field(None, description="the user's password")
    alert_severity: Literal["warn", "error"] = Field(
        "warn", description="lowest severity of failed checks that are sent: warn or error; failed runs always are"
    )
    dagster_url: str | None = Field(
        None,
        description="address of Dagster's UI, such as http://localhost:3000, for links in alerts and in the explorer",
    )

    explorer_url: str | None = Field(
        None, description="address of the explorer, such as http://localhost:8501, for links in Dagster's UI"
    )
    explorer_password: SecretStr | None = Field(
        None, description="password that the explorer asks for; empty: none, for your own machine"
    )
    explorer_auth_header: str | None = Field(
        None,
        description="header that a reverse proxy sets for people it has signed in, such as X-Forwarded-User: the "
        "explorer refuses requests without it",
    )

    @field_validator("explorer_auth_header")
    @classmethod
    def _header_is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9-]+", value.strip()):
            raise ValueError("give the name of a header, for example X-Forwarded-User")
        return value.strip() if value is not None else None

    @field_validator("alert_webhook_url", "alert_slack_webhook_url")
    @classmethod
    def _webhook_is_http(cls, value: SecretStr | None) -> SecretStr | None:
        # without the value: anyone who knows the address can post to it
        if value is None:
            return None
        address = value.get_secret_value().strip()
        if not _is_address(address):
            raise ValueError("give a full address, for example https://hooks.slack.com/services/...")
        return SecretStr(address)

    @field_validator("dagster_url", "explorer_url")
    @classmethod
    def _url_is_http(cls, value: str | None) -> str | None:
        if value is not None and not _is_address(value):
            raise ValueError("give a full address, for example http://localhost:3000")
        return value.rstrip("/") if value is not None else None

    @field_validator("alert_email_to")
    @classmethod
    def _recipients_are_addresses(cls, value: list[str] | None) -> list[str] | None:
        for one in value or []:
            if not _is_mail_address(one):
                raise ValueError("give e-mail addresses, comma-separated, for example data@shop.example")
        return value or None

    @field_validator("alert_email_from")
    @classmethod
    def _sender_is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not _is_mail_address(value):
            raise ValueError("give an e-mail address, for example beha2vec@shop.example")
        return value

    @model_validator(mode="after")
    def _mail_has_a_server(self) -> Self:
        if self.alert_email_to and not self.alert_smtp_host:
            raise ValueError(f"{PREFIX}ALERT_EMAIL_TO needs a mail server: set {PREFIX}ALERT_SMTP_HOST")
        if (self.alert_smtp_user is None) != (self.alert_smtp_password is None):
            raise ValueError(f"set {PREFIX}ALERT_SMTP_USER and {PREFIX}ALERT_SMTP_PASSWORD together, or neither")
        return self

    @model_validator(mode="after")
    def _cost_has_prices(self) -> Self:
        if (self.llm_price_in is None) != (self.llm_price_out is None):
            raise ValueError(f"set {PREFIX}LLM_PRICE_IN and {PREFIX}LLM_PRICE_OUT together, or neither")
        if self.llm_max_cost is not None and self.llm_price_in is None:
            raise ValueError(f"{PREFIX}LLM_MAX_COST needs {PREFIX}LLM_PRICE_IN and {PREFIX}LLM_PRICE_OUT")
        return self

    @field_validator("llm_api_key")
    @classmethod
    def _key_is_one_line(cls, value: SecretStr | None) -> SecretStr | None:
        # a stray line end would break the request's header, and show the key in the error
        return SecretStr(value.get_secret_value().strip()) if value is not None else None

    @field_validator("fetch_hosts", "alert_email_to", "owners", mode="before")
    @classmethod
    def _parted_by_commas(cls, value: object) -> object:
        return [one for part in value.split(",") if (one := part.strip())] if isinstance(value, str) else value

    @field_validator("owners")
    @classmethod
    def _owners_are_people_or_teams(cls, value: list[str] | None) -> list[str] | None:
        for one in value or []:
            if not _is_mail_address(one) and not re.fullmatch(r"team:[\w-]+", one):
                raise ValueError("give e-mail addresses and teams, comma-separated, for example team:data")
        return value

    @field_validator("fetch_user_agent")
    @classmethod
    def _user_agent_is_a_header(cls, value: str) -> str:
        if not value.split("/")[0].strip() or not value.isascii() or not value.isprintable():
            raise ValueError("use one line of plain characters, for example shop-fetcher/1.0 (+https://shop.example)")
        return value.strip()

    @field_validator("data_dir")
    @classmethod
    def _data_dir_is_no_pattern(cls, value: Path) -> Path:
        if wrong := sorted(set(str(value.absolute())) & set("'*?[]")):
            raise ValueError(f"DuckDB would read {' '.join(wrong)} as a pattern; use a folder without, such as ./data")
        return value

    @field_validator("property_id")
    @classmethod
    def _property_id_is_a_folder_name(cls, value: str) -> str:
        if not value or not all(c.isalnum() or c in "-_." for c in value) or value.startswith("."):
            raise ValueError("use letters, digits, '-', '_' and '.', for example 123456789")
        return value

    @field_validator("property_timezones", mode="before")
    @classmethod
    def _is_json(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value or "{}")
        except ValueError:
            raise ValueError('give JSON, for example {"123456789": "America/New_York"}') from None

    @field_validator("timezone", "property_timezones")
    @classmethod
    def _timezones_exist(cls, value: str | dict[str, str] | None) -> str | dict[str, str] | None:
        for name in [value] if isinstance(value, str) else (value or {}).values():
            if name not in available_timezones():
                raise ValueError(f"{name!r} is not an IANA time zone; use a name like 'Europe/Berlin' or 'UTC'")
        return value

    @field_validator("page_classifiers")
    @classmethod
    def _classifiers_exist(cls, value: str) -> str:
        from beha2vec_core.pages.classifiers import parse_steps

        parse_steps(value)
        return value

    @field_validator("page_rule_packs")
    @classmethod
    def _packs_exist(cls, value: str) -> str:
        from beha2vec_core.pages.rules import PACKS, parse_packs

        if wrong := [pack for pack in parse_packs(value) if pack not in PACKS]:
            raise ValueError(f"there is no rule pack {wrong[0]!r}; choose from all, {', '.join(PACKS)}")
        return value

    @field_validator("llm_base_url")
    @classmethod
    def _base_url_is_http(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("give a full address (here or in OPENAI_BASE_URL), for example http://localhost:8000/v1")
        return value

    @model_validator(mode="after")
    def _dates_are_ordered(self) -> Self:
        if self.end_date is not None and self.start_date is not None and self.end_date < self.start_date:
            raise ValueError(
                f"{PREFIX}END_DATE ({self.end_date}) is before {PREFIX}START_DATE ({self.start_date}); swap them"
            )
        return self

    @model_validator(mode="after")
    def _retention_leaves_what_is_needed(self) -> Self:
        needed = self.lookback_days + _ATTRIBUTION_DAYS
        for layer in ("raw", "events"):
            days = self.retention_days(layer)
            if days is not None and days < needed:
                raise ValueError(
                    f"{PREFIX}RETENTION_DAYS_{layer.upper()}={days} is too short: sequences look back "
                    f"{self.lookback_days} days ({PREFIX}LOOKBACK_DAYS) and the sources of sessions "
                    f"{_ATTRIBUTION_DAYS} more; give at least {needed}, or a shorter {PREFIX}LOOKBACK_DAYS"
                )
        sequences, embeddings = self.retention_days_sequences, self.retention_days_embeddings
        if sequences is not None and (embeddings is None or embeddings > sequences):
            raise ValueError(
                f"{PREFIX}RETENTION_DAYS_SEQUENCES={sequences}: a new encoder embeds each day that has vectors from "
                f"its sequences; give {PREFIX}RETENTION_DAYS_EMBEDDINGS of at most {sequences} too"
            )
        return self

    def retention_days(self, layer: str) -> int | None:
        """For how many days a layer is kept (``store.tables.Layer``); None: forever."""
        days: int | None = getattr(self, f"retention_days_{layer}")
        return days

    def first_kept_day(self, layer: str, now: datetime) -> date | None:
        """The first day of a layer that its retention keeps; None: all are kept."""
        days = self.retention_days(layer)
        return None if days is None else now.astimezone(self.tz).date() - timedelta(days=days)

    @cached_property
    def data_path(self) -> Path:
        """The data folder, absolute."""
        return self.data_dir.expanduser().absolute()

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file that the graph writes."""
        return self.data_path / "warehouse.duckdb"

    @property
    def serving_path(self) -> Path:
        """The read-only copy for people and the explorer."""
        return self.data_path / "serving.duckdb"

    @property
    def raw_path(self) -> Path:
        """The canonical raw partitions."""
        return self.data_path / "raw_ga4_events"

    @property
    def sequences_path(self) -> Path:
        """The user sequences, a folder a day."""
        return self.data_path / "user_sequences"

    @property
    def encoders_path(self) -> Path:
        """The trained encoders, a folder a model version."""
        return self.data_path / "encoders"

    @property
    def cluster_models_path(self) -> Path:
        """The cluster models, a file a version."""
        return self.data_path / "cluster_models"

    @property
    def page_cache_path(self) -> Path:
        """What was fetched, a small file a page."""
        return self.data_path / "page_cache"

    @property
    def tz(self) -> ZoneInfo:
        """The property's time zone, to show moments in; UTC where it is not set."""
        return ZoneInfo(self.timezone or "UTC")

    @property
    def property_tz(self) -> dict[str, ZoneInfo]:
        """The time zones of properties that have another one."""
        return {property_id: ZoneInfo(name) for property_id, name in self.property_timezones.items()}

    @property
    def resolved_llm_base_url(self) -> str | None:
        """The endpoint's address: our setting, else the OpenAI client's own variable."""
        return self.llm_base_url

    @property
    def resolved_llm_api_key(self) -> SecretStr | None:
        """The endpoint's key: our setting, else the OpenAI client's own variable."""
        return self.llm_api_key

    @property
    def llm_configured(self) -> bool:
        """Whether insights go to a language model (else the template narrator writes them)."""
        return self.resolved_llm_base_url is not None or self.resolved_llm_api_key is not None

    @property
    def alerts_configured(self) -> bool:
        """Whether alerts have a recipient."""
        return bool(self.alert_webhook_url or self.alert_slack_webhook_url or self.alert_email_to)

    def without_secrets(self, text: str) -> str:
        """The text with every secret setting's value replaced by stars."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr) and value.get_secret_value():
                text = text.replace(value.get_secret_value(), "***")
        return text


class ExportSettings(Settings):
    """Settings that say which export is read: they have no default, as a wrong one would give wrong results."""

    source: str
    start_date: date
    timezone: str


# what to do where one of them is not set
EXPORT_REMEDIES = {
    "source": "set it in .env to your GA4 export (a folder, a file or a pattern), or try the demo: beha2vec demo",
    "start_date": "set it in .env to the first day of your export, for example 2026-01-31",
    "timezone": "set it in .env to the zone of your GA4 property, for example Europe/Berlin (GA4: Admin, Property "
    "details, Reporting time zone)",
}

AnySettings = TypeVar("AnySettings", bound=Settings)


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a value cannot work; one line a variable, each with what to set instead.
    """
    return _load(Settings)


def load_export_settings() -> ExportSettings:
    """Read the settings for work on the export.

    Raises:
        SettingsError: a value cannot work, or which export to read is not set; one line a variable.
    """
    return _load(ExportSettings)


def _load(kind: type[AnySettings]) -> AnySettings:
    try:
        return kind()
    except ValidationError as error:
        lines = [_explain(problem) for problem in error.errors()]
        report = lines[0] if len(lines) == 1 else "invalid settings:\n  " + "\n  ".join(lines)
        raise SettingsError(report) from None
    except UnicodeDecodeError as error:
        raise SettingsError(f".env is not UTF-8 text ({error}); save it as UTF-8") from None


def misspelt_variables() -> dict[str, str]:
    """Variables of the environment or .env that are no setting but resemble one, each with the one likely meant."""
    known = [name.upper() for name in Settings.model_fields]
    found = {}
    try:
        in_file = dotenv_values(".env")
    except UnicodeDecodeError:
        in_file = {}  # reported when the settings are read
    for variable in {*os.environ, *in_file}:
        name = variable.upper().removeprefix(PREFIX)
        if (
            name != variable.upper()
            and name not in known
            and (near := get_close_matches(name, known, n=1, cutoff=0.75))
        ):
            found[variable] = PREFIX + near[0]
    return found


def _is_address(value: str) -> bool:
    if not value.isascii() or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_mail_address(value: str) -> bool:
    name, at, host = value.rpartition("@")
    return bool(name and at and host) and value.isascii() and value.isprintable() and not set(value) & set(" <>,;")


def _explain(problem: ErrorDetails) -> str:
    """One line: the variable, its value unless that may be secret, and what to set instead."""
    location, message, value = problem["loc"], problem["msg"].removeprefix("Value error, "), problem["input"]
    if problem["type"] == "missing":
        return f"{PREFIX}{str(location[0]).upper()} is not set: {EXPORT_REMEDIES[str(location[0])]}"
    if not location:
        return message
    name = str(location[0]) if str(location[0]).isupper() else PREFIX + str(location[0]).upper()
    secret = any(part in name for part in ("KEY", "PASSWORD", "WEBHOOK"))
    shown = "" if secret or "@" in str(value) else f" (is {value!r})"
    return f"{name}{shown}: {message}"
