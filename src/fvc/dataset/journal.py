"""Which members of an archive are already there, so that a second run is quick."""

import json
import zlib
from pathlib import Path

from fvc.dataset.members import Member
from fvc.errors import OutputError
from fvc.tables import output_error

JOURNAL_NAME = ".extracted.jsonl"
_CHUNK = 1 << 20


class ExtractionJournal:
    """Append-only record of the members extracted to a folder.

    A line is written after its file has its name, so that a file without a line is extracted
    again and a line without a whole file cannot be.

    Parameters
    ----------
    folder
        The folder that the members are extracted to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / JOURNAL_NAME
        self._known: dict[str, dict[str, object]] = {}
        if self._path.is_file():
            for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    entry = json.loads(line)
                    self._known[entry["target"]] = entry
                except (ValueError, KeyError, TypeError):
                    continue  # The line that a killed run was writing.

    def holds(self, member: Member) -> bool:
        """Whether the member's file is there as it was written.

        Size and time of change are compared; where only the time differs, as in a copied project,
        the file's CRC decides; a member without one (AE-2) is then extracted again.
        """
        entry = self._known.get(str(member.target))
        if entry is None or entry.get("member") != list(member.identity):
            return False
        path = self._folder.joinpath(*member.target.parts)
        try:
            status = path.lstat()
            if not path.is_file() or path.is_symlink() or status.st_size != entry.get("size"):
                return False
            if status.st_mtime_ns == entry.get("mtime_ns"):
                return True
            return entry.get("crc") is not None and _crc(path) == entry["crc"]
        except OSError:
            return False

    def add(self, member: Member, *, size: int, crc: int | None) -> None:
        """Record a member that has just been written."""
        path = self._folder.joinpath(*member.target.parts)
        entry = {
            "target": str(member.target),
            "member": list(member.identity),
            "size": size,
            "crc": crc,
            "mtime_ns": path.lstat().st_mtime_ns,
        }
        try:
            with self._path.open("a", encoding="utf-8") as sink:
                # A line torn by a kill must not swallow this one.
                sink.write(("\n" if self._torn() else "") + json.dumps(entry) + "\n")
        except OSError as error:
            raise output_error(error, self._path) or OutputError(str(error)) from error
        self._known[str(member.target)] = entry

    def _torn(self) -> bool:
        with self._path.open("rb") as stream:
            if not stream.seek(0, 2):
                return False
            stream.seek(-1, 2)
            return stream.read(1) != b"\n"


def _crc(path: Path) -> int:
    crc = 0
    with path.open("rb") as stream:
        while block := stream.read(_CHUNK):
            crc = zlib.crc32(block, crc)
    return crc
