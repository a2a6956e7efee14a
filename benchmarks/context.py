"""What every benchmark gets."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clips import Clips
from benchmarks.rows import Results, Row, Target

INSTALL = {
    "ffmpeg": "apt-get install ffmpeg",
    "ffprobe": "apt-get install ffmpeg",
    "7z": "apt-get install p7zip-full",
}


@dataclass
class Bench:
    """Inputs and settings of a run, and where its results go.

    Parameters
    ----------
    folder
        Temporary folder of this run.
    clips
        What is measured on.
    repeats
        Pairs of measurements a row.
    full
        Measure the long rows, too.
    tiny
        Only see whether everything runs.
    """

    folder: Path
    clips: Clips
    results: Results
    repeats: int = 5
    full: bool = False
    tiny: bool = False

    def add(self, row: Row) -> None:
        self.results.rows.append(row)

    def room(self, name: str) -> Path:
        """Give an empty folder."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def lacks(self, program: str, work: str, against: str, target: Target) -> bool:
        """Whether a reference is not there; its row then says how to get it."""
        if shutil.which(program):
            return False
        missing = f"reference not installed: {INSTALL[program]}"
        self.add(Row(work, against, target=target, missing=missing))
        return True
