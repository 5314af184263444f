"""The probe: how much a linear model reads off vectors."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from beha2vec_core.evaluation.tasks.inputs import Vectors

STRENGTHS = (0.001, 0.01, 0.1, 1.0)
FOLDS = 5


def probe(train: Vectors, label: npt.NDArray[np.bool_], test: Vectors, *, seed: int) -> npt.NDArray[np.float64] | None:
    """Scores of the test users: logistic regression on standardised columns, classes weighed alike.

    Its strength C is chosen among `STRENGTHS` by AUROC in cross-validation on the training users alone. None where they
    hold fewer than `FOLDS` of either class. Scores equal to nine decimals come out equal.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    if min(label.sum(), (~label).sum()) < FOLDS:
        return None
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    search = GridSearchCV(model, {"logisticregression__C": STRENGTHS}, scoring="roc_auc", cv=folds)
    # threads add in the order they finish, which changes the last bits
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(train.astype(np.float64), label)
        return np.asarray(search.decision_function(test.astype(np.float64)).round(9))
