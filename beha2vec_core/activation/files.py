"""A folder: one file per audience with those who are members now, replaced whole.

What is in the file is read again before each send, so the file and the plan agree also after a crash, or where somebody
deleted it.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

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
from beha2vec_core.files import put_in_place

# spreadsheets take a cell that begins like this for a formula
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")


class Files(Destination):
    """A folder with a file per audience.

    Args:
        name: of the destination.
        folder: where the files are.
        format: csv or parquet.
        property_id: only users of this property.
        note: called with each file, so that `beha2vec forget` looks there.
    """

    kind = "files"
    # the first is whose row it is
    columns: tuple[str, ...] = (
        "user_key", "property_id", "user_pseudo_id", "user_id", "audience", "is_ads_consented",
    )  # fmt: skip
    batch = 1_000_000_000  # the file is written once

    def __init__(
        self,
        name: str,
        *,
        folder: Path,
        format: Literal["csv", "parquet"] = "csv",
        property_id: str | None = None,
        note: Callable[[Path], None] = lambda path: None,
    ) -> None:
        super().__init__(name, folder, format)
        self._folder = folder
        self._format = format
        self._property_id = property_id
        self._note = note

    def path(self, called: str) -> Path:
        """The file of an audience."""
        return self._folder / f"{called}.{self._format}"

    def validate(self, called: str) -> list[str]:
        """The name of the file, and whether the folder can be written."""
        found = []
        if not called.replace("_", "").replace("-", "").isalnum() or not called.isascii():
            found.append("the name of the file (as:) may have letters, digits, _ and - only")
        parent = next((one for one in (self._folder, *self._folder.parents) if one.exists()), self._folder)
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            found.append(f"{self._folder} cannot be written: give another folder, or its rights")
        return found

    def plan(self, kind: Kind, member: Member, called: str) -> tuple[Mapping[str, Any], str]:
        """The row of a user."""
        if kind != "leave" and self._property_id and member.property_id != self._property_id:
            raise NotReachable("users of another GA4 property")
        values = (
            member.user_key, member.property_id or "", member.client_id or "", member.login_id or "", called,
            member.is_ads_consented,
        )  # fmt: skip
        if self._format == "csv" and any(_FORMULA.match(str(value)) for value in values):
            raise NotReachable("an id that a spreadsheet would run as a formula")
        row = dict(zip(self.columns, (str(value) for value in values), strict=True))
        return row, hash_of(row)

    def send(self, changes: Sequence[Change], called: str, key: str) -> list[Outcome]:
        """Write the file with the changes."""
        try:
            rows = {row[self.columns[0]]: row for row in self._read(called)}
            for change in changes:
                rows.pop(change.member.user_key, None)
                if change.kind != "leave":
                    rows[change.member.user_key] = dict(change.payload)
            self._note(self.path(called))
            self._write(called, [rows[one] for one in sorted(rows)])
        except OSError as error:
            raise ActivationError(f"{self.path(called)} cannot be written ({error.strerror})") from None
        return [Outcome("accepted")] * len(changes)

    def reconcile(self, believed: Mapping[str, Believed], called: str) -> dict[str, Believed]:
        """Who is in the file."""
        found = {}
        for row in self._read(called):
            member = Member(row["user_key"], row["property_id"] or None, row["user_pseudo_id"] or None, row["user_id"])
            found[member.user_key] = Believed(member, hash_of(row), is_there=True, is_certain=True)
        return found

    def _read(self, called: str) -> list[dict[str, str]]:
        path = self.path(called)
        if not path.exists():
            return []
        rows: list[dict[str, Any]]
        try:
            if self._format == "csv":
                with path.open(encoding="utf-8", newline="") as file:
                    reader = csv.DictReader(file)
                    rows, columns = list(reader), reader.fieldnames
            else:
                import pyarrow.parquet as pq

                table = pq.read_table(path)
                rows, columns = table.to_pylist(), table.column_names
        except (OSError, ValueError, csv.Error):  # pyarrow's errors are among them
            columns = None
        if columns is None or tuple(columns) != self.columns:
            raise ActivationError(f"{path} is not a file that activation wrote: move it away, or give another folder")
        return [{name: str(row[name] or "") for name in self.columns} for row in rows if row[self.columns[0]]]

    def _write(self, called: str, rows: list[dict[str, str]]) -> None:
        path = self.path(called)
        path.parent.mkdir(parents=True, exist_ok=True)
        # one process sends at a time, so a fixed name is free, and a killed process leaves one file at most
        temporary = path.with_name(f".{path.name}.part")
        try:
            temporary.unlink(missing_ok=True)
            temporary.touch(0o600, exist_ok=False)
            if self._format == "csv":
                with temporary.open("w", encoding="utf-8", newline="") as file:
                    writer = csv.DictWriter(file, self.columns)
                    writer.writeheader()
                    writer.writerows(rows)
            else:
                import pyarrow as pa
                import pyarrow.parquet as pq

                schema = pa.schema([(column, pa.string()) for column in self.columns])
                pq.write_table(pa.Table.from_pylist(rows, schema), temporary, compression="zstd")
            put_in_place(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
