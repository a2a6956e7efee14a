"""What a user says about *how* a stage runs. Nothing here changes what a unit's result is."""

import re
from dataclasses import dataclass
from typing import Literal

from fvc.errors import OptionError
from fvc.workspace import TABLE_FORMATS, TableFormat


@dataclass(frozen=True)
class Part:
    """The part of a stage's units that one run does.

    Of the units at positions ``start`` to ``end`` (exclusive, None is the last), every `count`-th,
    beginning with the `index`-th, counted from 1.
    """

    index: int = 1
    count: int = 1
    start: int = 0
    end: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether this is all of the stage."""
        return self == Part()

    @property
    def label(self) -> str:
        """A name for files and messages, such as ``2of4`` or ``1of1-0-50``."""
        text = f"{self.index}of{self.count}"
        if self.start or self.end is not None:
            text += f"-{self.start}-{'' if self.end is None else self.end}"
        return text

    def holds(self, position: int) -> bool:
        """Whether the unit at a position (from 0) belongs to this part."""
        return (
            position >= self.start
            and (self.end is None or position < self.end)
            and (position - self.start) % self.count == self.index - 1
        )

    def may_share_units_with(self, other: "Part") -> bool:
        """Whether a unit could belong to both parts."""
        for one, two in ((self, other), (other, self)):
            if one.end is not None and one.end <= two.start:
                return False
        same_slice = (self.start, self.end, self.count) == (other.start, other.end, other.count)
        return not (same_slice and self.index != other.index)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a stage runs: workers, parts, limits.

    Raises
    ------
    OptionError
        A value that an option cannot take.
    """

    workers: int | None = None
    """Processes that work side by side; by default one a core, fewer where memory is short."""

    shard: str | None = None
    """Do part i of n, as in ``1/4`` to ``4/4``; the table is written when all parts are there."""

    start_idx: int = 0
    """First row to do, counted from 0; the table is written when all other rows are there, too."""

    end_idx: int | None = None
    """Row to stop before, counted from 0; by default the end."""

    delete_existing: bool = False
    """Start afresh: forget what is done (of this part) and do it again."""

    retry_failed: bool = False
    """Try again what failed in an earlier run; without it such a failure stands."""

    strict: bool = False
    """Stop at the first failure."""

    stall_seconds: float = 120.0
    """Give a clip up after this many seconds without progress; a long clip may take long."""

    memory_limit_mib: int | None = None
    """Give a clip up when its process holds more memory, in MiB; by default 2048 or less."""

    format: TableFormat = "arrow"
    """Format of the table: arrow, parquet or csv."""

    engine: Literal["local", "dask"] = "local"
    """Where the work runs: local is processes on this machine, dask the workers of a cluster."""

    scheduler: str | None = None
    """Dask's scheduler, such as ``tcp://127.0.0.1:8786``, or ``slurm`` to start workers there."""

    quiet: bool = False
    """Show no progress."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise OptionError(f"workers must be 1 or more, not {self.workers}")
        if self.start_idx < 0:
            raise OptionError(f"start_idx must be 0 or more, not {self.start_idx}")
        if self.end_idx is not None and self.end_idx <= self.start_idx:
            raise OptionError(
                f"end_idx must be more than start_idx ({self.start_idx}), not {self.end_idx}"
            )
        if not self.stall_seconds > 0:
            raise OptionError(f"stall_seconds must be more than 0, not {self.stall_seconds}")
        if self.memory_limit_mib is not None and self.memory_limit_mib < 64:
            raise OptionError(f"memory_limit_mib must be 64 or more, not {self.memory_limit_mib}")
        if self.format not in TABLE_FORMATS:
            raise OptionError(f"format must be {', '.join(TABLE_FORMATS)}, not {self.format!r}")
        if self.scheduler is not None and self.engine != "dask":
            raise OptionError("scheduler goes with engine 'dask'")
        self.part  # noqa: B018 - a shard that cannot be read is said at once

    @property
    def part(self) -> Part:
        """The part of the units that these options ask for."""
        index, count = 1, 1
        if self.shard is not None:
            match = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", self.shard)
            if match is None:
                raise OptionError(f"shard must look like 1/4, not {self.shard!r}")
            index, count = int(match[1]), int(match[2])
            if not 1 <= index <= count:
                raise OptionError(
                    f"shard {self.shard!r}: shards are counted from 1, so 1/{count or 4} to "
                    f"{count or 4}/{count or 4}"
                )
        return Part(index, count, self.start_idx, self.end_idx)
