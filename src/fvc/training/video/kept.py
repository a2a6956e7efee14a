"""What came of fits of nets, kept by what it depends on: a command that was ended goes on."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from fvc.models import ModelSpec
from fvc.tables import write_json_atomic
from fvc.training.output import TRAINING_VERSION
from fvc.training.video.clips import VideoClips


class KeptFits:
    """Results of fits on disk, and the folders of those that are not done.

    A result is small and stays; the weights of a fit are removed when it is done.

    Parameters
    ----------
    folder
        Where they are.
    spec, clips
        The model and its clips, on which all results depend.
    """

    def __init__(self, folder: Path, spec: ModelSpec, clips: VideoClips) -> None:
        self.folder = folder
        entry = None if spec.training is None else spec.training.to_dict()
        self._asked: set[str] = set()
        self._common = [TRAINING_VERSION, spec.name, entry, dict(spec.settings), clips.digest()]

    def key(self, *depends: Any) -> str:
        """Name a result by all that it depends on beside the model and its clips."""
        content = json.dumps([*self._common, *depends], sort_keys=True, default=str)
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    def work(self, key: str) -> Path:
        """Folder of a fit that is not done."""
        return self.folder / f"{key}.fit"

    def read(self, key: str) -> dict[str, Any] | None:
        """Read a result; None where there is none."""
        self._asked.add(key)
        try:
            found: dict[str, Any] = json.loads(self._path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def write(self, key: str, result: dict[str, Any]) -> None:
        """Keep a result, and remove the weights that it came from.

        Raises
        ------
        OutputError
            The disk is full or cannot be written.
        """
        write_json_atomic(self._path(key), result)
        shutil.rmtree(self.work(key), ignore_errors=True)

    def tidy(self) -> None:
        """Remove results and fits that nobody asked for: they are of other settings or clips."""
        for path in self.folder.glob("*"):
            if path.stem not in self._asked:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def digest_of(*arrays: Any) -> str:
    """Hash arrays of numbers or words, for a key."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(repr(array.tolist()).encode())
    return found.hexdigest()
