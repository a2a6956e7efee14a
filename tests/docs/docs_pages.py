"""What the tests of the documentation read from its pages."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    """Fenced blocks of a language, in order."""
    text = path.read_text(encoding="utf-8")
    return [body for kind, body in _FENCE.findall(text) if kind == language]


def prose(path: Path) -> str:
    """The page without its fenced blocks and code spans."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.sub(r"`[^`\n]+`", "", text)


def table_after(path: Path, marker: str) -> list[list[str]]:
    """Cells of the rows of the first table after a marker, code marks removed."""
    text = path.read_text(encoding="utf-8")
    assert marker in text, f"{name_of(path)} lacks {marker!r}"
    rows = []
    for line in text.split(marker, 1)[1].splitlines():
        if line.startswith("|"):
            rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]
