"""The groups of settings, each with its settings: a field has a type, a default and a description.

A group's ``alias_generator`` puts its prefix before the names of its fields to make their variables, and ``alias``
stands where a variable has another name.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AliasChoices, BaseModel, Field, SecretStr, field_validator, model_validator

from beha2vec_core.settings.values import (
    Address,
    Commas,
    EventName,
    Header,
    HostName,
    Mail,
    MemoryLimit,
    Owner,
    TimeZone,
    Token,
    Webhook,
    that,
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
        str, that(re.compile(r"[\w-][\w.-]*").fullmatch, "use letters, digits, '-', '_' and '.', for example 123456789")
    ] = Field("ga4", description="GA4 property of files whose path names none (analytics_<id> or property_id=<id>)")
    start_date: date | None = Field(None, description="first day of the export (YYYY-MM-DD)")
    end_date: date | None = Field(None, description="last day of the export; empty: until yesterday")
    timezone: TimeZone | None = Field(None, description="the GA4 property's time zone (IANA name)")
    property_timezones: dict[str, TimeZone] = Field(
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

    @property
    def last_day(self) -> date:
        """The last day of the export; without ``end_date`` yesterday, in the property's time zone."""
        return self.end_date or datetime.now(self.tz).date() - timedelta(days=1)


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
    memory_limit: MemoryLimit = Field(
        "80%",
        description="memory that DuckDB may use, in dbt and in our steps, before it writes to the disk: an amount such "
        "as 4GB, or a share of the machine's",
    )
    threads: int | None = Field(
        None,
        ge=1,
        description="threads of dbt, DuckDB, Arrow, training and embedding, and processes of ingest; empty: as many as "
        "the machine has. dbt has fewer if the memory limit is below 450 MB for each",
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
    hosts: Annotated[list[str], Commas] | None = Field(
        None, description="hosts to fetch from, comma-separated; empty: those with at least 1% of page views"
    )
    user_agent: Annotated[
        str,
        that(
            lambda value: value.split("/")[0].strip() and value.isascii() and value.isprintable(),
            "use one line of plain characters, for example shop-fetcher/1.0 (+https://shop.example)",
        ),
    ] = Field("beha2vec-fetcher/1.0", description="name to fetch under; the part before the slash is for robots.txt")
    max_pages: int = Field(500, ge=1, description="pages asked for in one run, the most viewed first")


class Llm(_Group, alias_generator="llm_".__add__):
    """The language model; the OpenAI client's own variables count too."""

    base_url: Address | None = Field(
        None,
        validation_alias=AliasChoices("llm_base_url", "openai_base_url"),
        description="OpenAI-compatible endpoint; else OPENAI_BASE_URL",
    )
    # a stray line end would break the request's header, and show the key in the error
    api_key: Annotated[SecretStr, AfterValidator(lambda key: SecretStr(key.get_secret_value().strip()))] | None = Field(
        None, validation_alias=AliasChoices("llm_api_key", "openai_api_key"), description="its key; else OPENAI_API_KEY"
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

    events: Annotated[list[EventName], Commas] = Field(
        ["add_to_cart", "begin_checkout"],
        description="GA4 events to predict besides purchase and return, comma-separated",
    )
    population_days: int = Field(28, ge=1, le=90, description="users seen within this many days are scored")
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
    owners: Annotated[list[Owner], Commas] | None = Field(
        None, description="owners of the assets in Dagster: e-mail addresses and team:name, comma-separated"
    )
    url: Address | None = Field(
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
    publish_users: int | None = Field(
        None,
        ge=1000,
        description="most users in serving.duckdb, at least 1000; if there are more, it has a sample of them, and "
        "readers say so (docs/scale.md). Empty: all",
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

    webhook_url: Webhook | None = Field(
        None, description="address that alerts are posted to as JSON: failed runs and failed checks"
    )
    slack_webhook_url: Webhook | None = Field(None, description="incoming webhook of a Slack channel for alerts")
    email_to: Annotated[list[Mail], Commas] | None = Field(
        None, description="recipients of alerts by e-mail, comma-separated"
    )
    email_from: Mail | None = Field(None, description="sender of these e-mails; empty: the first recipient")
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

    url: Address | None = Field(
        None, description="address of the explorer, such as http://localhost:8501, for links in Dagster's UI"
    )
    password: SecretStr | None = Field(
        None, description="password that the explorer asks for; empty: none, for your own machine"
    )
    auth_header: Header | None = Field(
        None,
        description="header that a reverse proxy sets for people it has signed in, such as X-Forwarded-User: the "
        "explorer refuses requests without it",
    )


class Mcp(_Group, alias_generator="mcp_".__add__):
    """The Model Context Protocol server over HTTP."""

    token: Token | None = Field(
        None, description="token that clients of `beha2vec mcp --http` send; at least 32 characters"
    )
    hosts: Annotated[list[HostName], Commas] | None = Field(
        None,
        description="names by which clients reach it, comma-separated, such as mcp.shop.example; empty: the address "
        "it listens on",
    )
