"""Where results were written outside the data folder, so that `beha2vec forget` looks there too."""

from pathlib import Path

from beha2vec_core.files import replacing
from beha2vec_core.settings import Settings

_WRITTEN = "written_elsewhere.txt"


def note_written(settings: Settings, *paths: Path) -> None:
    """Remember files or folders outside the data folder that results were written to, so that `forget` looks there."""
    known, folder = written_elsewhere(settings), settings.storage.data_dir
    new = [path for one in paths if (path := one.absolute()) not in known and not path.is_relative_to(folder)]
    if not new:
        return
    with replacing(folder / _WRITTEN) as temporary:
        temporary.write_text("".join(f"{one}\n" for one in [*known, *new]), encoding="utf-8")


def written_elsewhere(settings: Settings) -> list[Path]:
    """What `note_written` remembered."""
    note = settings.storage.data_dir / _WRITTEN
    return [Path(line) for line in note.read_text(encoding="utf-8").splitlines()] if note.exists() else []
