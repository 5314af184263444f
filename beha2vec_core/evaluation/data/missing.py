"""The error of data sets that are not at hand."""

from __future__ import annotations


class DataNotFoundError(FileNotFoundError):
    """A data set is not on this machine and cannot be fetched; the message names what is missing and the remedy."""
