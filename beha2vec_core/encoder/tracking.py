"""Training curves in MLflow."""

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict

from beha2vec_core.encoder.config import EncoderConfig, TrainConfig


@contextmanager
def mlflow_run(wanted: bool, encoder: EncoderConfig, training: TrainConfig) -> Iterator[Callable[..., object]]:
    """Log the settings, and give a function ``(row, step=...)`` that logs a row of the curve.

    Settings are ``encoder.<name>`` and ``training.<name>``. A run that is active already is used and stays open, else a
    new one begins and ends here. Where MLflow is not wanted the function does nothing.

    Raises ModuleNotFoundError where MLflow is wanted and absent.
    """
    if not wanted:
        yield lambda row, step: None
        return
    if importlib.util.find_spec("mlflow") is None:
        raise ModuleNotFoundError("mlflow=True needs MLflow, which is not installed: pip install 'beha2vec[mlflow]'")
    import mlflow

    with nullcontext() if mlflow.active_run() else mlflow.start_run():
        mlflow.log_params(
            {f"encoder.{name}": value for name, value in asdict(encoder).items()}
            | {f"training.{name}": value for name, value in asdict(training).items()}
        )
        yield mlflow.log_metrics
