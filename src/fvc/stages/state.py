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
    done
        Key of each unit that is finished and whose files are all there.
    failed
        Key, kind, reason and path of each unit that failed last.
    latest
        Key of the latest record of each unit, whatever it says.
    generation
        Number of the latest run.
    settings
        The settings of the latest run, or None before the first.
    """

    lines: pl.DataFrame
    done: dict[str, str]
    failed: dict[str, tuple[str, str, str, str]]
    latest: dict[str, str]
    generation: int
    settings: dict[str, Any] | None


def read_state(folder: Path, root: Path) -> State:
    """Read all journals of a stage and look whether the files that they name are there.

    Parameters
    ----------
    folder
        The journals' folder.
    root
        The project's folder.
    """
    index = read_index(folder)
    generation = index[field.GENERATION].max()
    headers = index.filter(pl.col(field.SETTINGS).is_not_null()).sort(field.GENERATION)
    records = index.filter(pl.col(field.UNIT).is_not_null() & pl.col(field.KEY).is_not_null())
    newest = records.group_by(field.UNIT).agg(pl.col(field.GENERATION).max())
    records = records.join(newest, on=[field.UNIT, field.GENERATION], how="semi")
    is_row = pl.col(field.KIND).is_null()
    units = records.group_by(field.UNIT).agg(
        pl.col(field.KEY).first(),
        pl.col(field.PART).filter(is_row).n_unique().alias("there"),
        pl.col(field.PARTS).filter(is_row).max(),
        (~is_row & (pl.col(field.KIND) != field.BEGUN)).any().alias("is_failure"),
    )
    complete = units.filter(pl.col("there") == pl.col(field.PARTS))
    rows = records.filter(is_row).join(complete, on=field.UNIT, how="semi")
    done = dict(zip(complete[field.UNIT], complete[field.KEY], strict=True))
    broken = _broken(rows, root)
    for unit in broken:
        del done[unit]
    failures = records.filter(
        pl.col(field.KIND).is_not_null() & (pl.col(field.KIND) != field.BEGUN)
    )
    columns = (field.KEY, field.KIND, field.REASON, field.PATH)
    return State(
        lines=rows.select(field.UNIT, field.PART, "_journal", "_line"),
        done=done,
        failed={
            unit: (key, kind, reason or "", path or "")
            for unit, key, kind, reason, path in failures.select(field.UNIT, *columns).iter_rows()
        },
        latest=dict(zip(units[field.UNIT], units[field.KEY], strict=True)),
        generation=int(generation) if isinstance(generation, int) else 0,
        settings=json.loads(headers[field.SETTINGS][-1]) if headers.height else None,
    )


def _broken(rows: pl.DataFrame, root: Path) -> set[str]:
    """Find the units of which a file is missing or of another size than recorded."""
    files = rows.select(field.UNIT, field.FILES, field.SIZES).explode(field.FILES, field.SIZES)
    files = files.drop_nulls(field.FILES)
    broken = set()
    prefix = f"{root}{os.sep}"
    for unit, file, size in files.iter_rows():
        try:
            intact = os.stat(prefix + file).st_size == size
        except (OSError, ValueError):
            intact = False
        if not intact:
            broken.add(unit)
    if broken:
        _log.info("%d unit(s) lack a file or have one of another size: redone", len(broken))
    return broken


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
