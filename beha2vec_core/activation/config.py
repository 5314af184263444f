"""The file of destinations: a YAML list beside that of audiences. Secrets are not in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr, TypeAdapter, ValidationError

from beha2vec_core.activation.bigquery import BigQuery
from beha2vec_core.activation.contacts import load_contacts
from beha2vec_core.activation.data_manager import SECONDS_BETWEEN, AdsFile, DataManager
from beha2vec_core.activation.destination import ActivationError, Destination
from beha2vec_core.activation.files import Files
from beha2vec_core.activation.folders import Bucket, LocalFolder
from beha2vec_core.activation.ga4 import GA4
from beha2vec_core.activation.http import Client
from beha2vec_core.activation.warehouses import Dlt
from beha2vec_core.activation.webhook import Webhook
from beha2vec_core.audiences.file import in_words, is_name, listed, nearest
from beha2vec_core.buckets import is_bucket
from beha2vec_core.settings import Settings, destination_secret
from beha2vec_core.store.written import note_written

if TYPE_CHECKING:
    from beha2vec_core.pages.fetching.addresses import AddressGuard


def _is_folder(folder: str) -> str:
    if "://" in folder and not is_bucket(folder):  # a path would make a folder of this name
        raise ValueError("give a folder of this machine, or one of a bucket: s3://bucket/folder or gs://bucket/folder")
    return folder


FolderText = Annotated[str, AfterValidator(_is_folder)]


class DestinationConfig(BaseModel, frozen=True, extra="forbid", coerce_numbers_to_str=True):
    """What all destinations have.

    Attributes:
        name: unique in the file; the secret is the variable ``BEHA2VEC_SECRET_<NAME>``.
        property_id: only users of this GA4 property are sent.
    """

    name: Annotated[str, AfterValidator(is_name)]
    property_id: str | None = None


class GA4Config(DestinationConfig):
    """A web stream of GA4; see `ga4.GA4`."""

    type: Literal["ga4"]
    measurement_id: str
    region: Literal["eu", "us"] = "eu"
    with_login: bool = False


class FilesConfig(DestinationConfig):
    """A folder; see `files.Files`."""

    type: Literal["files"]
    folder: FolderText
    format: Literal["csv", "parquet"] = "csv"


class WebhookConfig(DestinationConfig):
    """An address; see `webhook.Webhook`."""

    type: Literal["webhook"]
    url: str


class DataManagerConfig(DestinationConfig):
    """A list of customers in Google Ads; see `data_manager.DataManager`."""

    type: Literal["data_manager"]
    account_id: str
    login_account_id: str | None = None


class AdsFileConfig(DestinationConfig):
    """Files of hashed contacts for Google Ads; see `data_manager.AdsFile`."""

    type: Literal["ads_file"]
    folder: FolderText


class DltConfig(DestinationConfig):
    """A table of a warehouse; see `warehouses.Dlt`."""

    type: Literal["dlt"]
    database: str
    dataset: str
    table: str = "audience_members"


class BigQueryConfig(DestinationConfig):
    """A table; see `bigquery.BigQuery`."""

    type: Literal["bigquery"]
    table: str


Config = Annotated[
    GA4Config | FilesConfig | WebhookConfig | DataManagerConfig | AdsFileConfig | BigQueryConfig | DltConfig,
    Field(discriminator="type"),
]
_TYPES: Mapping[str, type[DestinationConfig]] = {
    "ga4": GA4Config,
    "files": FilesConfig,
    "webhook": WebhookConfig,
    "data_manager": DataManagerConfig,
    "ads_file": AdsFileConfig,
    "bigquery": BigQueryConfig,
    "dlt": DltConfig,
}


def load_destinations(path: Path) -> list[DestinationConfig]:
    """The destinations of a file, in its order; none where there is no file.

    Raises:
        ActivationError: the file cannot be read, or an entry is wrong.
    """
    return [_config_of(entry, where) for where, entry in listed(path, "destination", ActivationError)]


def _config_of(entry: Any, where: str) -> DestinationConfig:
    try:
        config: DestinationConfig = TypeAdapter(Config).validate_python(entry)
    except ValidationError as error:
        raise ActivationError(f"{where}: {_explained(error, entry)}") from None
    return config


def find_destination(configs: list[DestinationConfig], name: str, path: Path) -> DestinationConfig:
    """The destination of a name.

    Raises:
        ActivationError: there is none; the message has the nearest names.
    """
    known = {one.name: one for one in configs}
    if not known:
        raise ActivationError(f"{path} has no destinations (docs/activation.md, BEHA2VEC_DESTINATIONS_FILE)")
    if name not in known:
        raise ActivationError(f"there is no destination {name!r}{nearest(name, list(known))}")
    return known[name]


def build(
    config: DestinationConfig,
    settings: Settings,
    *,
    debug: bool = False,
    guard: AddressGuard | None = None,
    host: str = "",
    secret: Callable[[str], SecretStr | None] = destination_secret,
) -> Destination:
    """The destination that an entry describes.

    Args:
        settings: where files are noted for `beha2vec forget`, and where contacts are.
        debug: of GA4, ask the debug endpoint.
        guard: which addresses may be connected to; default: public ones, over TLS.
        host: where a service is that has one address for all; for tests.

    Raises:
        ActivationError: the secret cannot be sent.
    """
    given = config.model_dump(exclude={"type"})
    own = _checked(config, secret(config.name))
    contacts = partial(load_contacts, settings.activation.contacts_file, settings.storage.data_dir)
    beside, note = settings.activation.file.parent, partial(note_written, settings)
    if isinstance(config, AdsFileConfig | FilesConfig):
        where = config.folder
        given["folder"] = Bucket(where) if "://" in where else LocalFolder(beside / where, note)
    match config:
        case GA4Config():
            return GA4(**given, secret=own, client=Client(guard), debug=debug, host=host)
        case WebhookConfig():
            return Webhook(**given, secret=own, client=Client(guard))
        case DataManagerConfig():
            client = Client(guard, seconds=60, seconds_between=SECONDS_BETWEEN)
            return DataManager(**given, secret=own, client=client, contacts=contacts, debug=debug, host=host)
        case BigQueryConfig():
            return BigQuery(**given)
        case DltConfig():
            return Dlt(**given, secret=own, work=settings.storage.data_dir / ".dlt", beside=beside, note=note)
        case AdsFileConfig():
            return AdsFile(**given, contacts=contacts)
        case FilesConfig():
            return Files(**given)
    raise AssertionError(f"{type(config)} is built above")


def _checked(config: DestinationConfig, secret: SecretStr | None) -> SecretStr | None:
    """The secret, if a request can hold it; the passwords of databases are encoded."""
    text = secret.get_secret_value() if secret else ""
    if text.isprintable() and (text.isascii() or isinstance(config, DltConfig)):
        return secret
    raise ActivationError(
        f"BEHA2VEC_SECRET_{config.name.upper()} has line breaks or characters other than ASCII: copy the secret again"
    )


def _explained(error: ValidationError, entry: Any) -> str:
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"][1:])
    if problem["type"] == "union_tag_not_found":
        return f"type is missing; choose from {', '.join(_TYPES)}"
    if problem["type"] == "union_tag_invalid":
        return f"there is no type {entry.get('type')!r}{nearest(str(entry.get('type')), list(_TYPES))}"
    if problem["type"] == "extra_forbidden":
        keys = list(_TYPES[str(entry["type"])].model_fields)
        if any(part in key for part in ("secret", "key", "token", "password")):
            return f"{key} is not a key: secrets are variables of the environment, BEHA2VEC_SECRET_<NAME>"
        return f"{key} is not a key of a destination of this type{nearest(key, keys)}"
    return in_words(problem, key)
