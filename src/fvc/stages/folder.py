"""What lies in a stage's folder beside its output: journals, locks, leftovers of killed runs."""

import contextlib
import json
import os
from pathlib import Path

from fvc.stages import recorder as field
from fvc.stages.journal import journal_path, journal_paths, read_index, writing_failed
from fvc.stages.options import Part
from fvc.stages.state import State, read_state
from fvc.tables import remove_temporary_files, write_json_atomic
from fvc.workspace import TABLE_FORMATS, StageFiles


class StageFolder:
    """A stage's folder.

    Parameters
    ----------
    files
        Its paths.
    root
        The project's folder.
    """

    def __init__(self, files: StageFiles, root: Path) -> None:
        self.files = files
        self.root = root
        self.journals = files.folder / ".journal"

    def journal(self, part: Part) -> Path:
        """Path of a part's journal."""
        return journal_path(self.journals, part.label)

    def read_state(self) -> State:
        """Read what the journals say."""
        return read_state(self.journals, self.root)

    def signature(self) -> tuple[tuple[str, int], ...]:
        """Give what changes whenever a journal does."""
        return tuple((path.name, path.stat().st_size) for path in journal_paths(self.journals))

    def next_generation(self) -> int:
        """Give this run a number higher than all before it; only for the holder of the gate.

        Raises
        ------
        OutputError
            The disk is full, read-only or forbidden.
        """
        path = self.journals / "generation.json"
        try:
            last = int(json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            newest = read_index(self.journals)[field.GENERATION].max()
            last = int(newest) if isinstance(newest, int) else 0
        write_json_atomic(path, last + 1)
        return last + 1

    def remove_leftovers(self) -> None:
        """Remove temporary files; only for the holder of the gate, with no other run at work."""
        for folder in (self.files.folder, self.journals):
            remove_temporary_files(folder)

    def remove_tables(self, *, but: Path | None = None) -> None:
        """Remove the table in every format, or in every other format than one.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        for format in TABLE_FORMATS:
            path = self.files.table(format)
            if path != but:
                _remove(path)

    def clear(self) -> None:
        """Forget what is done: tables, journals, and the files that they name.

        Only for the holder of the gate, with no other run at work.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        files = read_index(self.journals, lambda block: block.select(field.FILES))
        named = files[field.FILES].explode().drop_nulls().unique().to_list()
        self.remove_tables()
        for path in journal_paths(self.journals):
            _remove(path)
        inside = f"{self.files.folder}{os.sep}"
        for name in named:
            path = Path(os.path.normpath(self.root / name))
            if str(path).startswith(inside):
                _remove(path)


def _remove(path: Path) -> None:
    try:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
    except OSError as error:
        raise writing_failed(error, path) from error
