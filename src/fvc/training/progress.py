"""How far the training is: a bar on a terminal, lines elsewhere."""

import contextlib
import logging
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

logger = logging.getLogger("fvc.training")


class Fits:
    """Count of fits done; a display hangs on it where there is one."""

    def __init__(self, display: Progress | None = None) -> None:
        self._display = display
        self._task: TaskID | None = None

    def begin(self, name: str, fits: int) -> None:
        """Begin a model with so many fits."""
        if self._display is not None:
            self._task = self._display.add_task(name, total=fits)

    def done(self, fits: int) -> None:
        """Count fits as done."""
        if self._display is not None and self._task is not None:
            self._display.advance(self._task, fits)


def unshown() -> bool:
    """Tell whether nobody who looks on hears of more than warnings, as under ``--quiet``."""
    logger = logging.getLogger("fvc")
    # A run's log file takes everything, and has the logger let everything through.
    listeners = [one for one in logger.handlers if not isinstance(one, logging.FileHandler)]
    deaf = bool(listeners) and all(one.level > logging.INFO for one in listeners)
    return deaf or not logger.isEnabledFor(logging.INFO)


@contextlib.contextmanager
def show_progress() -> Iterator[Fits]:
    """Show a bar a model while the block runs.

    Only on a terminal, and only where the log level lets information through (``--quiet`` does
    not); elsewhere the log's lines say the same.
    """
    console = Console(stderr=True)
    if unshown() or not console.is_terminal:
        yield Fits()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("fits"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as display:
        yield Fits(display)
