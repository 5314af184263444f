"""The probe: how much a linear model reads off vectors."""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from beha2vec_core.evaluation.statistics import auroc
from beha2vec_core.evaluation.tasks.inputs import Vectors

STRENGTHS = (0.001, 0.01, 0.1, 1.0)
FOLDS = 3
# of either class, or there is nothing to train on
FEWEST = 5


def probe(
    train: Vectors, label: npt.NDArray[np.bool_], test: Vectors, *, seed: int, counts: int | None = None
) -> npt.NDArray[np.float64] | None:
    """Scores of the test users: logistic regression on standardised columns, classes weighed alike.

    Its strength C is chosen among `STRENGTHS` by AUROC in cross-validation on the training users alone. So is, with
    ``counts``, whether the columns behind the first ``counts`` are used: if they raise the AUROC by more than the
    standard error of its differences between folds. None where they hold fewer than `FEWEST` of either class. Scores
    equal to nine decimals come out equal.
    """
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    if min(label.sum(), (~label).sum()) < FEWEST:
        return None
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(train, label))

    def reached(of: Vectors) -> npt.NDArray[np.float64]:  # [folds, strengths]
        return np.array(
            [
                [auroc(score, label[held]) for score in _scores(of[rest], label[rest], of[held], STRENGTHS)]
                for rest, held in folds
            ]
        )

    with threadpool_limits(1):  # threads add in the order they finish, which changes the last bits
        width = train.shape[1]
        found = reached(train)
        if counts is not None:
            without = reached(train[:, :counts])
            gain = found[:, found.mean(axis=0).argmax()] - without[:, without.mean(axis=0).argmax()]
            if gain.mean() <= gain.std(ddof=1) / np.sqrt(len(gain)):
                width, found = counts, without
        best = STRENGTHS[int(found.mean(axis=0).argmax())]
        return next(_scores(train[:, :width], label, test[:, :width], (best,))).round(9)


def _scores(
    train: Vectors, label: npt.NDArray[np.bool_], test: Vectors, strengths: Sequence[float]
) -> Iterator[npt.NDArray[np.float64]]:
    """The test users' scores at each strength, each fit started from the one before."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(train.astype(np.float64))
    known, asked = scaler.transform(train.astype(np.float64)), scaler.transform(test.astype(np.float64))
    model = LogisticRegression(class_weight="balanced", max_iter=1000, warm_start=True)
    for strength in strengths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.set_params(C=strength).fit(known, label)
        yield np.asarray(model.decision_function(asked))
