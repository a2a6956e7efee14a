"""When two units are the same, so that the result of one may stand for the other."""

import json
import os
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from fvc.stages.stage import Stage, Unit

_PIECE = 64 * 1024
# One for all: `json.dumps` with options makes one for each value.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def fingerprint_file(path: Path | str) -> str:
    """Fingerprint a file by its size and 64 KiB each of its head, middle and tail.

    Times do not count, so that a copy of a project keeps its results. A change of the same length
    that spares all three pieces is not seen; video files that are encoded anew never are like that.

    Returns
    -------
    str
        32 hexadecimal digits; ``"absent"`` or ``"unreadable"`` where there is no file to read. Such
        a unit then fails in its own process, and is tried again when the file is back.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = blake2b(str(size).encode(), digest_size=16)
            for start in (0, max(0, (size - _PIECE) // 2), max(0, size - _PIECE)):
                file.seek(start)
                digest.update(file.read(_PIECE))
    except FileNotFoundError:
        return "absent"
    except (OSError, ValueError):
        return "unreadable"
    return digest.hexdigest()


def described_settings(stage: Stage) -> dict[str, Any]:
    """Give what a unit's key holds of its stage, in the form in which the journal keeps it."""
    settings: dict[str, Any] = json.loads(_canonical({**stage.settings, "version": stage.version}))
    return settings


class Keys:
    """Makes the keys of one stage's units."""

    def __init__(self, stage: Stage) -> None:
        self._start = blake2b(digest_size=16)
        self._start.update(_canonical([stage.name, described_settings(stage)]))

    def __call__(self, unit: Unit) -> str:
        """Give the key of a unit: 32 hexadecimal digits."""
        digest = self._start.copy()
        digest.update(_canonical([unit.id, unit.fingerprint, unit.row]))
        return digest.hexdigest()


def unit_key(stage: Stage, unit: Unit) -> str:
    """Give a unit's identity: what it is made of, by which stage, with which settings.

    The row counts as input: labels and groups are copied from it into the table.
    """
    return Keys(stage)(unit)


def _canonical(value: Mapping[str, Any] | list[Any]) -> bytes:
    return _ENCODER.encode(value).encode()
