"""What each user did before a date, as a vector from an encoder that has not seen the days to predict.

Predictions have an encoder of their own: the one behind the clusters is trained on the days whose outcomes predictions
learn from. This one learns from the events exported before the first date of the examples. The vectors are the main
components of its behavior vectors, encoded as of each date.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa

from beha2vec_core.compute.device import Device
from beha2vec_core.dbt_vars import LATE_EVENT_DAYS, LOOKBACK_DAYS
from beha2vec_core.encoder.config import EncoderConfig, TrainConfig
from beha2vec_core.events.query import OLDEST_FIRST
from beha2vec_core.files import replacing
from beha2vec_core.predictions.arrays import FloatArray
from beha2vec_core.predictions.targets import HORIZONS
from beha2vec_core.store.vectors import as_matrix
from beha2vec_core.store.warehouse import transaction

if TYPE_CHECKING:
    from beha2vec_core.compute import Compute
    from beha2vec_core.encoder.encoder import BehaviorEncoder

COMPONENTS = 16
# days of events that the encoder learns from at least, and if there are more; users with several events among them
FEWEST_DAYS, ENOUGH_DAYS, FEWEST_USERS = 14, 28, 200
# the examples after them have to allow learning, calibration and a test of the longest horizon
EXAMPLE_DAYS = 3 * (HORIZONS[-1] + LATE_EVENT_DAYS)
_BATCH_ROWS = 8_192
_FILE = "components.json"
_COLUMNS = ("event_timestamp", "event_index", "event_name", "page", "session_key", "is_page_view")
_LISTS = ", ".join(f"list({name} order by {OLDEST_FIRST}) as {name}" for name in _COLUMNS)
_EVENTS = "(select * exclude (page_key), page_key as page from ga4.int_ga4__sequence_events)"


class Start(NamedTuple):
    """The first date of the examples that can have vectors; None, and why, if there is none."""

    date: date | None
    reason: str = ""


@dataclass(frozen=True)
class PredictionEncoder:
    """An encoder, and the components of its vectors that predictions read."""

    encoder: BehaviorEncoder  # fitted on what was exported before the first example
    centre: FloatArray  # the mean vector [dim]
    components: FloatArray  # the main directions, scaled so that each has variance 1 [dim, `COMPONENTS`]

    @property
    def version(self) -> str:
        """The encoder's version."""
        return self.encoder.model_version

    def save(self, folder: Path) -> None:
        """Write it to a folder."""
        self.encoder.save(folder)
        with replacing(folder / _FILE) as temporary:
            temporary.write_text(json.dumps({"centre": self.centre.tolist(), "components": self.components.tolist()}))

    @classmethod
    def load(cls, folder: Path, device: Device = "auto") -> PredictionEncoder:
        """Read it again.

        Raises:
            OSError, ValueError: it is not there, or cannot be read.
        """
        from beha2vec_core.encoder.encoder import BehaviorEncoder

        saved = json.loads((folder / _FILE).read_text())
        encoder = BehaviorEncoder.load(folder, device)
        return cls(encoder, np.array(saved["centre"]), np.array(saved["components"]))


def start_of_examples(connection: duckdb.DuckDBPyConnection, dates: Sequence[date]) -> Start:
    """The first weekly date before which an encoder has enough to learn from, and after which there is enough."""
    ((first, last),) = connection.execute(
        "select min(event_date), max(event_date) from ga4.int_ga4__sequence_events"
    ).fetchall()
    if first is None or not dates:
        return Start(None, "there are no events")
    allowed = [d for d in dates if (d - first).days >= FEWEST_DAYS and (last - d).days + 1 >= EXAMPLE_DAYS]
    if not allowed:
        needed = FEWEST_DAYS + 6 + EXAMPLE_DAYS
        return Start(None, f"behavior vectors need {needed} days of exports, and there are {(last - first).days + 1}")
    found = next((day for day in allowed if (day - first).days >= ENOUGH_DAYS), allowed[-1])
    ((users,),) = connection.execute(
        """select count(*) from (
            select client_key from ga4.int_ga4__sequence_events where event_date < ? group by 1 having count(*) > 2)""",
        [found],
    ).fetchall()
    if users < FEWEST_USERS:
        return Start(None, f"behavior vectors need {FEWEST_USERS} users before {found}, and there are {users}")
    return Start(found)


def events_before(connection: duckdb.DuckDBPyConnection, day: date, most: int = 100_000) -> pa.Table:
    """What was exported before a date, a row a device: ``user_key`` and a list for each column of its events.

    Of more than ``most`` devices, the same ones are always chosen.
    """
    return connection.sql(
        f"""select client_key as user_key, {_LISTS} from {_EVENTS} as events
        where event_date < $day group by client_key order by md5(client_key) limit $most""",
        params={"day": day, "most": most},
    ).to_arrow_table()


def fit_encoder(
    events: pa.Table,
    day: date,
    training: TrainConfig,
    *,
    compute: Compute | None = None,
    checkpoints: Path | None = None,
) -> PredictionEncoder:
    """Fit an encoder.

    Args:
        events: from `events_before`.
        day: the date before which they were exported.
        compute: where it is trained; None: in this process.
        checkpoints: a folder from which a killed training goes on.
    """
    from beha2vec_core.encoder.encoder import BehaviorEncoder

    # no labels of pages: they come from all titles ever seen, also from later ones
    config = EncoderConfig(optional_fields=())
    encoder = BehaviorEncoder.fit(events, config, training, compute=compute, checkpoints=checkpoints)
    vectors = as_matrix(encoder.encode(events, _moment(day))["behavior"]).astype(np.float64)
    centre = vectors.mean(axis=0)
    _, scales, directions = np.linalg.svd(vectors - centre, full_matrices=False)
    kept = min(COMPONENTS, int((scales > 1e-6 * scales[0]).sum()))
    return PredictionEncoder(encoder, centre, directions[:kept].T * np.sqrt(len(vectors)) / scales[:kept])


def write_vectors(
    connection: duckdb.DuckDBPyConnection,
    encoder: PredictionEncoder,
    day: date,
    compute: Compute | None = None,
    *,
    only: str = "(from ga4.ml_ga4__user_features where as_of = $day)",
) -> int:
    """Encode the users of a date, unless all have vectors by this encoder and no late event can come; the rows written.

    Args:
        day: the date; a user has a vector if they are in ``ga4.ml_ga4__user_features`` as of it.
        compute: where users are encoded; None: in this process.
        only: SQL of a table with the ``user_key`` of those who are wanted.
    """
    rows_of = f"""from {_EVENTS} as events
        join ga4.int_ga4__identities_as_of as identities using (client_key)
        where identities.as_of = $day and events.event_date < $day and events.event_date >= $first
            and user_key in (select user_key from {only})"""
    parameters = {"day": day, "first": day - timedelta(days=LOOKBACK_DAYS)}
    known = "(from beha2vec.prediction_vectors where as_of = $day and encoder_version = $encoder)"
    ((settled, missing, gone),) = connection.execute(
        f"""select
            (select max(event_date) - $late >= $day from ga4.int_ga4__sequence_events),
            (select count(*) from (select user_key {rows_of}) anti join {known} using (user_key)),
            (select count(*) from {known} anti join (
                from ga4.ml_ga4__user_features where as_of = $day) using (user_key))""",
        parameters | {"encoder": encoder.version, "late": LATE_EVENT_DAYS},
    ).fetchall()
    if settled and not missing and not gone:
        return 0
    users = connection.sql(f"select user_key, {_LISTS} {rows_of} group by user_key", params=parameters).to_arrow_reader(
        _BATCH_ROWS
    )
    keys, parts = [], []
    for batch in encoder.encoder.encode_stream(users, _moment(day), compute=compute):
        vectors = as_matrix(pa.Table.from_batches([batch])["behavior"])
        keys.append(batch.column("user_key"))
        parts.append(((vectors - encoder.centre) @ encoder.components).astype(np.float32))
    if not parts:
        return 0
    matrix = np.concatenate(parts)
    rows = pa.table(  # noqa: F841  (DuckDB finds it by its name)
        {
            "user_key": pa.chunked_array(keys),
            "behavior": pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1]),
        }
    )
    with transaction(connection):
        connection.execute(
            """delete from beha2vec.prediction_vectors where as_of = ? and encoder_version = ? and (
                user_key in (select user_key from rows)
                or user_key not in (select user_key from ga4.ml_ga4__user_features where as_of = ?))""",
            [day, encoder.version, day],
        )
        connection.execute(
            """insert into beha2vec.prediction_vectors by name
            select ?::date - 1 as event_date, ?::date as as_of, property_id, user_key, ? as encoder_version,
                behavior::float[] as behavior
            from rows join (
                select property_id, user_key from ga4.ml_ga4__user_features where as_of = ?) using (user_key)""",
            [day, day, encoder.version, day],
        )
    return len(matrix)


def _moment(day: date) -> datetime:
    """A moment after the end of the day before in all time zones, in UTC."""
    return datetime.combine(day, time(12))
