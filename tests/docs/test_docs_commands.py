"""Every command that a page prints exists, with these options."""

import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest
from docs_pages import PAGES, ROOT, blocks, name_of

from fvc.cli.app import VERBS, build_app
from fvc.cli.config import with_config

MAKE_VERBS = set(
    re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)
# What a reader's shell has anyway; whatever else is printed must be ours.
_OTHERS = {".", "python", "git", "cd"}


def _lines(page: Path) -> list[str]:
    whole = "\n".join(blocks(page, "sh")).replace("\\\n", " ")
    return [part for line in whole.splitlines() for part in line.split("&&") if part.strip()]


def _configuration(page: Path, folder: Path) -> str:
    path = folder / "fvc.yaml"
    path.write_text("".join(blocks(page, "yaml")[:1]), encoding="utf-8")
    return str(path)


def _check_fvc(words: list[str], page: Path, folder: Path) -> None:
    if "--config" in words:
        words[words.index("--config") + 1] = _configuration(page, folder)
    tokens = with_config(words, VERBS)
    assert tokens[0] in VERBS or tokens[0].startswith("-"), tokens
    build_app().parse_args(tokens, exit_on_error=False, print_error=False)


def _check_pytest(words: list[str], known: set[str]) -> None:
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "sh")], ids=name_of)
def test_commands_exist(page: Path, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    known = {o for option in pytestconfig._parser._anonymous.options for o in option.names()}
    for line in _lines(page):
        program, *words = shlex.split(line, comments=True)
        if program == "make":
            assert set(words) <= MAKE_VERBS, line
        elif program == "fvc":
            _check_fvc(words, page, tmp_path)
        elif program == "pytest":
            _check_pytest(words, known)
        else:
            assert program in _OTHERS, line


def test_a_wrong_option_would_be_seen(tmp_path: Path) -> None:
    from cyclopts import CycloptsError

    with pytest.raises(CycloptsError):
        _check_fvc(["augment", "--num-augmentation-files", "3"], PAGES[0], tmp_path)
    with pytest.raises(CycloptsError):
        _check_fvc(["train", "--n-splits", "many"], PAGES[0], tmp_path)


def test_the_readme_shows_the_two_commands_first() -> None:
    readme = ROOT / "README.md"
    assert [block.strip() for block in blocks(readme, "sh")[:2]] == ["make demo", "make test"]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name_of)
def test_python_imports_what_exists(page: Path) -> None:
    for block in blocks(page, "python"):
        if ">>>" in block:
            continue
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module:
                module = importlib.import_module(node.module)
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{node.module}.{alias.name}"


def test_no_page_names_a_place_of_one_machine() -> None:
    for page in PAGES:
        found = re.findall(r"(?<![\w.])/(?:home|root|work|tmp|Users)/\S+", page.read_text("utf-8"))
        assert found == [], name_of(page)
