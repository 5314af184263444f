"""What a check of the doctor finds."""

from dataclasses import dataclass
from typing import Literal

from beha2vec_core.settings import EXPORT_REMEDIES


@dataclass(frozen=True)
class Check:
    """What one check found, and what to do where it is not ``ok``."""

    name: str
    status: Literal["ok", "warn", "fail"]
    message: str
    remedy: str = ""


def ok(message: str) -> Check:
    """All is well."""
    return Check("", "ok", message)


def warn(message: str, remedy: str) -> Check:
    """A run works, but something needs attention."""
    return Check("", "warn", message, remedy)


def fail(message: str, remedy: str) -> Check:
    """A run cannot work."""
    return Check("", "fail", message, remedy)


def refused(error: Exception) -> Check:
    """A run cannot work: the error says why, then the remedy."""
    what, _, remedy = str(error).partition(". ")
    return fail(what, remedy)


def not_set(variable: str) -> Check:
    """A setting without a default is missing."""
    return fail(f"{variable} is not set", EXPORT_REMEDIES[variable])
