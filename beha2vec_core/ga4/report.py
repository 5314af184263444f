"""What became of the days that were to be ingested."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

# ingested: replaced by what the files hold. missing: no file and no rows, an empty day. kept: no more rows, the
# earlier partition stays. unreadable: too many bad rows or a broken file, the earlier partition (if any) stays.
DayStatus = Literal["ingested", "missing", "kept", "unreadable"]


class IngestError(RuntimeError):
    """Nothing could be read, or too much was bad; the message names the files and the remedy."""


@dataclass
class DayReport:
    """What became of one day of one property: ``rows_in == accepted + quarantined + forgotten``, always.

    ``quarantined`` includes ``withheld``: rows that could be read, but whose day is ``unreadable``. ``forgotten`` are
    rows of people on the list of the forgotten; they are stored nowhere. ``redacted`` counts values of the partition
    from which something personal was removed.
    """

    property_id: str
    event_date: date
    status: DayStatus
    rows_in: int = 0
    accepted: int = 0
    quarantined: int = 0
    withheld: int = 0
    forgotten: int = 0
    users: int = 0
    redacted: int = 0
    files: list[str] = field(default_factory=list)
    problem: str | None = None


@dataclass
class IngestReport:
    """What became of all asked days."""

    days: list[DayReport] = field(default_factory=list)  # one report a property and day
    # rows for the quarantine table (columns as in `create_tables`), a few thousand a file; rows with a null line say
    # what became of a file as a whole, or sum up
    quarantine: list[tuple[Any, ...]] = field(default_factory=list)
    # in how many accepted rows each field occurs that the schema does not know
    unknown_fields: Counter[str] = field(default_factory=Counter)
    rows_of_no_day: int = 0  # quarantined rows of undated files that name no day
    forgotten_of_no_day: int = 0  # such rows that name forgotten people, and were left out
    notice: str | None = None  # what of the source holds no events (see `source_files.Export`); None where all does

    @property
    def rows_in(self) -> int:
        """Rows read for the asked days, and rows that name no day."""
        return sum(day.rows_in for day in self.days) + self.rows_of_no_day + self.forgotten_of_no_day

    @property
    def accepted(self) -> int:
        """Rows in the partitions."""
        return sum(day.accepted for day in self.days)

    @property
    def quarantined(self) -> int:
        """Rows set aside."""
        return sum(day.quarantined for day in self.days) + self.rows_of_no_day

    @property
    def redacted(self) -> int:
        """Values in the partitions from which something personal was removed."""
        return sum(day.redacted for day in self.days)

    @property
    def forgotten(self) -> int:
        """Rows of forgotten people, left out."""
        return sum(day.forgotten for day in self.days) + self.forgotten_of_no_day
