"""Settings: all of them in groups, typed, read from ``BEHA2VEC_*`` variables and a ``.env`` file.

``settings.llm.model`` is ``BEHA2VEC_LLM_MODEL``: a group's ``alias_generator`` puts its prefix before the names of its
fields, and ``alias`` stands where a variable has another name. A wrong value stops the program at start with the
variable's name and the remedy. Nothing of ours is imported here: values that only another module can judge are checked
there when the program starts (``pages.require_valid_settings``).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

PREFIX = "BEHA2VEC_"
# dbt's session_attribution_lookback_window_days
_ATTRIBUTION_DAYS = 30
# former names of settings, which still count where the present name is not set
_FORMER = {"DBT_MEMORY_LIMIT": "MEMORY_LIMIT"}


class SettingsError(ValueError):
    """A setting has a value that cannot work; the message names the variable and the remedy."""


def _that(fits: Callable[[str], object], remedy: str) -> AfterValidator:
    """Refuse a text that does not fit; spaces around it do not count."""

    def check(value: str | SecretStr) -> str | SecretStr:
        text = (value.get_secret_value() if isinstance(value, SecretStr) else value).strip()
        if not fits(text):
            raise ValueError(remedy)
        return type(value)(text)

    return AfterValidator(check)


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


_Webhook = Annotated[
    SecretStr, _that(_is_address, "give a full address, for example https://hooks.slack.com/services/...")
]
_Address = Annotated[
    str,
    _that(_is_address, "give a full address, for example http://localhost:3000 or http://localhost:8000/v1"),
    AfterValidator(lambda value: value.rstrip("/")),
]
_TimeZone = Annotated[
    str, _that(lambda value: value in available_timezones(), "use an IANA name like 'Europe/Berlin' or 'UTC'")
]
_Header = Annotated[
    str, _that(re.compile("[A-Za-z0-9-]+").fullmatch, "give the name of a header, for example X-Forwarded-User")
]
_Mail = Annotated[
    str, _that(_is_mail_address, "give an e-mail address such as data@shop.example; recipients are comma-separated")
]
_Owner = Annotated[
    str,
    _that(
        lambda value: _is_mail_address(value) or re.fullmatch(r"team:[\w-]+", value),
        "give e-mail addresses and teams, comma-separated, for example team:data",
    ),
]
_EventName = Annotated[
    str,
    _that(re.compile("[A-Za-z][A-Za-z0-9_]{0,39}").fullmatch, "use GA4 event names, comma-separated: sign_up, share"),
]
_Token = Annotated[
    SecretStr,
    _that(
        re.compile(r"[A-Za-z0-9._~+/=-]{32,}").fullmatch,
        "give at least 32 letters, digits or ._~+/=-, for example the output of "
        'python -c "import secrets; print(secrets.token_urlsafe(32))"',
    ),
]
_HostName = Annotated[
    str,
    _that(
        re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[1-9]\d{0,4})?").fullmatch,
        "give host names without http://, comma-separated, for example mcp.shop.example",
    ),
]
_MemoryLimit = Annotated[
    str,
    _that(
        re.compile(r"(100|[1-9]\d?) ?%|[1-9]\d*(\.\d+)? ?[KMGT](i?B)?", re.IGNORECASE).fullmatch,
        "give an amount or a share of the machine's memory, for example 4GB, 512MB or 50%",
    ),
    # DuckDB wants the B, and no space before the sign of percent
    AfterValidator(lambda value: re.sub(r"(?<=[KMGT])$", "B", value.replace(" ", "").upper().replace("I", "i"))),
]
_Commas = BeforeValidator(
    lambda value: [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
)


class _Group(BaseModel, frozen=True, alias_generator=str): ...


class Export(_Group):
    """Which GA4 export is read, and how."""

    source: str | None = Field(
        None,
        description="the GA4 export: a file, a folder or a glob (JSON, parquet, CSV), s3://bucket/folder, "
        "gs://bucket/folder or bigquery://project/dataset (docs/export.md)",
    )
    property_id: Annotated[
        str,
        _that(re.compile(r"[\w-][\w.-]*").fullmatch, "use letters, digits, '-', '_' and '.', for example 123456789"),
    ] = Field("ga4", description="GA4 property of files whose path names none (analytics_<id> or property_id=<id>)")
    start_date: date | None = Field(None, description="first day of the export (YYYY-MM-DD)")
    end_date: date | None = Field(None, description="last day of the export; empty: until yesterday")
    timezone: _TimeZone | None = Field(None, description="the GA4 property's time zone (IANA name)")
    property_timezones: dict[str, _TimeZone] = Field(
        {}, description='time zones of properties in another one, as JSON: `{"123456789": "America/New_York"}`'
    )
    max_bad_share: float = Field(
        0.05, ge=0, le=1, description="share of unreadable rows above which a day's ingest fails"
    )

    @field_validator("source")
    @classmethod
    def _has_no_credentials(cls, value: str | None) -> str | None:
        # a secret key may have a slash, and a folder an @
        if re.match(r"(s3|gs)://[^/?]*(@|:[^?]*@)", value or ""):
            raise ValueError(
                "credentials belong in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                "GOOGLE_APPLICATION_CREDENTIALS), not in the address"
            )
        return value

    @field_validator("property_timezones", mode="before")
    @classmethod
    def _is_json(cls, value: object) -> object:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError('give JSON, for example {"123456789": "America/New_York"}') from None

    @model_validator(mode="after")
    def _dates_are_ordered(self) -> Self:
        if self.end_date is not None and self.start_date is not None and self.end_date < self.start_date:
            raise ValueError(
                f"BEHA2VEC_END_DATE ({self.end_date}) is before BEHA2VEC_START_DATE ({self.start_date}); swap them"
            )
        return self

    @property
    def tz(self) -> ZoneInfo:
        """The property's time zone, to show moments in; UTC where it is not set."""
        return ZoneInfo(self.timezone or "UTC")


class _InDataDir:
    """The path of a file or folder in ``data_dir``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, storage: Storage, _: type[Storage]) -> Path:
        return storage.data_dir / self._name


class Storage(_Group):
    """Where everything is kept."""

    data_dir: Path = Field(
        Path("data"), validate_default=True, description="folder for the warehouse, raw partitions, encoders"
    )
    warehouse: Literal["duckdb", "bigquery"] = Field(
        "duckdb", description="where dbt builds the models: duckdb, or bigquery for a source in BigQuery"
    )
    lock_timeout_seconds: float = Field(600, gt=0, description="longest wait for the warehouse's lock")
    memory_limit: _MemoryLimit = Field(
        "80%",
        description="memory that DuckDB may use, in dbt and in our steps, before it writes to the disk: an amount such "
        "as 4GB, or a share of the machine's",
    )
    dbt_chunk_days: int | None = Field(
        None,
        ge=1,
        description="most days that one dbt call builds; empty: as many as fit into memory and on the disk "
        "(docs/scale.md)",
    )

    @field_validator("data_dir")
    @classmethod
    def _is_absolute_and_no_pattern(cls, value: Path) -> Path:
        try:
            value = value.expanduser().absolute()
        except RuntimeError:
            raise ValueError("there is no such home folder; give a full path") from None
        if wrong := sorted(set(str(value)) & set("'*?[]")):
            raise ValueError(f"DuckDB would read {' '.join(wrong)} as a pattern; use a folder without, such as ./data")
        return value

    warehouse_path: ClassVar = _InDataDir("warehouse.duckdb")  # the DuckDB file that the graph writes
    serving_path: ClassVar = _InDataDir("serving.duckdb")  # the read-only copy for people and the explorer
    raw_path: ClassVar = _InDataDir("raw_ga4_events")  # the canonical raw partitions
    users_path: ClassVar = _InDataDir("raw_ga4_users")  # who allowed personal ads, from GA4's tables of users
    sequences_path: ClassVar = _InDataDir("user_sequences")  # the user sequences, a folder a day
    encoders_path: ClassVar = _InDataDir("encoders")  # the trained encoders, a folder a model version
    cluster_models_path: ClassVar = _InDataDir("cluster_models")  # the cluster models, a file a version
    prediction_models_path: ClassVar = _InDataDir("prediction_models")  # the prediction models, a folder a version
    prediction_encoders_path: ClassVar = _InDataDir("prediction_encoders")  # those whose vectors prediction models read
    ledger_path: ClassVar = _InDataDir("activation.sqlite")  # what was sent to whom; it cannot be made again
    page_overrides_path: ClassVar = _InDataDir("page_overrides.csv")  # page labels set by hand, unless a file is named
    page_cache_path: ClassVar = _InDataDir("page_cache")  # what was fetched, a small file a page


class Bigquery(_Group, alias_generator="bigquery_".__add__):
    """BigQuery, as the source or as the warehouse (docs/bigquery.md)."""

    maximum_bytes: int = Field(
        2**40, ge=1, description="most bytes that one run may read as the source, or one query of dbt; default: 1 TiB"
    )
    project: str | None = Field(
        None, description="project of the models and results, if BigQuery is the warehouse; empty: the one that pays"
    )
    dataset: str = Field("ga4", description="data set of the models and results; one property has one data set")
    location: str = Field("US", description="location of both data sets")
    labels: str | None = Field(
        None, description="labels of dbt's jobs for the billing export, such as `team=growth,env=production`"
    )


class Encoder(_Group):
    """User sequences, and the encoder that learns from them."""

    lookback_days: int = Field(90, ge=1, description="how far back a user's sequence reaches")
    sequence_length: int = Field(128, ge=2, le=4096, description="events kept per user, the latest ones")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="where to train and encode: auto, cpu, cuda or mps"
    )
    keep_versions: int = Field(
        3, ge=2, description="number of encoders whose vectors are kept for a rollback, including the one in use"
    )


class Compute(_Group):
    """Where encoders are trained and users embedded and scored: in the steps' process, or on a Ray cluster."""

    backend: Literal["local", "ray"] = Field(
        "local",
        alias="compute_backend",
        description="local: one machine; ray: a Ray cluster (extra `[ray]`, docs/ray.md)",
    )
    ray_address: str | None = Field(None, description="host:port of the Ray cluster's head, such as ray-head:6379")
    ray_workers: int = Field(
        0, ge=0, description="Ray workers that train together at most; 0: as many as there is room for"
    )
    ray_cpus: float = Field(1, gt=0, description="CPUs of a Ray worker")
    ray_gpus: float = Field(0, ge=0, description="GPUs of a Ray worker: 0, 1 or more")

    @field_validator("ray_gpus")
    @classmethod
    def _is_not_shared(cls, value: float) -> float:
        if 0 < value < 1:
            raise ValueError("workers that share a GPU cannot train together (NCCL): give 0, 1 or more")
        return value

    @model_validator(mode="after")
    def _ray_has_an_address(self) -> Self:
        address = self.ray_address or ""
        host, _, port = address.rpartition(":")
        if self.backend == "ray" and not (host and port.isdigit()):
            raise ValueError(
                f"BEHA2VEC_COMPUTE_BACKEND=ray needs BEHA2VEC_RAY_ADDRESS (is {address!r}): host:port of the "
                "cluster's head, such as ray-head:6379"
            )
        return self


class Pages(_Group):
    """How pages get their themes and types."""

    labels_file: Path | None = Field(None, description="your themes and page types (YAML); empty: the bundled ones")
    rules_file: Path | None = Field(None, description="your page rules (YAML), tried before the bundled ones")
    rule_packs: str = Field(
        "all", alias="page_rule_packs", description="bundled page rules to use, in this order, or `all`"
    )
    overrides_file: Path | None = Field(
        None,
        alias="page_overrides_file",
        description="page labels set by hand (CSV or YAML), which win; empty: `page_overrides.csv` in the data folder, "
        "if there is one",
    )
    classifiers: str = Field(
        "rules, embedding",
        alias="page_classifiers",
        description="page classifiers, in order: rules, embedding, nli, llm, each optionally with thresholds "
        "as in `embedding:0.35/0.5` (theme/type)",
    )
    embedding_model: str = Field(
        "sentence-transformers/all-MiniLM-L6-v2", description="sentence-transformers model for page themes"
    )
    nli_model: str = Field("facebook/bart-large-mnli", description="zero-shot classification model of `nli`")


class Fetch(_Group, alias_generator="fetch_".__add__):
    """Fetching the pages themselves."""

    pages: bool = Field(False, description="whether to fetch the pages themselves (extra `[fetch]`)")
    hosts: Annotated[list[str], _Commas] | None = Field(
        None, description="hosts to fetch from, comma-separated; empty: those with at least 1 % of page views"
    )
    user_agent: Annotated[
        str,
        _that(
            lambda value: value.split("/")[0].strip() and value.isascii() and value.isprintable(),
            "use one line of plain characters, for example shop-fetcher/1.0 (+https://shop.example)",
        ),
    ] = Field("beha2vec-fetcher/1.0", description="name to fetch under; the part before the slash is for robots.txt")
    max_pages: int = Field(500, ge=1, description="pages asked for in one run, the most viewed first")


class Llm(_Group, alias_generator="llm_".__add__):
    """The language model; the OpenAI client's own variables count too."""

    base_url: _Address | None = Field(
        None,
        validation_alias=AliasChoices("llm_base_url", "openai_base_url"),
        description="OpenAI-compatible endpoint; else OPENAI_BASE_URL",
    )
    # a stray line end would break the request's header, and show the key in the error
    api_key: Annotated[SecretStr, AfterValidator(lambda key: SecretStr(key.get_secret_value().strip()))] | None = Field(
        None,
        validation_alias=AliasChoices("llm_api_key", "openai_api_key"),
        description="its key; else OPENAI_API_KEY",
    )
    model: str = Field("gpt-5-mini", description="model that writes the insights")
    timeout_seconds: float = Field(60, gt=0, description="longest wait for one answer")
    max_tokens: int = Field(
        500_000, ge=0, description="most tokens that one run may use, in and out; then the template writes the rest"
    )
    max_cost: float | None = Field(
        None, ge=0, description="most that one run may cost, in the currency of the prices; needs both prices"
    )
    price_in: float | None = Field(
        None, ge=0, description="price of a million tokens of questions; empty: cost is not reported"
    )
    price_out: float | None = Field(None, ge=0, description="price of a million tokens of answers")

    @model_validator(mode="after")
    def _cost_has_prices(self) -> Self:
        if (self.price_in is None) != (self.price_out is None):
            raise ValueError("set BEHA2VEC_LLM_PRICE_IN and BEHA2VEC_LLM_PRICE_OUT together, or neither")
        if self.max_cost is not None and self.price_in is None:
            raise ValueError("BEHA2VEC_LLM_MAX_COST needs BEHA2VEC_LLM_PRICE_IN and BEHA2VEC_LLM_PRICE_OUT")
        return self


class Predictions(_Group, alias_generator="prediction_".__add__):
    """What is predicted of users, and what acting on it costs and brings."""

    events: Annotated[list[_EventName], _Commas] = Field(
        ["add_to_cart", "begin_checkout"],
        description="GA4 events to predict besides purchase and return, comma-separated",
    )
    population_days: int = Field(28, ge=1, le=90, description="users seen within so many days are scored")
    margin: float | None = Field(
        None, gt=0, le=1, description="profit as a share of revenue, for the break-even of a campaign"
    )
    contact_cost: float | None = Field(
        None, ge=0, description="what it costs to contact one user, in the reporting currency"
    )
    budget: float | None = Field(None, ge=0, description="what a campaign may cost, in the reporting currency")


class Dagster(_Group):
    """Schedules, owners and the address of Dagster."""

    nightly_hour: int = Field(6, ge=0, le=23, description="hour of the nightly refresh, property time")
    export_deadline_hour: int = Field(
        20, ge=0, le=23, description="hour of the next day by which a day's export must arrive, property time"
    )
    executor: Literal["in_process", "kubernetes"] = Field(
        "in_process",
        description="where the steps of a run are executed: in_process, in the run's process; kubernetes, each in a "
        "pod of its own",
    )
    owners: Annotated[list[_Owner], _Commas] | None = Field(
        None, description="owners of the assets in Dagster: e-mail addresses and team:name, comma-separated"
    )
    url: _Address | None = Field(
        None,
        alias="dagster_url",
        description="address of Dagster's UI, such as http://localhost:3000, for links in alerts and in the explorer",
    )


class Privacy(_Group):
    """What is kept and published of people, and for how long (``store.tables.Layer``)."""

    keep_originals_days: int = Field(
        0, ge=0, description="for how many days ingest also keeps rows as they came, with personal data; 0: never"
    )
    publish_identifiers: Literal["plain", "keyed", "none"] = Field(
        "plain",
        description="device and login ids in serving.duckdb and its exports: plain joins them back to GA4, keyed is a "
        "keyed hash, none leaves them out. Unless it is plain, user_key and other keys are keyed hashes there too "
        "(docs/privacy.md)",
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

    def retention_days(self, layer: str) -> int | None:
        """For how many days a layer is kept; None: forever."""
        days: int | None = getattr(self, f"retention_days_{layer}")
        return days


class Alerts(_Group, alias_generator="alert_".__add__):
    """Who gets alerts about failed runs and failed checks, and new highlights."""

    webhook_url: _Webhook | None = Field(
        None, description="address that alerts are posted to as JSON: failed runs and failed checks"
    )
    slack_webhook_url: _Webhook | None = Field(None, description="incoming webhook of a Slack channel for alerts")
    email_to: Annotated[list[_Mail], _Commas] | None = Field(
        None, description="recipients of alerts by e-mail, comma-separated"
    )
    email_from: _Mail | None = Field(None, description="sender of these e-mails; empty: the first recipient")
    smtp_host: str | None = Field(None, description="mail server for alerts")
    smtp_port: int = Field(587, ge=1, le=65535, description="its port")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how the connection to it is secured: starttls, tls (usually port 465) or none"
    )
    smtp_user: str | None = Field(None, description="user at the mail server; empty: no login")
    smtp_password: SecretStr | None = Field(None, description="the user's password")
    severity: Literal["warn", "error"] = Field(
        "warn", description="lowest severity of failed checks that are sent: warn or error; failed runs always are"
    )
    highlights: bool = Field(True, description="new highlights are sent too: differences and changes in the data")

    @model_validator(mode="after")
    def _mail_has_a_server(self) -> Self:
        if self.email_to and not self.smtp_host:
            raise ValueError("BEHA2VEC_ALERT_EMAIL_TO needs a mail server: set BEHA2VEC_ALERT_SMTP_HOST")
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("set BEHA2VEC_ALERT_SMTP_USER and BEHA2VEC_ALERT_SMTP_PASSWORD together, or neither")
        return self

    @property
    def configured(self) -> bool:
        """Whether alerts have a recipient."""
        return bool(self.webhook_url or self.slack_webhook_url or self.email_to)


class Audiences(_Group, alias_generator="audiences_".__add__):
    """Groups of users to act on."""

    file: Path = Field(Path("audiences.yml"), description="your audiences (YAML); there are none without the file")


class Activation(_Group):
    """Where members of audiences are sent."""

    file: Path = Field(
        Path("destinations.yml"),
        alias="destinations_file",
        description="your destinations (YAML); nothing is sent without the file",
    )
    contacts_file: Path | None = Field(
        None, description="e-mail addresses and phone numbers by login id (CSV), for Google Ads; hashed in memory"
    )


class Explorer(_Group, alias_generator="explorer_".__add__):
    """Where the explorer is, and who may use it."""

    url: _Address | None = Field(
        None, description="address of the explorer, such as http://localhost:8501, for links in Dagster's UI"
    )
    password: SecretStr | None = Field(
        None, description="password that the explorer asks for; empty: none, for your own machine"
    )
    auth_header: _Header | None = Field(
        None,
        description="header that a reverse proxy sets for people it has signed in, such as X-Forwarded-User: the "
        "explorer refuses requests without it",
    )


class Mcp(_Group, alias_generator="mcp_".__add__):
    """The Model Context Protocol server over HTTP."""

    token: _Token | None = Field(
        None, description="token that clients of `beha2vec mcp --http` send; at least 32 characters"
    )
    hosts: Annotated[list[_HostName], _Commas] | None = Field(
        None,
        description="names by which clients reach it, comma-separated, such as mcp.shop.example; empty: the address "
        "it listens on",
    )


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
        needed = lookback + _ATTRIBUTION_DAYS
        for layer in ("raw", "events"):
            days = privacy.retention_days(layer)
            if days is not None and days < needed:
                raise ValueError(
                    f"BEHA2VEC_RETENTION_DAYS_{layer.upper()}={days} is too short: sequences look back {lookback} days "
                    f"(BEHA2VEC_LOOKBACK_DAYS) and the sources of sessions {_ATTRIBUTION_DAYS} more; give at least "
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
    timezone: _TimeZone


class ExportSettings(Settings):
    """The settings of work on the export."""

    export: GivenExport


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
    location, remedy = problem["loc"], problem["msg"].removeprefix("Value error, ")
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
