"""What the journals of a stage amount to: which units are done, which failed, what is stale."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fvc.stages import recorder as field
from fvc.stages.journal import read_index

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """The journals of a stage, read.

    Parameters
    ----------
    lines
        Where the rows of finished units stand: ``_unit, _part, _journal, _line``.
    latest
        Key of the latest record of each unit, whatever it says.
    finished
        The units whose latest record says so, and whose files are all there.
    failed
        Kind, reason and path of each unit whose latest record is a failure.
    generation
        Number of the latest run.
    settings
        The settings of the latest run, or None before the first.
    """

    lines: pl.DataFrame
    latest: dict[str, str]
    finished: set[str]
    failed: dict[str, tuple[str, str, str]]
    generation: int
    settings: dict[str, Any] | None

    def is_done(self, unit: str, key: str) -> bool:
        """Whether a unit is finished under a key."""
        return unit in self.finished and self.latest[unit] == key

    def failure(self, unit: str, key: str) -> tuple[str, str, str] | None:
        """Give kind, reason and path of a unit that failed under a key."""
        return self.failed.get(unit) if self.latest.get(unit) == key else None


def read_state(folder: Path, root: Path) -> State:
    """Read all journals of a stage and look whether the files that they name are there.

    Parameters
    ----------
    folder
        The journals' folder.
    root
        The project's folder.
    """
    index = read_index(folder, lambda block: _look_for_files(block, root))
    generation = index[field.GENERATION].max()
    headers = index.filter(pl.col(field.SETTINGS).is_not_null()).sort(field.GENERATION)
    records = index.filter(pl.col(field.UNIT).is_not_null() & pl.col(field.KEY).is_not_null())
    del index
    newest = pl.col(field.GENERATION) == pl.col(field.GENERATION).max().over(field.UNIT)
    records = records.filter(newest)
    is_row = pl.col(field.KIND).is_null()
    failures = records.filter(~is_row & (pl.col(field.KIND) != field.BEGUN))
    units = records.group_by(field.UNIT).agg(
        pl.col(field.KEY).first(),
        (pl.col(field.PART).filter(is_row).n_unique() == pl.col(field.PARTS).max()).alias("whole"),
        pl.col("intact").all(),
    )
    records = records.filter(is_row).select(field.UNIT, field.PART, "_journal", "_line")
    latest = dict(zip(units[field.UNIT], units[field.KEY], strict=True))
    is_whole = units["whole"].fill_null(False)
    broken = units.filter(is_whole & ~units["intact"]).height
    if broken:
        _log.warning("%d unit(s) lack a file, or have one of another size; redone", broken)
    is_finished = is_whole & units["intact"]
    return State(
        lines=records,
        latest=latest,
        # The strings of the other dictionary: a million of them count.
        finished={unit for unit, there in zip(latest, is_finished, strict=True) if there},
        failed={
            unit: (kind, reason or "", path or "")
            for unit, kind, reason, path in failures.select(
                field.UNIT, field.KIND, field.REASON, field.PATH
            ).iter_rows()
        },
        generation=int(generation) if isinstance(generation, int) else 0,
        settings=json.loads(headers[field.SETTINGS][-1]) if headers.height else None,
    )


def _look_for_files(block: pl.DataFrame, root: Path) -> pl.DataFrame:
    """Put a column ``intact`` in the place of the files: all there, each of the recorded size."""
    prefix = f"{root}{os.sep}"
    columns = (block[field.FILES].to_list(), block[field.SIZES].to_list())
    intact = [
        _are_intact(prefix, files or [], sizes or []) for files, sizes in zip(*columns, strict=True)
    ]
    return block.drop(field.FILES, field.SIZES).with_columns(
        pl.Series("intact", intact, dtype=pl.Boolean)
    )


def _are_intact(prefix: str, files: list[str], sizes: list[int]) -> bool:
    try:
        return all(
            os.stat(prefix + file).st_size == size for file, size in zip(files, sizes, strict=True)
        )
    except (OSError, ValueError, TypeError):
        return False


def changed_settings(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[str]:
    """Say which settings changed, from what to what."""
    if before is None:
        return []
    names = sorted(before.keys() | now.keys())
    return [
        f"{name}: {before.get(name, 'not set')!r} → {now.get(name, 'not set')!r}"
        for name in names
        if before.get(name) != now.get(name)
    ]
