"""A run of the fuzz target: many spoilt files through the engine, and what became of each."""

import math
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from fuzz_work import Target, write_mutated

from fvc.engines import LocalEngine, Outcome
from fvc.features.names import FEATURE_NAMES, SCALED_ONLY_NAMES
from fvc.stages.compaction import python_types
from fvc.stages.recorder import Recorder, Task
from fvc.stages.stage import Unit
from fvc.tables import ClipSchema, FeatureSchema, IndexSchema, ScaledSchema, check

STALL_SECONDS = 20.0
MEMORY_LIMIT_MIB = 1024
# Stage 1 reverses a long group of pictures by way of a file of up to 4 GiB.
OUTPUT_LIMIT_MIB = 5120

# Failures that say something of the file. Any other is a fault of the program.
ABOUT_THE_FILE = frozenset(
    {
        *("not_a_video", "no_video_stream", "no_frames", "empty", "unsupported", "too_large"),
        *("corrupt", "memory", "stalled", "crash", "output"),
    }
)


@dataclass
class Tally:
    """Counts of a run.

    ``kinds`` counts outcomes: ``rows``, or the kind of the failure. ``faults`` says what must not
    be: a failure that is about this program, a table that would refuse the rows, a unit that took
    longer than it may without a sign of life.
    """

    files: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    died: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    slowest: float = 0.0
    seconds: float = 0.0


def run(
    seeds: Sequence[Path],
    folder: Path,
    *,
    count: int,
    seed: int,
    start: int = 0,
    workers: int = 2,
    keep: Path | None = None,
) -> Tally:
    """Spoil files one after the other and take each through the pipeline.

    Parameters
    ----------
    seeds
        Healthy files, used in turn.
    folder
        Room for a project.
    count, start
        How many mutations, from which number on.
    seed
        The same seed gives the same files.
    workers
        Processes.
    keep
        Where the files go that crashed, stalled or ate memory, or showed a fault.
    """
    tally = Tally()
    begun = time.monotonic()
    engine = LocalEngine(
        workers,
        stall_seconds=STALL_SECONDS,
        memory_limit_mib=MEMORY_LIMIT_MIB,
        output_limit_mib=OUTPUT_LIMIT_MIB,
    )
    tasks = [(str(seeds[n % len(seeds)]), n) for n in range(start, start + count)]
    seen = set()
    for outcome in engine.submit(Target(str(folder), seed), tasks):
        seen.add(outcome.unit)
        path, _, how = write_mutated(str(folder / "again"), outcome.unit, seed)
        before = len(tally.faults), len(tally.died)
        _count(tally, outcome, f"{Path(outcome.unit[0]).name} #{outcome.unit[1]} ({how})")
        if keep is not None and (len(tally.faults), len(tally.died)) != before:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, keep)
        path.unlink()
        # A worker that was killed left its file behind.
        (folder / "videos" / path.name).unlink(missing_ok=True)
    if seen != set(tasks):
        tally.faults.append(f"{len(set(tasks) - seen)} files came to no end")
    tally.seconds = time.monotonic() - begun
    return tally


def _count(tally: Tally, outcome: Outcome[tuple[str, int], Any], what: str) -> None:
    tally.files += 1
    tally.endings[Path(outcome.unit[0]).suffix] += 1
    tally.slowest = max(tally.slowest, outcome.seconds)
    if outcome.failure is None:
        tally.kinds["rows"] += 1
        for fault in wrong_rows(outcome.value or {}):
            tally.faults.append(f"{what}: {fault}")
        return
    kind, reason = outcome.failure.kind, outcome.failure.reason
    tally.kinds[kind] += 1
    tally.reasons.setdefault(f"{kind}: {reason[:60]}", f"{what}: {reason}")
    if kind in ("crash", "stalled") or "MiB of memory" in reason:
        tally.died.append(f"{what}: {kind}: {reason}")
    if kind not in ABOUT_THE_FILE or len(reason) < 12:
        tally.faults.append(f"{what}: {kind}: {reason}")


def wrong_rows(rows: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Say what a table would refuse, or what nobody could believe."""
    features = dict.fromkeys(FEATURE_NAMES, pl.Float32())
    scaled = {**features, **dict.fromkeys(SCALED_ONLY_NAMES, pl.Float32())}
    scaled |= dict.fromkeys(("is_upscaled", "is_downscaled"), pl.Float32())
    tables: dict[str, tuple[Any, dict[str, Any]]] = {
        "index": (IndexSchema, {}),
        "1": (ClipSchema, {}),
        "2": (FeatureSchema, features),
        "3": (ScaledSchema, {}),
        "4": (FeatureSchema, scaled),
    }
    for step, (schema, extra) in tables.items():
        given = [dict(row) for row in rows.get(step, [])]
        if not given:
            yield f"step {step} gave no rows"
            continue
        if step == "index":
            given = [
                {"raw_label": "real", "group_source": "own", "status": "ok", **row} for row in given
            ]
        types = {**schema.create_empty().schema, **extra}
        try:
            frame = pl.DataFrame(given, schema=types)
            check(frame, schema, f"step {step}")
            if step != "index":
                _recordable(given, {**types, "key": pl.String()})
        except Exception as error:  # whatever it is, it is what we look for
            yield f"step {step}: {type(error).__name__}: {error}"
    for row in rows.get("1", []):
        if row["frame_count"] < 1 or not 0 < row["fps"] < math.inf:
            yield f"{row['frame_count']} frames at {row['fps']} Hz"


def _recordable(rows: list[dict[str, Any]], types: dict[str, Any]) -> None:
    recorder = Recorder(lambda _: rows, lambda _: (), Path(), python_types(types), 1)
    recorder(Task(Unit("u", {}, ""), "key"))
