"""The limits of the processes that probe are the user's to set."""

from pathlib import Path
from typing import Any

import pytest

from fvc.dataset import stage
from fvc.errors import OptionError


def test_setup_hands_its_limits_to_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Made(Exception):  # noqa: N818
        """Ends the setup: what it was asked for is known."""

    given: dict[str, Any] = {}

    def engine(workers: int | None, **limits: Any) -> None:
        given.update(limits, workers=workers)
        raise Made

    monkeypatch.setattr(stage, "LocalEngine", engine)
    with pytest.raises(Made):
        stage.setup_dataset(tmp_path, workers=1, stall_seconds=7.5, memory_limit_mib=700)
    assert given == {"workers": 1, "stall_seconds": 7.5, "memory_limit_mib": 700}


@pytest.mark.parametrize("limit", [{"stall_seconds": 0}, {"memory_limit_mib": 1}, {"workers": 0}])
def test_setup_refuses_limits_that_are_none(tmp_path: Path, limit: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(limit))):
        stage.setup_dataset(tmp_path / "project", corpus=tmp_path, **limit)
    assert not (tmp_path / "project").exists()
