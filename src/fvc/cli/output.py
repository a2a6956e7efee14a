"""What verbs print: tables for people, one JSON document for machines, and logs."""

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from rich.console import Console
from rich.logging import RichHandler

from fvc.workspace import Workspace


@dataclass(frozen=True)
class OutputOptions:
    """What is printed.

    Parameters
    ----------
    json
        Print one JSON document on standard output and nothing else there.
    quiet
        Print no progress and no summary; warnings and errors remain.
    verbose
        Print what is done in detail.
    """

    json: bool = False
    quiet: bool = False
    verbose: bool = False


class Report(Protocol):
    """What a public function returns to its verb."""

    @property
    def exit_code(self) -> int:
        """0, or 5 where some units failed."""

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain JSON types."""

    def summary(self) -> str:
        """Give the report in a few lines for people."""


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def show_summary(report: Report, _workspace: Workspace) -> None:
    """Print a report's summary."""
    Console(highlight=False).print(report.summary(), soft_wrap=True, markup=False)


def print_report(
    report: Report,
    options: OutputOptions,
    workspace: Workspace,
    show: Callable[[Any, Workspace], None] = show_summary,
) -> None:
    """Print a report as the options ask: as JSON, not at all, or with `show`."""
    if options.json:
        print_json(report.to_dict())
    elif not options.quiet:
        show(report, workspace)


@contextlib.contextmanager
def logging_to_terminal(options: OutputOptions) -> Iterator[None]:
    """Show the project's log records on standard error for the length of a verb.

    Progress displays ask this logger's level: ``--quiet`` raises it to WARNING.
    """
    logger = logging.getLogger("fvc")
    level = logging.INFO
    if options.quiet:
        level = logging.WARNING
    elif options.verbose:
        level = logging.DEBUG
    handler: logging.Handler
    if sys.stderr.isatty():
        handler = RichHandler(
            console=Console(stderr=True), show_path=False, show_time=False, show_level=False
        )
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
    handler.setLevel(level)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
