"""What a user sees while a stage runs: a bar on a terminal, a line now and then elsewhere."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from fvc.stages.journal import writing_failed

_LINE_SECONDS = 15.0


class Display(Protocol):
    """Shows how far a stage is."""

    def update(self, *, finished: int, failed: int, expected: int | None) -> None:
        """Show the units finished by this run, how many of them failed, and how many there are."""


class Silent:
    """Shows nothing."""

    def update(self, *, finished: int, failed: int, expected: int | None) -> None:
        """Do nothing."""


class Lines:
    """Prints a line on standard error every quarter of a minute."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.start = self.printed = time.monotonic()

    def update(self, *, finished: int, failed: int, expected: int | None) -> None:
        """Print a line when it is time."""
        now = time.monotonic()
        if now - self.printed < _LINE_SECONDS:
            return
        self.printed = now
        print(
            progress_line(self.title, finished, failed, expected, now - self.start), file=sys.stderr
        )


class Bar:
    """A Rich progress bar on standard error, with rate and remaining time."""

    def __init__(self, title: str, bar: Progress) -> None:
        self.bar = bar
        self.start = time.monotonic()
        self.task = bar.add_task(title, total=None, rate="", failed="")

    def update(self, *, finished: int, failed: int, expected: int | None) -> None:
        """Redraw."""
        rate = finished / max(time.monotonic() - self.start, 1e-9)
        self.bar.update(
            self.task,
            completed=finished,
            total=expected,
            rate=f"{rate:.2f}/s" if rate < 10 else f"{rate:.0f}/s",
            failed=f"[red]{failed} failed" if failed else "",
        )


def progress_line(
    title: str, finished: int, failed: int, expected: int | None, seconds: float
) -> str:
    """Word the state of a run in one line."""
    rate = finished / max(seconds, 1e-9)
    text = f"{title}: {finished}"
    if expected is not None:
        text += f" of {expected}"
    text += f", {rate:.2f}/s"
    if expected is not None and finished:
        text += f", {duration((expected - finished) / rate)} left"
    if failed:
        text += f", {failed} failed"
    return text


def duration(seconds: float) -> str:
    """Word a duration: ``45 s``, ``3 min 20 s``, ``2 h 05 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def bar_columns() -> tuple[ProgressColumn, ...]:
    """Give what stands in the bar's line."""
    return (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}"),
    )


@contextlib.contextmanager
def display(title: str, *, quiet: bool) -> Iterator[Display]:
    """Open the display that fits: none, lines, or a bar on a terminal."""
    console = Console(stderr=True)
    if quiet:
        yield Silent()
    elif not console.is_terminal:
        yield Lines(title)
    else:
        with Progress(*bar_columns(), console=console) as bar:
            yield Bar(title, bar)


class _LogFile(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base's name
        """Let it go: a full disk ends the run through the journal, with one message for it."""

    def close(self) -> None:
        """Close the file; what cannot be written to it any more is let go, too."""
        with contextlib.suppress(OSError):
            super().close()


class _Forward(logging.Handler):
    """Pass records on to the loggers above, as propagation does, from a level up."""

    def __init__(self, above: logging.Logger | None, level: int) -> None:
        super().__init__(level)
        self.above = above

    def emit(self, record: logging.LogRecord) -> None:
        # A logger without handlers would print warnings by itself, a second time.
        if self.above is not None and self.above.hasHandlers():
            self.above.callHandlers(record)


@contextlib.contextmanager
def log_file(folder: Path, label: str) -> Iterator[Path]:
    """Write what the package logs to a file of this run, from now until the block ends.

    Raises
    ------
    OutputError
        The disk is full, read-only or forbidden.
    """
    path = folder / f"{datetime.now():%Y%m%d-%H%M%S}-{label}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise writing_failed(error, path) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("fvc")
    level, propagate = logger.level, logger.propagate
    # The file gets everything; whoever listens above hears no more than before.
    forward = _Forward(logger.parent if propagate else None, logger.getEffectiveLevel())
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(handler)
    logger.addHandler(forward)
    try:
        yield path
    finally:
        logger.removeHandler(forward)
        logger.removeHandler(handler)
        logger.propagate = propagate
        logger.setLevel(level)
        handler.close()
