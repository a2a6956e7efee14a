"""The special videos, each made once a session."""

from collections.abc import Callable
from pathlib import Path

import pytest
from special_videos import write_special


@pytest.fixture(scope="session")
def special(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give the path of a special video by its name, made once a session."""
    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in made:
            made[name] = write_special(name, tmp_path_factory.mktemp(name))
        return made[name]

    return get
