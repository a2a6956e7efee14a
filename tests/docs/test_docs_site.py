"""The site builds without a warning, and the picture of the lesson says what the code finds."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from docs_pages import DOCS, ROOT


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["pipeline.svg", "grouped-folds.svg"])
def test_pictures_are_legible_on_both_backgrounds(name: str) -> None:
    text = (DOCS / "images" / name).read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.get("aria-label")
    # A card of its own lies behind everything, and has both colours.
    assert 'class="card"' in text
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"(?:href|src)=", text)


def test_rows_remember_and_groups_do_not() -> None:
    script = _load(DOCS / "images" / "grouped_folds.py")
    script.SOURCES = 60
    found = script.score(seed=1)
    assert found["rows"]["roc_auc"] > 0.97
    assert abs(found["groups"]["roc_auc"] - 0.5) < 0.2


def test_the_page_has_the_numbers_of_the_picture() -> None:
    picture = (DOCS / "images" / "grouped-folds.svg").read_text(encoding="utf-8")
    page = (DOCS / "explanation" / "grouped-folds.md").read_text(encoding="utf-8")
    values = re.findall(r'class="value"[^>]*>([0-9.]+)<', picture)
    assert len(values) == 4
    for value in values:
        assert f"| {value} (" in page


@pytest.mark.slow
def test_the_site_builds(tmp_path: Path) -> None:
    site = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    command_line = (site / "reference" / "cli.html").read_text(encoding="utf-8")
    assert "--num-augmentations" in command_line
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<!-- generated:" not in text, page
        loaded = re.findall(r'<(?:script|link|img)\b[^>]*(?:src|href)="(https?:[^"]+)"', text)
        assert loaded == [], page
