"""What the assets of predictions share: saved models and their encoders, the rows they read, the scores they write."""

import shutil
import time
from collections.abc import Callable, Collection, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import dagster as dg

from beha2vec_core.compute import Compute
from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.files import scratch
from beha2vec_core.predictions import store
from beha2vec_core.predictions.targets import last_matured
from beha2vec_core.predictions.wording import TRAIN
from beha2vec_core.progress import with_progress
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.limits import SPILL
from beha2vec_core.words import counted
from beha2vec_dagster.lib.resources import WarehouseResource

if TYPE_CHECKING:
    import pandas as pd

    from beha2vec_core.predictions.behavior import PredictionEncoder
    from beha2vec_core.predictions.model import PredictionModel

_SECONDS_KEPT = 86_400  # of an encoder that no model needs: another run may have just made it
_MOST_AT_ONCE = 100_000  # users scored at once; halved in hash parts, so a part has about 50,000 or more


def load_model(settings: ExportSettings, version: str) -> "PredictionModel":
    """The saved model.

    Raises:
        dg.Failure: this release cannot read it; the message names the remedy.
    """
    from beha2vec_core.predictions.model import PredictionModel, PredictionModelError

    try:
        return PredictionModel.load(settings.storage.prediction_models_path / version)
    except PredictionModelError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


def champions(
    context: dg.AssetExecutionContext, settings: ExportSettings, versions: list[str]
) -> "list[PredictionModel]":
    """The models of these versions that this release can read and whose encoders are there."""
    found = []
    for version in versions:
        try:
            model = load_model(settings, version)
        except dg.Failure as failure:
            context.log.info(f"not compared with: {failure.description}")
            continue
        if not model.config.encoder or (settings.storage.prediction_encoders_path / model.config.encoder).exists():
            found.append(model)
    return found


def read_examples(warehouse: WarehouseResource, purpose: str) -> "tuple[pd.DataFrame, date | None, str]":
    """Features and labels of the weekly dates, the day after the last exported one, and the encoder of the vectors."""
    with warehouse.connect(purpose) as connection:
        last = store.last_exported_day(connection)
        frame, encoder = store.read_examples(connection)
    return frame, last + timedelta(days=1) if last else None, encoder


def ga4_scores_of(settings: ExportSettings, warehouse: WarehouseResource) -> "Callable[[date], pd.DataFrame] | None":
    """GA4's own predictions as of a date; None if the export has no tables of users."""
    from beha2vec_core.ga4.source_files import SourceNotFoundError
    from beha2vec_core.ga4.sources import find_export
    from beha2vec_core.predictions.ga4_scores import read_ga4_scores, with_persons

    try:
        tables = find_export(settings.export.source, settings.export.property_id).user_tables
    except SourceNotFoundError:  # it may have been moved since it was ingested
        return None
    if not tables:
        return None

    def scores(as_of: date) -> "pd.DataFrame":
        read = read_ga4_scores(tables, as_of)
        with warehouse.connect("prediction_evaluation: GA4's scores") as connection:
            return with_persons(connection, read, as_of)

    return scores


def fit_encoder_before(
    context: dg.AssetExecutionContext,
    settings: ExportSettings,
    warehouse: WarehouseResource,
    first: date,
    training: TrainConfig,
    compute: Compute,
) -> "PredictionEncoder":
    """An encoder fitted on what was exported before a date, saved."""
    from beha2vec_core.predictions.behavior import events_before, fit_encoder

    with warehouse.connect("prediction_examples: events") as connection:
        events = events_before(connection, first)
    context.log.info(f"The encoder learns from {counted(events.num_rows, 'device')} before {first}.")
    checkpoints = settings.storage.prediction_encoders_path / ".training"
    encoder = fit_encoder(events, first, training, compute=compute, checkpoints=checkpoints)
    encoder.save(settings.storage.prediction_encoders_path / encoder.version)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return encoder


def features_of_examples(
    settings: ExportSettings, warehouse: WarehouseResource, model: "PredictionModel", day: date, compute: Compute
) -> "pd.DataFrame":
    """Features of the users of a date that are learned from, with the vectors that a model reads.

    Raises:
        dg.Failure: the encoder of the model cannot be read; the message names the remedy.
    """
    users = store.examples_of(day)
    _write_vectors(settings, warehouse, model, day, compute, only=users)
    with warehouse.connect("prediction rows") as connection:
        return store.read_features(connection, [day], model.config.encoder, only=users)


def features_in_parts(
    settings: ExportSettings, warehouse: WarehouseResource, model: "PredictionModel", day: date, compute: Compute
) -> "Iterator[tuple[store.Part, pd.DataFrame]]":
    """Features of the users of a date whom a model scores, a part of them at a time, with the vectors that it reads.

    Raises:
        dg.Failure: the encoder of the model cannot be read; the message names the remedy.
    """
    lately = model.config.population_days
    users = store.seen_lately(day, lately)
    _write_vectors(settings, warehouse, model, day, compute, only=users)
    with warehouse.connect("prediction rows: parts") as connection:
        parts = store.parts(connection, users, _MOST_AT_ONCE)
    for part in with_progress(parts, title=f"users as of {day}", unit="part"):
        with warehouse.connect("prediction rows") as connection:
            frame = store.read_features(connection, [day], model.config.encoder, part=part, seen_within=lately)
        yield part, frame


def _write_vectors(
    settings: ExportSettings,
    warehouse: WarehouseResource,
    model: "PredictionModel",
    day: date,
    compute: Compute,
    only: str,
) -> None:
    """Write the vectors that a model reads where they are not there yet."""
    from beha2vec_core.predictions.behavior import PredictionEncoder, write_vectors

    version = model.config.encoder
    if not version:
        return
    try:
        encoder = PredictionEncoder.load(settings.storage.prediction_encoders_path / version, "cpu")
    except (OSError, ValueError) as error:
        raise dg.Failure(
            f"the encoder {version} of prediction model {model.version} cannot be read ({error}): {TRAIN}",
            allow_retries=False,
        ) from None
    with warehouse.connect(f"prediction vectors of {day}") as connection:
        write_vectors(connection, encoder, day, compute, only=only)


class Scores(NamedTuple):
    """The number of rows written for each day, and the shifts of the last day."""

    rows: dict[date, int]
    shifts: dict[str, float]


def write_scores(
    settings: ExportSettings,
    warehouse: WarehouseResource,
    model: "PredictionModel",
    days: list[date],
    compute: Compute,
    *,
    reasons: bool,
) -> Scores:
    """Write the scores of the days that have features of all users and that the model was fitted for or before."""
    from beha2vec_core.predictions.score import needed_shifts, score

    written: dict[date, int] = {}
    shifts: dict[str, float] = {}
    fitted = model.standing
    shortest = min(days for target in model.targets.values() for days in target.horizons)
    with warehouse.connect("user_predictions: dates") as connection:
        known = store.whole_dates(connection)
        weekly = store.origins(connection)
    for day in with_progress(days, title="predictions", unit="day"):
        as_of = day + timedelta(days=1)
        if as_of not in known or as_of < fitted:
            continue
        # the model has seen what had matured when it was fitted
        origin = last_matured(weekly, as_of, shortest)
        newer = origin and origin != last_matured(weekly, fitted, shortest)
        matured = features_in_parts(settings, warehouse, model, origin, compute) if origin and newer else ()
        shifts = needed_shifts(model, (frame for _, frame in matured))
        with scratch(settings.storage.data_dir, SPILL) as folder:
            for part, frame in features_in_parts(settings, warehouse, model, as_of, compute):
                rows = score(model, frame, shifts, reasons=reasons, is_part=part.of > 1, compute=compute)
                store.stage(rows, folder / f"{part.number}.parquet")
            with warehouse.connect(f"user_predictions {day}: write") as connection:
                written[day] = store.write_predictions(connection, day, model, store.staged(folder))
    return Scores(written, shifts)


def remove_encoders(settings: ExportSettings, needed: Collection[str]) -> None:
    """Delete the folders of encoders that no model needs."""
    for folder in settings.storage.prediction_encoders_path.glob("*"):
        is_old = time.time() - folder.stat().st_mtime > _SECONDS_KEPT
        if folder.is_dir() and folder.name not in needed and is_old:
            shutil.rmtree(folder)
