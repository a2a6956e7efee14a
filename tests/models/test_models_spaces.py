"""Ranges in a file of grids: read, checked, and carried as plain JSON."""

import json
import sys
from pathlib import Path

import pytest

from fvc.errors import MissingExtraError, OptionError
from fvc.models import expand_grid, get_model, load_grid
from fvc.models.grids import candidates_of
from fvc.models.spaces import Range, Space, count_trials


def written(folder: Path, text: str) -> Path:
    path = folder / "grid.yaml"
    path.write_text(text)
    return path


def test_ranges_and_lists_make_one_space(tmp_path: Path) -> None:
    # Without a point 1e-5 is a word in YAML.
    path = written(
        tmp_path,
        "x3d:\n"
        "  trials: 12\n"
        "  head_lr: {low: 1e-5, high: 1e-2, log: true}\n"
        "  epochs: {low: 5, high: 40}\n"
        "  weight_decay: [0.0, 1e-4]\n",
    )
    (space,) = load_grid(path)["x3d"]
    assert space == Space(
        {"head_lr": Range(1e-5, 1e-2, True), "epochs": Range(5, 40), "weight_decay": (0.0, 1e-4)},
        trials=12,
    )
    (candidate,) = expand_grid([space])
    assert Space.of(json.loads(json.dumps(candidate))) == space


def test_a_range_between_whole_numbers_is_of_the_parameters_own_type(tmp_path: Path) -> None:
    text = "{C: {low: 1, high: 100, log: true}, max_iter: {low: 100, high: 200}}"
    (space,) = load_grid(written(tmp_path, f"logistic_regression: {text}"))["logistic_regression"]
    ends = {name: (type(values.low), values.log) for name, values in space.parameters.items()}
    assert ends == {"C": (float, True), "max_iter": (int, False)}
    assert space.trials == 20


def test_grids_and_spaces_stand_side_by_side(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "svm:\n"
        "  - {kernel: [linear], C: [0.1, 1e-2]}\n"
        "  - {kernel: [rbf], C: {low: 0.1, high: 10, log: true}, trials: 5}\n",
    )
    grid, space = load_grid(path)["svm"]
    candidates = expand_grid([grid, space])
    assert candidates[:2] == [{"kernel": "linear", "C": 0.1}, {"kernel": "linear", "C": 0.01}]
    assert [Space.of(each) is None for each in candidates] == [True, True, False]
    assert count_trials(candidates) == 2 + 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("svm: {C: {low: 1, hi: 2}}", r"svm\.C: a range has low, high"),
        ("svm: {C: {low: 2, high: 1}}", "low the smaller"),
        ("svm: {C: {low: a, high: 1}}", "low and high are numbers"),
        ("svm: {C: {low: 0, high: 1, log: true}}", "only where low is above 0"),
        ("svm: {C: {low: 1, high: 2, log: 3}}", "log is true or false"),
        ("svm: {kernel: {low: 1, high: 2}}", r"'linear' by default\): give a list"),
        ("svm: {C: {low: 1, high: 2}, trials: 0}", "trials is 1 or more, not 0"),
        ("svm: {C: [1, 2], trials: 3}", "has trials, but no range"),
        ("svm: {trials: 3}", "has trials, but no range"),
        ("x3d: {epochs: {low: 1.5, high: 3}}", r"x3d\.epochs: whole numbers are expected"),
        ("x3d: {freeze_batch_norm: {low: 0, high: 1}}", "give a list of values"),
        ("x3d: {head_lr: [fast]}", r"x3d\.head_lr takes values like 0\.0005, not 'fast'"),
        ("x3d: {epochs: [2.5]}", r"x3d\.epochs takes values like 20, not 2\.5"),
        ("x3d: {freeze_batch_norm: [1]}", "takes values like True, not 1"),
        ("ensemble: {C: {low: 1, high: 2}}", "takes lists of values, and no ranges"),
    ],
)
def test_a_wrong_range_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        load_grid(written(tmp_path, text))


def test_without_optuna_the_line_that_brings_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "svm: {C: {low: 0.1, high: 10}}")
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r'range of svm needs.*pip install "fvc\[search\]"'):
        candidates_of(get_model("svm"), str(path))
    # A grid needs nothing.
    assert candidates_of(get_model("logistic_regression"), str(path))
