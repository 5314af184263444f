"""Events while a question is answered, for the user interface."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from beha2vec_core.chat.data.sql import SqlAnswer

BY_LOOKUP = "look-up"


@dataclass(frozen=True)
class TextDelta:
    """A piece of the answer, checked already."""

    text: str


@dataclass(frozen=True)
class ToolCall:
    """The model looks something up."""

    name: str
    arguments: str
    problem: str | None = None  # why the tool gave nothing


@dataclass(frozen=True)
class Bars:
    """What a chart of an answer's rows shows: a value a row."""

    title: str  # what the values are
    names: tuple[str, ...]  # of the rows
    values: tuple[float, ...]  # in the order of the rows
    days: tuple[date, ...] = ()  # the first day of each row, where the rows are a time series; else empty
    step: str = "day"  # of a time series: day, week or month
    is_share: bool = False  # values from 0 to 1
    currency: str = ""  # of values that are money; "": they are not


@dataclass(frozen=True)
class SqlRows:
    """Rows for the person; the model may have seen none of them."""

    answer: SqlAnswer
    note: str = ""  # what the person should know of them, such as the currency of money
    bars: Bars | None = None  # the rows as a chart


@dataclass(frozen=True)
class Notice:
    """Something the person should know: the endpoint failed, the answer broke off."""

    text: str


@dataclass(frozen=True)
class Answer:
    """The whole answer and what it stands on."""

    text: str
    written_by: str  # the model's name, or 'look-up'
    facts: list[str] = field(default_factory=list)  # fact ids
    statements: list[str] = field(default_factory=list)  # SQL that was run
    tables: list[str] = field(default_factory=list)  # tables that tools read
    unknown_numbers: list[str] = field(default_factory=list)  # not in the data; marked in the text
    read_as: str = ""  # the question that was looked up: as a query of metrics

    @property
    def has_source(self) -> bool:
        """Whether anything of the data stands behind the answer."""
        return bool(self.facts or self.statements or self.tables)


Event = TextDelta | ToolCall | SqlRows | Notice | Answer
