"""Searches of ranges: Optuna proposes, inner folds of the training side decide."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvc.models import MODEL_CONFIGS
from fvc.models.spaces import Range, Space
from fvc.training import stage5_train_models
from fvc.training.clips import Clips, Sources
from fvc.training.fold import FoldTask, run_fold
from fvc.training.search import search_space
from fvc.training.selection import Choice, InnerFold, Part, choose_settings, inner_folds
from fvc.workspace import Workspace

pytestmark = pytest.mark.slow

Simulate = Callable[..., Workspace]
LOGISTIC = MODEL_CONFIGS["logistic_regression"]
WIDE = Space({"C": Range(1e-5, 1e3, log=True)}, trials=8)


def tried(
    space: Space, score: Callable[[dict[str, Any]], float | None], seed: int = 0
) -> list[Any]:
    found = []

    def note(settings: dict[str, Any]) -> float | None:
        found.append(settings)
        return score(settings)

    search_space(space, note, seed=seed)
    return found


def test_a_search_comes_near_a_known_optimum() -> None:
    space = Space({"x": Range(1e-6, 1e6, log=True), "kind": ("a", "b", "c")}, trials=60)

    def distance(settings: dict[str, Any]) -> float:
        return abs(math.log10(settings["x"]) - 2) + (settings["kind"] != "b")

    for seed in range(3):
        far = [distance(each) for each in tried(space, lambda s: -distance(s), seed)]
        assert min(far) < 0.3
        # It learns from what it has seen: drawn evenly, half would be farther than 3.
        assert np.median(far[-20:]) < np.median(far[:10]) / 2


def test_whole_numbers_and_ends_are_kept() -> None:
    space = Space({"depth": Range(1, 3), "rate": Range(0.1, 0.2)}, trials=30)
    found = tried(space, lambda s: s["rate"])
    assert {each["depth"] for each in found} == {1, 2, 3}
    assert all(isinstance(each["depth"], int) for each in found)
    assert all(0.1 <= each["rate"] <= 0.2 for each in found)


def test_the_seed_alone_decides_and_nothing_is_tried_twice() -> None:
    def score(settings: dict[str, Any]) -> float:
        return -abs(settings["C"] - 1)

    assert tried(WIDE, score) == tried(WIDE, score)
    assert tried(WIDE, score, 1) != tried(WIDE, score)
    few = Space({"depth": Range(1, 2), "kind": ("a", "b")}, trials=20)
    found = tried(few, lambda s: s["depth"])
    assert len(found) == len({tuple(each.items()) for each in found}) <= 4


def test_settings_that_cannot_be_used_end_no_search() -> None:
    found = tried(WIDE, lambda s: None if s["C"] > 1 else -s["C"])
    assert len(found) == WIDE.trials


def part_of(clips: Clips, sources: Sources) -> Part:
    labels, groups = sources.labels[clips.source], sources.groups[clips.source]
    return Part(clips.X, labels, clips.source, clips.original, groups, clips.feature_names)


def planted(seed: int = 0) -> tuple[Clips, Sources]:
    """Thirty sources of two clips; the first of eight features tells a little."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(30) % 2).astype(np.int8)
    source = np.repeat(np.arange(30, dtype=np.int32), 2)
    X = rng.normal(size=(60, 8)).astype(np.float32)
    X[:, 0] += labels[source]
    original = np.tile([True, False], 30)
    clips = Clips(
        X=X, feature_names=[f"f{i}" for i in range(8)], source=source, original=original,
        clip=np.arange(60).astype(str), kind=np.where(original, "original", "blur"), notes={},
    )  # fmt: skip
    sources = Sources(
        names=[f"s{i}" for i in range(30)], labels=labels,
        groups=np.array([f"g{i}" for i in range(30)], dtype=object), fold=np.arange(30)[None] % 3,
    )  # fmt: skip
    return clips, sources


def choose(candidates: list[dict[str, Any]], seed: int = 0) -> Choice:
    part = part_of(*planted())
    folds: list[InnerFold] = inner_folds(part, 3, (0,), "here")
    return choose_settings(LOGISTIC, candidates, part, folds, seed=seed)


def test_a_grid_of_what_was_tried_chooses_the_same() -> None:
    searched = choose([WIDE.to_dict()])
    assert len(searched.search) == WIDE.trials
    again = choose([row["settings"] for row in searched.search])
    assert again == searched
    assert searched.settings in [row["settings"] for row in searched.search]
    scores = [row["val_roc_auc"] for row in searched.search]
    assert searched.val["val_roc_auc"] == max(scores) > min(scores)


def test_settings_of_a_grid_stand_before_those_of_a_search() -> None:
    both = choose([{"C": 0.5}, WIDE.to_dict()])
    assert both.search[0]["settings"] == {"C": 0.5}
    assert both.search[1:] == choose([WIDE.to_dict()]).search
    assert choose([WIDE.to_dict()], seed=1).search != choose([WIDE.to_dict()]).search


def test_what_cannot_be_fitted_is_listed_with_its_reason() -> None:
    space = Space({"C": (-1.0, 1.0), "max_iter": Range(100, 200)}, trials=6)
    choice = choose([space.to_dict()])
    refused = [row for row in choice.search if row.get("refused")]
    assert 0 < len(refused) < 6
    for row in refused:
        assert row["settings"]["C"] == -1
        assert row["val_roc_auc"] is None
        assert "'C' parameter" in row["refused"]
    assert choice.settings["C"] == 1
    with pytest.raises(ValueError, match=r"no candidate can be fitted.*'C' parameter"):
        choose([replace(space, parameters={**space.parameters, "C": (-1.0,)}).to_dict()])


def test_without_inner_folds_nothing_is_searched() -> None:
    part = part_of(*planted())
    choice = choose_settings(LOGISTIC, [WIDE.to_dict()], part, [])
    assert (choice.settings, choice.search) == ({}, [])
    assert "too few groups" in choice.note


def test_a_search_sees_the_training_side_alone() -> None:
    clips, sources = planted()
    task = FoldTask(
        spec=LOGISTIC, candidates=[WIDE.to_dict()], repeat=0, fold=0, test=sources.fold[0] == 0,
        inner_splits=3, seed=0, save_to=None, keep_variants=False,
    )  # fmt: skip

    def run(clips: Clips, labels: Any, **more: Any) -> Any:
        return run_fold(
            replace(task, **more), clips.X, clips.source, clips.original, labels, sources.groups,
            clips.feature_names,
        )  # fmt: skip

    first = run(clips, sources.labels)
    assert first.failure is None
    assert len(first.search) == WIDE.trials
    turned = np.where(task.test, 1 - sources.labels, sources.labels).astype(np.int8)
    other = np.where(task.test[clips.source][:, None], 100.0, clips.X).astype(np.float32)
    for again in (run(clips, turned), run(replace(clips, X=other), sources.labels)):
        assert (again.settings, again.search) == (first.settings, first.search)
    # On the training side the same change is seen.
    inside = np.where(task.test, sources.labels, np.roll(sources.labels, 7)).astype(np.int8)
    assert run(clips, inside).search != first.search
    assert run(clips, sources.labels, seed=1).search != first.search


@pytest.mark.usefixtures("pictures")
def test_a_file_with_ranges_goes_the_whole_way_without_torch(
    tmp_path: Path, simulated: Simulate
) -> None:
    workspace = simulated(tmp_path / "project", sources=24, variants=1)
    grid = tmp_path / "grid.yaml"
    grid.write_text("svm_stage2: {trials: 4, C: {low: 1e-4, high: 10, log: true}}\n")
    code = (
        "import sys; from fvc.training import stage5_train_models as t\n"
        f"t({str(workspace.root)!r}, model_types=('svm_stage2',), n_splits=2, repeats=1,"
        f" workers=1, grid={str(grid)!r})\n"
        "print([m for m in ('optuna', 'torch', 'lightning') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("['optuna']")
    assert "study" not in done.stderr
    folder = workspace.model("svm_stage2")
    document = json.loads((folder / "metrics.json").read_text())
    assert document["complete"]
    rows = document["search"]
    assert [row["fold"] for row in rows] == [0] * 4 + [1] * 4
    assert [row["chosen"] for row in rows].count(True) == 2
    # All folds begin with the same proposals.
    assert [row["settings"] for row in rows[:4]] == [row["settings"] for row in rows[4:]]
    assert document["settings"]["candidates"] == [
        {"search": {"C": {"low": 1e-4, "high": 10.0, "log": True}}, "trials": 4}
    ]
    card = json.loads((folder / "final" / "card.json").read_text())
    assert 1e-4 <= card["settings"]["C"] <= 10
    again = stage5_train_models(
        workspace.root, model_types=("svm_stage2",), n_splits=2, repeats=1, workers=1,
        grid=str(grid),
    )  # fmt: skip
    assert again.models[0].status == "kept"
    stage5_train_models(
        workspace.root, model_types=("svm_stage2",), n_splits=2, repeats=1, workers=2,
        grid=str(grid), delete_existing=True,
    )  # fmt: skip
    assert json.loads((folder / "metrics.json").read_text())["search"] == rows
    assert (folder / "plots" / "search_results.png").is_file()
