"""The room's door: its names, and that opening it costs nothing."""

import subprocess
import sys

import pytest

import fvc.evaluation


def test_names_are_sorted_and_lead_somewhere() -> None:
    names = fvc.evaluation.__all__
    assert names == sorted(names, key=lambda name: (not name[0].isupper(), name))
    for name in names:
        assert getattr(fvc.evaluation, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = fvc.evaluation.nothing


def test_opening_the_room_imports_nothing_heavy() -> None:
    code = "import sys, fvc.evaluation; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"polars", "numpy", "sklearn", "matplotlib", "scipy"} & set(loaded)
