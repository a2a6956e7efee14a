"""Options that point the tests to material which is not part of the repository."""

from pathlib import Path

import pytest

OPTIONS = {"real_clips": "--real-clips", "fvc_metadata": "--fvc-metadata"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--real-clips", type=Path, help="folder of real/ and fake/ clips, index.csv")
    parser.addoption("--fvc-metadata", type=Path, help="folder with FVC.csv and FVC_dup.csv")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect, rather than skip, what the given options do not allow to run."""
    missing = {m for m, option in OPTIONS.items() if config.getoption(option) is None}
    out = [i for i in items if missing & {m.name for m in i.iter_markers()}]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [i for i in items if i not in set(out)]


@pytest.fixture(scope="session")
def real_clips(pytestconfig: pytest.Config) -> Path:
    return pytestconfig.getoption("--real-clips").resolve()


@pytest.fixture(scope="session")
def fvc_metadata(pytestconfig: pytest.Config) -> Path:
    return pytestconfig.getoption("--fvc-metadata").resolve()
