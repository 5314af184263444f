"""The errors of data sets that are not at hand, or hold nothing."""

from __future__ import annotations


class DataNotFoundError(FileNotFoundError):
    """A data set is not on this machine and cannot be fetched; the message names what is missing and the remedy."""


class NoEventsError(ValueError):
    """The data hold no event of a user with a page view."""
