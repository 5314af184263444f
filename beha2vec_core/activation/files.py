"""A folder: one file per audience with those who are members now, replaced whole.

What is in the file is read again before each send, so the file and the plan agree also after a crash, or where somebody
deleted it.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from beha2vec_core.activation.destination import (
    ActivationError,
    Believed,
    Change,
    Destination,
    Kind,
    Member,
    NotReachable,
    Outcome,
    hash_of,
)
from beha2vec_core.activation.folders import Folder
from beha2vec_core.spreadsheets import is_formula


@dataclass(eq=False, repr=False, kw_only=True)
class Files(Destination):
    """A folder with a file per audience."""

    kind = "files"
    # the first is whose row it is
    columns: ClassVar[tuple[str, ...]] = (
        "user_key", "property_id", "user_pseudo_id", "user_id", "audience", "is_ads_consented",
    )  # fmt: skip
    batch = 1_000_000_000  # the file is written once

    folder: Folder
    format: Literal["csv", "parquet"] = "csv"

    @property
    def address(self) -> tuple[object, ...]:
        """The folder and the format."""
        return self.folder.address, self.format

    def file(self, called: str) -> str:
        """The name of the file of an audience."""
        return f"{called}.{self.format}"

    def validate(self, called: str) -> list[str]:
        """The name of the file, and whether the folder can be written."""
        found = []
        if not called.replace("_", "").replace("-", "").isalnum() or not called.isascii():
            found.append("the name of the file (as:) may have letters, digits, _ and - only")
        return found + self.folder.problems()

    def plan(self, kind: Kind, member: Member, called: str) -> tuple[Mapping[str, Any], str]:
        """The row of a user."""
        values = (
            member.user_key, member.property_id or "", member.client_id or "", member.login_id or "", called,
            member.is_ads_consented,
        )  # fmt: skip
        texts = (one for one in (*values, *member.attributes.values()) if isinstance(one, str))  # -1.5 is a number
        if self.format == "csv" and any(map(is_formula, texts)):
            raise NotReachable("a text that a spreadsheet would run as a formula")
        row = dict(zip(self.columns, (str(value) for value in values), strict=True))
        if kind != "leave":
            row |= {name: "" if value is None else str(value) for name, value in member.attributes.items()}
        return row, hash_of(row)

    def send(self, changes: Sequence[Change], called: str, key: str) -> list[Outcome]:
        """Write the file with the changes."""
        rows = {row[self.columns[0]]: row for row in self._read(called)}
        for change in changes:
            rows.pop(change.member.user_key, None)
            if change.kind != "leave":
                rows[change.member.user_key] = dict(change.payload)
        self._write(called, [rows[one] for one in sorted(rows)])
        return [Outcome("accepted")] * len(changes)

    def reconcile(self, believed: Mapping[str, Believed], called: str) -> dict[str, Believed]:
        """Who is in the file."""
        found = {}
        for row in self._read(called):
            member = Member(row["user_key"], row["property_id"] or None, row["user_pseudo_id"] or None, row["user_id"])
            found[member.user_key] = Believed(member, hash_of(row), "enter", is_certain=True)
        return found

    def _read(self, called: str) -> list[dict[str, str]]:
        content = self.folder.read(self.file(called))
        if content is None:
            return []
        rows: list[dict[str, Any]]
        try:
            if self.format == "csv":
                reader = csv.DictReader(io.StringIO(content.decode(), newline=""))
                rows, columns = list(reader), reader.fieldnames
            else:
                import pyarrow.parquet as pq

                table = pq.read_table(io.BytesIO(content))
                rows, columns = table.to_pylist(), table.column_names
        except (OSError, ValueError, csv.Error):  # pyarrow's errors are among them
            columns = None
        if columns is None or tuple(columns[: len(self.columns)]) != self.columns:
            where = f"{self.file(called)} in {self.folder.address}"
            raise ActivationError(f"{where} is not a file that activation wrote: move it away, or give another folder")
        return [{name: str(row[name] or "") for name in columns} for row in rows if row[self.columns[0]]]

    def _write(self, called: str, rows: list[dict[str, str]]) -> None:
        columns = list(dict.fromkeys([*self.columns, *(name for row in rows for name in row)]))
        if self.format == "csv":
            content = csv_of(rows, columns)
        else:
            import pyarrow as pa
            import pyarrow.parquet as pq

            schema = pa.schema([(column, pa.string()) for column in columns])
            file = io.BytesIO()
            pq.write_table(pa.Table.from_pylist(rows, schema), file, compression="zstd")
            content = file.getvalue()
        self.folder.write(self.file(called), content)


def csv_of(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> bytes:
    """Some columns of rows as CSV."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()
