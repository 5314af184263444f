"""Which part of the data trains the encoder, and which measures it.

Held-out users (a stable share) are never seen. Of the others, the newest events measure the held-out loss that early
stopping goes by, since an encoder meets events from after its training.
"""

import numpy as np
import numpy.typing as npt

from beha2vec_core.encoder.batches import DAY
from beha2vec_core.encoder.config import TrainConfig
from beha2vec_core.encoder.vocabulary import stable_hash
from beha2vec_core.events.sequences import Sequences

LEAST_USERS = 20


def held_out_users(sequences: Sequences, share: float) -> npt.NDArray[np.bool_]:
    """Which users training never sees: by a stable hash of user_key, so the same ones every time."""
    return np.array([is_held_out(key, share) for key in sequences.user_key], dtype=bool)


def is_held_out(user_key: str, share: float) -> bool:
    """Whether a user belongs to the share that no encoder learns from, whatever the data it is trained on."""
    return stable_hash("held out|" + user_key) % 10_000 < share * 10_000


def training_and_validation(sequences: Sequences, config: TrainConfig) -> tuple[Sequences, Sequences | None]:
    """The histories that train and, where there are enough of them, those from a moment on that only measure.

    Both are without the held-out users. There is no validation where fewer than :data:`LEAST_USERS` users have two
    events in it or none has two before it, nor where it is shorter than the horizon of the only objective.
    """
    seen = sequences.select(np.flatnonzero(~held_out_users(sequences, config.held_out)))
    newest = int(len(seen.event_timestamp) * config.held_out_time)
    if not newest:
        return seen, None
    moment = int(np.partition(seen.event_timestamp, -newest)[-newest])
    before, after = seen.split_at(moment)
    if _users_of_two_events(after) < LEAST_USERS or not _users_of_two_events(before):
        return seen, None
    days = (int(after.event_timestamp.max()) - moment) / (DAY * 1_000_000)
    if {name for name, weight in config.objectives.items() if weight} == {"future"} and days < config.horizon_days:
        return seen, None
    return before, after


def _users_of_two_events(sequences: Sequences) -> int:
    """How many users have two events or more; one event alone teaches nothing."""
    return int((sequences.n_events > 1).sum())
