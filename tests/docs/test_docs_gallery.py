"""The gallery shows every figure that is drawn, small, and of simulated videos only."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from docs_pages import DOCS

from fvc.reporting.figures.stage import FIGURES

GALLERY = DOCS / "images" / "gallery"
TERMINALS = ("terminal-leaderboard", "terminal-predict", "terminal-show")


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_figure_and_every_picture_is_shown() -> None:
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\]\(images/gallery/([\w-]+)\.png\)", text))
    assert shown == {path.stem for path in GALLERY.iterdir()}
    script = _load("gallery")
    assert shown == set(script.pictures(Path("demo"), "svm"))
    assert {f"figure-{name}" for name in FIGURES} <= shown
    assert "**Every number in these pictures is of simulated videos**" in text
    for path in GALLERY.iterdir():
        assert path.stat().st_size <= script.LARGEST_BYTES, path.name


@pytest.mark.parametrize("script", ["gallery", "terminal"])
def test_results_of_real_videos_are_refused(script: str, tmp_path: Path) -> None:
    stage5 = tmp_path / "data" / "stage5"
    stage5.mkdir(parents=True)
    board = {"simulated": False, "models": [{"model": "svm"}]}
    (stage5 / "leaderboard.json").write_text(json.dumps(board), encoding="utf-8")
    with pytest.raises(ValueError, match="simulated"):
        _load(script).main(tmp_path)


@pytest.mark.parametrize("name", TERMINALS)
def test_recorded_terminals_load_nothing_and_have_words(name: str) -> None:
    text = (DOCS / "images" / f"{name}.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).get("aria-label")
    assert "@font-face" not in text
    assert not re.search(r"""(?:href=|url\(["']?)(?!#)""", text.replace('url("#', "url(#"))


def test_a_terminal_is_recorded_with_its_colours(tmp_path: Path) -> None:
    code = "import sys; print('\\x1b[31mred\\x1b[0m', sys.stdout.isatty())"
    script = _load("terminal")
    assert "red\x1b[0m True" in script.record([sys.executable, "-c", code], tmp_path)
    with pytest.raises(RuntimeError, match="ended with 3"):
        script.record([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)
