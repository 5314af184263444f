"""Who will buy, return or do something else: fitted on weekly dates, tested on later ones, scored each night."""

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from beha2vec_core.compute.device import Device
from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.files import scratch
from beha2vec_core.predictions import gate, store
from beha2vec_core.predictions.targets import PURCHASE, RETURN
from beha2vec_core.predictions.wording import TRAIN
from beha2vec_core.progress import with_progress
from beha2vec_core.settings import ExportSettings
from beha2vec_core.store.limits import SPILL
from beha2vec_core.store.sql import quote
from beha2vec_core.store.warehouse import replace_partition
from beha2vec_core.words import counted
from beha2vec_dagster.defs.predictions import models
from beha2vec_dagster.lib import plots
from beha2vec_dagster.lib.assets import asset
from beha2vec_dagster.lib.console import core_messages
from beha2vec_dagster.lib.metadata import made, markdown_table, picture, relation_metadata
from beha2vec_dagster.lib.partitions import daily_partitions, days_of
from beha2vec_dagster.lib.resources import GPU_POOL, ComputeResource, WarehouseResource

if TYPE_CHECKING:
    import pandas as pd

    from beha2vec_core.predictions.examples import Group
    from beha2vec_core.predictions.model import PredictionModel

_LOGGER = "beha2vec_core.predictions"
_FITTED = "fitted"
_NO_USERS = "there are no users yet: materialize ml_ga4__user_features"
# models of the last weeks that the newest one is compared with
_CHAMPIONS = 10
_GAINS_SHOWN = 40


class ExamplesConfig(dg.Config):
    """What predictions learn from."""

    vectors: bool = Field(
        True, description="Whether an encoder is trained for them, so that they know what each user viewed and did."
    )
    epochs: int = Field(10, ge=1, description="Passes of the encoder over the users, at most.")
    max_updates: int = Field(2_000, ge=1, description="Batches of its whole training, at most.")
    seed: int = Field(0, description="Same seed, data and device: same vectors.")
    max_examples: int = Field(
        250_000,
        ge=1_000,
        description="Examples (a user on a weekly date), about. Of more, a sample of the users is drawn by hash.",
    )

    def training(self, device: Device) -> TrainConfig:
        """How to train the encoder."""
        return TrainConfig(
            epochs=min(self.epochs, self.max_updates),
            max_updates=self.max_updates,
            seed=self.seed,
            device=device,
            progress=False,
        )


class PredictionConfig(dg.Config):
    """How predictions are fitted."""

    trees: bool = Field(True, description="Whether LightGBM may join the regression, from 300 positives on.")
    threads: int = Field(2, ge=1, description="Threads of LightGBM.")
    seed: int = Field(0, description="Same seed and data: same model.")


class EvaluationConfig(dg.Config):
    """How much is tested."""

    dates: int = Field(2, ge=1, description="Test dates, the newest with known outcomes; each needs a fit of its own.")


class PromotionConfig(dg.Config):
    """When a new prediction model may replace the one in use."""

    tolerance: float = Field(
        0.01, ge=0, description="How much worse its log loss may certainly be than a rival's, as a share of it."
    )
    force: bool = Field(False, description="Use it even if the gate refuses it.")


class ScoringConfig(dg.Config):
    """What is scored."""

    reasons: bool = Field(True, description="Whether users of the first decile get reasons.")


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """The examples, the model in use and its scores."""
    daily = daily_partitions(settings)

    @asset(
        deps=["ml_ga4__user_features", "int_ga4__identities_as_of", "int_ga4__sequence_events"],
        group_name="predictions",
        kinds={"duckdb", "pytorch"},
        pool=GPU_POOL,
        code_version="3",
    )
    def prediction_examples(
        context: dg.AssetExecutionContext,
        config: ExamplesConfig,
        compute: ComputeResource,
        warehouse: WarehouseResource,
    ) -> dg.MaterializeResult[Any]:
        """The users and weekly dates that predictions learn from: Mondays, with what was exported before them.

        Their features and labels are in `ml_ga4__user_features`, their vectors in `beha2vec.prediction_vectors`. The
        vectors come from an encoder trained here on what was exported before the first of the dates.
        """
        from beha2vec_core.predictions.behavior import Start, start_of_examples, write_vectors
        from beha2vec_core.predictions.examples import draw

        device, about_device = compute.resolve()
        with warehouse.connect("prediction_examples: dates") as connection:
            dates = store.origins(connection)
            start = start_of_examples(connection, dates) if config.vectors else Start(None, "turned off")
        encoder = None
        if start.date:
            dates = [day for day in dates if day >= start.date]
            training = config.training(device)
            encoder = models.fit_encoder_before(context, settings, warehouse, start.date, training, compute.open())
        # what is learned from is replaced at once, when all its vectors are there
        with scratch(settings.storage.data_dir, SPILL) as folder:
            drawn = quote(folder / "examples.parquet")
            with warehouse.connect("prediction_examples: users") as connection:
                users, groups = draw(connection, dates, targets_of(settings), config.max_examples)
                connection.execute(f"copy ({users}) to {drawn}")
            if encoder:
                for day in with_progress(dates, title="vectors", unit="date"):
                    with warehouse.connect(f"prediction_examples: vectors of {day}") as connection:
                        of_date = f"(from {drawn} where as_of = '{day}')"
                        write_vectors(connection, encoder, day, compute.open(), only=of_date)
            with warehouse.connect("prediction_examples: write") as connection:
                version = quote(encoder.version) if encoder else "null::varchar"
                rows = f"select *, {version} as encoder_version from {drawn}"
                replace_partition(connection, "beha2vec.prediction_examples", rows, "true")
        with warehouse.connect("prediction_examples") as connection:
            about = relation_metadata(connection, "beha2vec.prediction_examples")
            by_date = connection.execute(
                """select as_of, count(*), count(*) filter (will_return_7d), count(will_return_7d),
                    count(*) filter (will_purchase_28d), count(will_purchase_28d)
                from ga4.ml_ga4__user_features
                semi join beha2vec.prediction_examples using (as_of, property_id, user_key)
                group by as_of order by as_of"""
            ).fetchall()
        names = ["as of", "users", "return in 7 days", "known", "purchase in 28 days", "known"]
        return made(
            about,
            dates=len(dates),
            users_by_date=markdown_table(names, by_date),
            encoder_version=encoder.version if encoder else None,
            vectors=f"from an encoder of the events before {start.date}" if encoder else start.reason,
            device=about_device if encoder else None,
            sample=_sample(groups),
        )

    @asset(deps=["prediction_examples"], group_name="predictions", kinds={"scikitlearn", "lightgbm"}, code_version="1")
    def prediction_candidate(
        context: dg.AssetExecutionContext, config: PredictionConfig, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[Any]:
        """A model of each target, fitted as of the day after the last exported one.

        It is not used until `prediction_evaluation` has tested it and `prediction_model` has accepted it. Where the
        history is too short, or no user does what is predicted, `status` says so, and the rest of the graph runs on.
        """
        from beha2vec_core.predictions.card import model_card
        from beha2vec_core.predictions.config import FitConfig
        from beha2vec_core.predictions.fit import fit_predictions
        from beha2vec_core.predictions.history import NotEnoughHistoryError

        frame, until, encoder = models.read_examples(warehouse, "prediction_candidate")
        if until is None:
            return made(status=_NO_USERS)
        asked = FitConfig(
            targets=targets_of(settings),
            population_days=settings.predictions.population_days,
            encoder=encoder,
            **config.model_dump(),
        )
        try:
            model = fit_predictions(frame, until, asked)
        except NotEnoughHistoryError as error:
            context.log.warning(str(error))
            return made(status=str(error))
        model.save(settings.storage.prediction_models_path / model.version)
        for name, target in model.targets.items():
            for kind, part in target.kinds.items():
                context.log.info(f"{name}, {kind}: {part.method}, {counted(part.positives, 'user')} with the outcome")
        with warehouse.connect("prediction_candidate: write") as connection:
            store.write_model(connection, model)
            about = relation_metadata(connection, "beha2vec.prediction_models")
        gains = [
            (name, kind, *gain)
            for name, target in model.targets.items()
            for kind, found in target.gains.items()
            for gain in found
        ]
        return made(
            about,
            version=model.version,
            status=_FITTED,
            prediction_version=model.version,
            fitted_as_of=model.standing.isoformat(),
            examples=len(frame),
            sample=_of_all(frame),
            notes=model.all_notes or None,
            what_blocks_add=markdown_table(
                ["target", "users", "block", "log loss saved", "from", "to", "used"], gains[:_GAINS_SHOWN]
            ),
            model_card=dg.MetadataValue.md(model_card(model)),
        )

    @asset(deps=["prediction_candidate"], group_name="predictions", kinds={"scikitlearn", "duckdb"}, code_version="1")
    def prediction_evaluation(
        context: dg.AssetExecutionContext,
        config: EvaluationConfig,
        compute: ComputeResource,
        warehouse: WarehouseResource,
    ) -> dg.MaterializeResult[Any]:
        """The newest model tested on dates it has not seen, beside simple rules and the model in use.

        For each test date a model is fitted as of it in the same way. `docs/predictions.md` explains each metric.
        """
        from beha2vec_core.predictions.backtest import backtest

        with warehouse.connect("prediction_evaluation: versions") as connection:
            version, earlier = store.newest_version(connection), store.promoted_versions(connection)
        if version is None:
            return made(status=_none_yet(context))
        model = models.load_model(settings, version)
        rivals = models.champions(context, settings, earlier[:_CHAMPIONS])
        frame, until, encoder = models.read_examples(warehouse, "prediction_evaluation: read")
        if until is None:
            return made(status=_NO_USERS)
        if encoder != model.config.encoder:
            return made(status="there are newer examples: fit prediction_candidate again")

        def rows_for(champion: "PredictionModel", day: date) -> "pd.DataFrame":
            return models.features_of_examples(settings, warehouse, champion, day, compute.open())

        with core_messages(context.log, _LOGGER):
            found = backtest(
                frame,
                until,
                model.config,
                folds=config.dates,
                champions=rivals,
                rows_for=rows_for,
                ga4_scores=models.ga4_scores_of(settings, warehouse),
            )
        for note in found.notes:
            context.log.warning(f"nothing could be tested: {note}")
        with warehouse.connect("prediction_evaluation: write") as connection:
            store.write_evaluation(connection, version, found)
            of_version = f"(from beha2vec.prediction_evaluation where prediction_version = '{version}')"
            about = relation_metadata(connection, of_version)
        return made(
            about,
            status="tested" if found.origins else found.notes[0] if found.notes else "nothing to test",
            prediction_version=version,
            test_dates=[day.isoformat() for day in found.origins],
            sample=_of_all(frame),
            headline=_headline(found.rows),
            reliability=_curve_picture(found.curves, plots.reliability_by_target, "reliability"),
            gains=_curve_picture(found.curves, plots.gains, "gains"),
        )

    @asset(deps=["prediction_evaluation"], group_name="predictions", kinds={"scikitlearn"}, code_version="1")
    def prediction_model(
        context: dg.AssetExecutionContext,
        config: PromotionConfig,
        compute: ComputeResource,
        warehouse: WarehouseResource,
    ) -> dg.MaterializeResult[Any]:
        """The prediction model in use: the newest candidate takes its place here, or is refused.

        It scores the last exported day first, then readers are switched to it, in one transaction. A refused candidate
        changes nothing; `beha2vec.prediction_models` has the reason. `beha2vec rollback --predictions` goes back.
        """
        with warehouse.connect("prediction_model: read") as connection:
            candidate, in_use = store.newest_version(connection), store.version_in_use(connection)
            rows = store.evaluation_rows(connection, candidate) if candidate else []
            dates = store.feature_dates(connection)
            left = store.rolled_back(connection, candidate) if candidate else None
        if candidate is None or not dates:
            return made(status=_none_yet(context))
        if left and not config.force:
            context.log.warning(f"prediction model {candidate} was {left}: {in_use} stays in use until the next one")
            return made(status=left)
        reasons = gate.reasons_to_refuse(rows, config.tolerance) if candidate != in_use else []
        if reasons and not config.force:
            message = "; ".join(reasons)
            with warehouse.connect("prediction_model: refuse") as connection:
                store.refuse(connection, candidate, message)
            raise dg.Failure(
                f"prediction model {candidate} is refused: {message}. The model in use stays. Fit another one, or "
                "materialize prediction_model with force in the Launchpad",
                allow_retries=False,
            )
        model = models.load_model(settings, candidate)
        scored = models.write_scores(
            settings, warehouse, model, [store.scored_day(dates[-1])], compute.open(), reasons=True
        )
        with warehouse.connect("prediction_model: promote") as connection:
            deleted = store.promote(connection, candidate)
            needed = store.encoders_needed(connection, _CHAMPIONS)
            about = relation_metadata(connection, "beha2vec.prediction_models")
        models.remove_encoders(settings, needed)
        context.log.info(f"prediction model {candidate} is in use; before it: {in_use or 'none'}")
        return made(
            about,
            version=candidate,
            status="in use",
            prediction_version=candidate,
            before=in_use,
            forced=reasons or None,
            scores=sum(scored.rows.values()),
            old_scores_deleted=deleted or None,
        )

    @asset(
        partitions_def=daily,
        deps=["ml_ga4__user_features", "int_ga4__identities_as_of", "int_ga4__sequence_events", "prediction_model"],
        group_name="predictions",
        kinds={"scikitlearn", "duckdb"},
        code_version="1",
    )
    def user_predictions(
        context: dg.AssetExecutionContext, config: ScoringConfig, compute: ComputeResource, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[Any]:
        """What each user seen lately is expected to do, as of the end of the day: a row per user, target and horizon.

        Probabilities have a 90% interval and a decile; users of the first decile have reasons; purchases have an
        expected value. Days without features of all users keep their scores: `ml_ga4__user_features` has the days of
        dbt's last run and past Mondays, and of these a large site has a sample.
        """
        days = days_of(context)
        with warehouse.connect("user_predictions: model") as connection:
            version = store.version_in_use(connection)
        if version is None:
            context.log.warning(why := _none_yet(context))
            return made({"dagster/row_count": 0}, status=why)
        try:
            model = models.load_model(settings, version)
            scored = models.write_scores(settings, warehouse, model, days, compute.open(), reasons=config.reasons)
        except dg.Failure as error:  # files of another release: the rest of the night runs on
            context.log.warning(str(error.description))
            return made(status=str(error.description))
        without = [day for day in days if day not in scored.rows]
        if without:
            context.log.info(
                f"{counted(len(without), 'day')} not scored again: their scores stay as they are, because there "
                "are no features of all users as of the end of the day, or the model was fitted later. The job "
                "refresh_last_days builds the features of the last days and scores them"
            )
        for day in days:
            of_day = {"dagster/partition_row_count": scored.rows.get(day, 0)}
            context.add_asset_metadata(of_day, partition_key=day.isoformat())
        for target, shift in scored.shifts.items():
            context.log.warning(
                f"{target} has become {'more' if shift > 0 else 'less'} frequent since the model was fitted: its "
                f"probabilities are shifted by {shift:+.2f} log odds. {TRAIN[:1].upper()}{TRAIN[1:]}"
            )
        with warehouse.connect("user_predictions: metadata") as connection:
            about = relation_metadata(connection, "beha2vec.user_predictions_current")
            expected = connection.execute(
                """select target, horizon, count(*), sum(probability), median(probability), sum(value)
                from beha2vec.user_predictions_current group by all order by all"""
            ).fetchall()
            stability = store.stability(connection)
        names = ["target", "days", "users", "expected to do it", "median probability", "expected revenue"]
        of_both = ["target", "days", "users compared", "rank correlation", "still in the first decile"]
        return made(
            about,
            status="scored",
            prediction_version=version,
            expected=markdown_table(names, expected),
            compared_with_the_date_before=markdown_table(of_both, stability) if stability else None,
            shifts={name: round(shift, 3) for name, shift in scored.shifts.items()} or None,
            days_not_scored=len(without) or None,
        )

    return [prediction_examples, prediction_candidate, prediction_evaluation, prediction_model, user_predictions]


def targets_of(settings: ExportSettings) -> tuple[str, ...]:
    """What is predicted."""
    return tuple(dict.fromkeys((PURCHASE, RETURN, *settings.predictions.events)))


def _of_all(frame: "pd.DataFrame") -> str | None:
    """That numbers are estimates, if not all users were read."""
    from beha2vec_core.predictions.examples import weights_of

    of_all = round(weights_of(frame).sum())
    if of_all == len(frame):
        return None
    return (
        f"estimated on {len(frame):,} of about {of_all:,} examples, each counted as often as it stands for; the 95% "
        "intervals of the metrics hold the error of the sample (prediction_examples has the shares)"
    )


def _sample(groups: "list[Group]") -> dg.MetadataValue | None:
    """Which share of which users was drawn; None where all are there."""
    users: Counter[tuple[str, int]] = Counter()
    for group in groups:
        users[group.did, group.stands_for * group.one_in] += group.users
    if all(one_in == 1 for _, one_in in users):
        return None
    lines = [(did or "none of it", number, f"1 in {one_in}") for (did, one_in), number in users.items()]
    return markdown_table(["did", "users", "drawn"], lines)


def _headline(rows: "pd.DataFrame") -> dg.MetadataValue:
    """The main metrics of the model and its rivals, a row per target and method, for its longest horizon."""
    shown = ["auroc", "lift_10pct", "brier_skill", "log_loss", "calibration_error", "observed_over_expected"]
    lines = []
    for (target, method), part in rows.groupby(["target", "method"], sort=False):
        days = int(part["horizon"].max())
        of = part[part["horizon"] == days].set_index("metric")["value"]
        lines.append((target, method, days, *(float(of[name]) if name in of else None for name in shown)))
    return markdown_table(["target", "method", "days", *shown], lines)


def _curve_picture(curves: "pd.DataFrame", draw: Any, alt: str) -> dg.MetadataValue | None:
    if curves.empty:
        return None
    longest = curves[curves["horizon"] == curves["horizon"].max()]
    return picture(draw({str(name): part.to_dict("records") for name, part in longest.groupby("target")}), alt)


def _none_yet(context: dg.AssetExecutionContext) -> str:
    """There is no model: why, if it could not be fitted, else how to get one."""
    event = context.instance.get_latest_materialization_event(dg.AssetKey("prediction_candidate"))
    made_last = event.asset_materialization if event else None
    status = str(made_last.metadata["status"].value) if made_last and "status" in made_last.metadata else _FITTED
    return f"no prediction model yet: {TRAIN if status == _FITTED else status}"
