"""Intent: who will put something into the cart, given five page views.

Population: users with at least five page views and no conversion event (cart, checkout, purchase) up to the moment of
the fifth. Label: any conversion event after that moment. Metric: AUROC (and average precision, to be read against the
share of positives) of a probe trained on the fitted users' prefixes, scored on the judged users'.

Traps: the number of page views is five for all, so length says nothing by itself; a conversion at the very instant of
the fifth page view would be known from that page, so such users are left out; the method has seen the whole journeys
of the fitted users, so one that learns users by heart gives the probe other vectors in training than in judging, and
is punished. Where there are few conversions, one repeat says little: read the interval.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from beha2vec_core.evaluation.statistics import Outcome
from beha2vec_core.evaluation.tasks.base import Task, Trial, user_auroc
from beha2vec_core.evaluation.tasks.inputs import encode, users_of
from beha2vec_core.evaluation.tasks.probe import probe

PAGES = 5


def prefixes(events: pd.DataFrame) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    """The population's events up to and including the fifth page view, and the label of each user, sorted."""
    views = events.groupby("user_key")["is_page_view"].cumsum()
    fifth = events["is_page_view"] & (views == PAGES)
    moment = events["user_key"].map(events[fifth].set_index("user_key")["event_timestamp"])
    early = events.loc[events["is_conversion"] & (events["event_timestamp"] <= moment), "user_key"]
    chosen = moment.notna() & ~events["user_key"].isin(early.unique())
    later = (events["is_conversion"] & (events["event_timestamp"] > moment))[chosen]
    label = later.groupby(events.loc[chosen, "user_key"]).any()
    return events[chosen & ((views < PAGES) | fifth)], label.to_numpy(dtype=bool)


def run(trial: Trial) -> list[Outcome]:
    """AUROC and average precision; nothing where either side has too few of either kind."""
    from sklearn.metrics import average_precision_score

    known, known_label = prefixes(trial.split.fit)
    judged, label = prefixes(trial.split.judged)
    if len(set(known_label)) < 2 or len(set(label)) < 2:
        return []
    train, test = encode(trial.fitted, known), encode(trial.fitted, judged)
    score = probe(train, known_label, test, seed=trial.split.repeat)
    if score is None:
        return []
    return [
        user_auroc("intent", "auroc", users_of(judged), score, label),
        Outcome("intent", "average precision", float(average_precision_score(label, score)), len(label)),
    ]


TASK = Task("intent", "users", "encode", run)
