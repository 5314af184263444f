"""Where results were written outside the data folder, so that `beha2vec forget` looks there too."""

import os
from pathlib import Path

from beha2vec_core.files import put_in_place
from beha2vec_core.settings import Settings

_WRITTEN = "written_elsewhere.txt"


def note_written(settings: Settings, *paths: Path) -> None:
    """Remember files or folders outside the data folder that results were written to, so that `forget` looks there."""
    known, folder = written_elsewhere(settings), settings.storage.data_dir
    new = [path for one in paths if (path := one.absolute()) not in known and not path.is_relative_to(folder)]
    if not new:
        return
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / _WRITTEN
    temporary = note.with_name(f".{note.name}.{os.getpid()}")
    temporary.write_text("".join(f"{one}\n" for one in [*known, *new]), encoding="utf-8")
    put_in_place(temporary, note)


def written_elsewhere(settings: Settings) -> list[Path]:
    """What `note_written` remembered."""
    note = settings.storage.data_dir / _WRITTEN
    return [Path(line) for line in note.read_text(encoding="utf-8").splitlines()] if note.exists() else []
