"""A cheap stage for tests of the runner, importable by workers and a script to be killed.

As a script: ``stage_toy.py PROJECT [JSON]``, the JSON holding the arguments of `run`.
"""

import json
import os
import sys
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from stage_toy_work import ToyWork, toy_outputs

from fvc.engines import Engine, Outcome
from fvc.errors import FVCError
from fvc.stages import RunOptions, Stage, StageReport, Unit, run_stage
from fvc.workspace import Workspace


class ToySchema(dy.Schema):
    clip = dy.String(primary_key=True)
    source = dy.String(nullable=False)
    video_path = dy.String(nullable=False)
    label = dy.Int8(nullable=False)
    flag = dy.Bool(nullable=False)
    number = dy.Float64(nullable=True)


def toy_stage(root: Path, *, version: int = 1, **settings: Any) -> Stage:
    return Stage(
        1,
        "toy",
        Workspace(root).stage1,
        settings,
        ToySchema,
        ToyWork(root, settings),
        toy_outputs,
        {"extra": pl.Float32},
        version,
    )


def toy_units(count: int = 6, **row: Any) -> list[Unit]:
    return [Unit(f"unit{i:03d}", {"rows": 1 + i % 3, **row}, f"print{i}") for i in range(count)]


@dataclass
class Inline:
    """Works in this process, where a test wants speed; or stops like a killed run."""

    workers: int = 1
    stop_after: int | None = None

    def submit(
        self, function: Callable[[Any], Any], units: Iterable[Any]
    ) -> Generator[Outcome[Any, Any], None, None]:
        for number, unit in enumerate(units):
            value = function(unit)
            if number == self.stop_after:
                raise KeyboardInterrupt  # the files are written, and nobody says so
            yield Outcome(unit, value, None, 0.0)


def run(
    root: Path,
    units: Iterable[Unit] | None = None,
    *,
    engine: Engine | None = None,
    settings: dict[str, Any] | None = None,
    version: int = 1,
    **options: Any,
) -> StageReport:
    root.mkdir(parents=True, exist_ok=True)
    stage = toy_stage(root, version=version, **(settings or {}))
    given = RunOptions(**{"quiet": True, "workers": 2, **options})
    return run_stage(
        stage, toy_units() if units is None else units, Workspace(root), given, engine=engine
    )


def contents(root: Path) -> dict[str, bytes]:
    """Everything that a user of the project sees, but logs and the count of calls."""
    files = (p for p in (root / "data").rglob("*") if p.is_file() and ".journal" not in p.parts)
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(files) if p.suffix != ".lock"}


def calls(root: Path) -> list[str]:
    path = root / "calls.txt"
    return path.read_text().split() if path.exists() else []


def main() -> None:
    root = Path(sys.argv[1])
    arguments = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    units = toy_units(**arguments.pop("units", {}))
    try:
        report = run(root, units, **arguments)
    except KeyboardInterrupt:
        sys.exit(130)
    except FVCError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(json.dumps(report.to_dict()))
    os._exit(report.exit_code)


if __name__ == "__main__":
    main()
