"""Preview one file, read in a process of its own."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fvc.engines import LocalEngine
from fvc.errors import DataError, MissingInputError, OptionError, VideoError
from fvc.reporting.preview.documents import describe_array, describe_document
from fvc.reporting.preview.tables import TABLE_ENDINGS, describe_table
from fvc.reporting.preview.videos import Frames, contact_sheet, describe_video
from fvc.tables import atomic_write

MOST_FRAMES = 48
MOST_ROWS = 1000
# A file that is mapped takes addresses, not memory; what is resident is watched.
_ADDRESSES_MIB = 2**24


@dataclass(frozen=True)
class Preview:
    """What is in a file.

    Attributes
    ----------
    path
        The file as it was named.
    kind
        ``table``, ``document``, ``array`` or ``video``.
    facts
        What was found; see `describe_table`, `describe_document`, `describe_array` and
        `describe_video`.
    frames
        Small pictures of a video.
    output
        Where the contact sheet was written.
    """

    path: str
    kind: str
    facts: dict[str, Any]
    frames: Frames | None = field(default=None, repr=False)
    output: Path | None = None
    exit_code: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give the preview as plain JSON types."""
        output = None if self.output is None else self.output.as_posix()
        # Names of files need not be UTF-8; a JSON document is.
        path = self.path.encode(errors="surrogateescape").decode(errors="backslashreplace")
        return {"path": path, "kind": self.kind, **self.facts, "output": output}

    def summary(self) -> str:
        """Give the preview in a line."""
        return f"{self.path}: a {self.kind}"


def show_file(
    file: Path,
    *,
    rows: int = 8,
    num_frames: int = 12,
    output: Path | None = None,
    stall_seconds: float = 60.0,
    memory_limit_mib: int = 1024,
) -> Preview:
    """Show what is in a file: a table, a JSON document, a feature file or a video.

    The file may be anything: it is read in a process of its own, which is ended when it takes too
    much memory or makes no progress. Of a table, `.arrow`, `.parquet` or `.csv`, you see its shape,
    its columns with their types and missing values, and its first rows, however large it is; of a
    `.json` document an outline; of a `.npy` file of features each number with its name; of any
    other file, as a video, what it is and frames from it.

    Parameters
    ----------
    file
        The file.
    rows
        First rows of a table, or of a list in a document, to show; 0 to 1000.
    num_frames
        Frames of a video, at the centres of as many equal parts; 1 to 48.
    output
        Write a contact sheet of the video's frames to this `.png` file.
    stall_seconds
        End the reading after so many seconds without progress.
    memory_limit_mib
        Most memory that the reading may take, in MiB.

    Returns
    -------
    Preview
        What was found.

    Raises
    ------
    MissingInputError
        There is no such file.
    OptionError
        A value out of range, or a contact sheet of what is no video.
    DataError
        The file cannot be read as what its ending says.
    VideoError
        It is no video, or a broken one.
    """
    if not 0 <= rows <= MOST_ROWS:
        raise OptionError(f"--rows is 0 to {MOST_ROWS}, not {rows}")
    if not 1 <= num_frames <= MOST_FRAMES:
        raise OptionError(f"--num-frames is 1 to {MOST_FRAMES}, not {num_frames}")
    kind = _kind(file)
    if output is not None:
        _check_output(output, file, kind)
    engine = LocalEngine(
        1,
        stall_seconds=stall_seconds,
        memory_limit_mib=memory_limit_mib,
        address_space_mib=None if kind == "video" else _ADDRESSES_MIB,
    )
    (outcome,) = engine.submit(Describe(kind, rows, num_frames), [str(file)])
    if outcome.failure is not None:
        reason = outcome.failure.reason
        if kind == "video":
            raise VideoError(file, outcome.failure.kind, reason)
        raise DataError(reason if reason.startswith(f"{file}:") else f"{file}: {reason}")
    assert outcome.value is not None
    facts, frames = outcome.value
    if output is not None and frames is not None:
        _write_sheet(frames, output)
    return Preview(str(file), kind, facts, frames, output)


@dataclass(frozen=True)
class Describe:
    """Describes a file in a worker process."""

    kind: str
    rows: int
    num_frames: int

    def __call__(self, path: str) -> tuple[dict[str, Any], Frames | None]:
        """Describe the file of a unit."""
        if self.kind == "video":
            return describe_video(path, num_frames=self.num_frames)
        if self.kind == "table":
            return describe_table(path, rows=self.rows), None
        if self.kind == "array":
            return describe_array(path), None
        return describe_document(path, rows=self.rows), None


def _kind(file: Path) -> str:
    if file.is_dir():
        raise OptionError(f"{file} is a folder; `fvc dashboard --project {file}` shows a project")
    if not file.exists():
        raise MissingInputError("no such file", path=file)
    if not file.is_file():
        raise OptionError(f"{file} is no ordinary file")
    ending = file.suffix.lower()
    if ending in TABLE_ENDINGS:
        return "table"
    return {".json": "document", ".npy": "array"}.get(ending, "video")


def _check_output(output: Path, file: Path, kind: str) -> None:
    if kind != "video":
        raise OptionError(f"a contact sheet is of a video; {file} is read as a {kind}")
    if output.suffix.lower() != ".png":
        raise OptionError(f"a contact sheet ends in .png, not {output}")
    if output.exists() and output.samefile(file):
        raise OptionError(f"{output} is the video itself; name another file")


def _write_sheet(frames: Frames, output: Path) -> None:
    import cv2

    good, data = cv2.imencode(".png", cv2.cvtColor(contact_sheet(frames), cv2.COLOR_RGB2BGR))
    assert good
    with atomic_write(output) as temporary:
        temporary.write_bytes(data.tobytes())
