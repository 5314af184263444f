"""Check the set-up and say what to do; a module per subject.

Each check is a function of the settings that returns one `Check`; none changes anything, and none may raise.
"""

from collections.abc import Iterator
from dataclasses import replace

from beha2vec_core.cli.doctor import export, installation, services, storage
from beha2vec_core.cli.doctor.check import Check, fail
from beha2vec_core.settings import Settings

__all__ = ["Check", "checks_before_a_run", "run_checks"]

_BEFORE_A_RUN = ("export", "dates", "pages", "data folder", "disk", "estimate", "device")


_CHECKS = {
    "settings": installation.check_variables,
    "packages": installation.check_packages,
    "export": export.check_export,
    "dates": export.check_dates,
    "time zone": export.check_timezone,
    "pages": export.check_pages,
    "data folder": storage.check_data_folder,
    "disk": storage.check_disk,
    "estimate": storage.check_estimate,
    "personal data": storage.check_personal_data,
    "warehouse": storage.check_warehouse,
    "serving database": storage.check_serving,
    "forgotten people": storage.check_forgotten,
    "device": installation.check_device,
    "language model": services.check_language_model,
    "embedding model": services.check_embedding_model,
    "alerts": services.check_alerts,
    "activation": services.check_activation,
}


def run_checks(settings: Settings) -> list[Check]:
    """All checks, in the order in which their remedies help. A check that crashes is a ``fail`` with its message."""
    return [_safely(name, settings) for name in _CHECKS]


def checks_before_a_run(settings: Settings) -> Iterator[Check]:
    """The checks that a run of the whole graph depends on and that take no network, each made when it is asked for."""
    names_a_device = settings.encoder.device not in ("auto", "cpu")  # only then: the check imports PyTorch, for seconds
    return (_safely(name, settings) for name in _BEFORE_A_RUN if name != "device" or names_a_device)


def _safely(name: str, settings: Settings) -> Check:
    try:
        found = _CHECKS[name](settings)
    except Exception as error:  # one check that fails must not stop the others
        found = fail(f"the check itself failed: {type(error).__name__}: {error}", "report this, with the message above")
    message = settings.without_secrets(found.message)
    return replace(found, name=name, message=message)
