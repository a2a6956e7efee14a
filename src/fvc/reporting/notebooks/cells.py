"""A cell of a notebook."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Cell:
    """One cell: its kind and its text."""

    kind: Literal["markdown", "code"]
    text: str


def text_cell(text: str) -> Cell:
    """Make a cell of Markdown."""
    return Cell("markdown", text.strip())


def code_cell(text: str) -> Cell:
    """Make a cell of Python."""
    return Cell("code", text.strip())
