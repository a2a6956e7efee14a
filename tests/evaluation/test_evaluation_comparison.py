"""Comparing models of a project: tables, words, pictures, files, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from fvc.errors import DataError, MissingInputError, OptionError, StaleError
from fvc.evaluation import (
    build_leaderboard,
    compare_models,
    compare_predictions,
    describe_split,
    index_fingerprint,
    load_folds,
    make_folds,
    read_folds_info,
    save_folds,
    summarise_folds,
)
from fvc.evaluation.common_rows import common_rows
from fvc.evaluation.comparison import TESTS
from fvc.tables import IndexSchema, write_json_atomic, write_table
from fvc.workspace import Workspace


def index(groups: int = 40, largest: int = 2) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(groups), rng.integers(1, largest + 1, groups))
    columns: dict[str, Any] = {
        "source": [f"s{i:03}" for i in range(len(group))],
        "video_path": [f"videos/{i}.mp4" for i in range(len(group))],
        "label": (np.arange(groups) % 2)[group],
        "group": [f"g{g:02}" for g in group],
        "collection": ["simulated"] * len(group),
        "fps": rng.choice([24.0, 25.0, 30.0], len(group)),
        "status": ["ok"] * len(group),
    }
    frame = pl.DataFrame(columns)
    types = IndexSchema.create_empty().schema
    absent = [pl.lit(None).alias(c) for c in types if c not in frame.columns]
    return frame.with_columns(absent).select(pl.col(c).cast(t) for c, t in types.items())


def scored(folds: pl.DataFrame, effect: float, seed: int) -> pl.DataFrame:
    """A fixed view of each source, the same in all repeats up to a little noise."""
    rng = np.random.default_rng(seed)
    sources = folds["source"].unique(maintain_order=True)
    view = dict(zip(sources, rng.normal(size=len(sources)), strict=True))
    noise = np.array([view[s] for s in folds["source"]]) + 0.1 * rng.normal(size=len(folds))
    score = 0.5 + 0.1 * (effect * (folds["label"].to_numpy() * 2 - 1) + noise)
    return folds.with_columns(score=pl.Series(np.clip(score, 0, 1)))


def project_with(root: Path, models: dict[str, float], *, largest: int = 2) -> Workspace:
    workspace = Workspace(root)
    table = index(largest=largest)
    write_table(table, workspace.index_csv)
    fingerprint = index_fingerprint(table)
    save_folds(make_folds(table, repeats=2), workspace.folds, fingerprint=fingerprint, seed=0)
    folds = load_folds(workspace.folds, fingerprint=fingerprint)
    split = describe_split(folds, read_folds_info(workspace.folds))
    for seed, (model, effect) in enumerate(models.items()):
        predictions = scored(folds, effect, seed)
        write_table(predictions, workspace.model(model) / "predictions.parquet")
        aggregate = summarise_folds(predictions, folds=folds, resamples=50)
        document = {"model": model, "complete": True, "aggregate": aggregate, "split": split}
        write_json_atomic(workspace.model(model) / "metrics.json", document)
    return workspace


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    models = {"strong": 1.5, "strong_too": 1.5, "weak": 0.0}
    return project_with(tmp_path_factory.mktemp("project"), models)


QUICK: dict[str, Any] = {"resamples": 200, "permutations": 200}


def test_what_differs_is_named_and_what_does_not_is_said_plainly(project: Workspace) -> None:
    document = compare_models(project.root, **QUICK).to_dict()
    assert [row["model"] for row in document["models"]][2] == "weak"
    pairs = {(row["a"], row["b"]): row for row in document["pairs"]}
    even, apart = pairs["strong", "strong_too"], pairs["strong", "weak"]
    assert not even["significant"]
    assert even["verdict"].startswith("no significant difference between strong and strong_too")
    assert even["low"] < 0 < even["high"]
    assert apart["significant"]
    assert "strong ranks better than weak" in apart["verdict"]
    assert "after Holm over 3 pairs" in apart["verdict"]
    assert document["ranks"]["cliques"] in (
        [["strong", "strong_too"]],
        [["strong_too", "strong"]],
    )
    assert "no significant difference" in document["verdict"]
    assert document["simulated"]
    assert (document["n_groups"], document["repeats"]) == (40, 2)


def test_adjusted_p_are_holms_over_the_family(project: Workspace) -> None:
    document = compare_models(project.root, **QUICK).to_dict()
    for test in TESTS:
        raw = [row[f"p_{test}"] for row in document["pairs"]]
        adjusted = [row[f"p_{test}_holm"] for row in document["pairs"]]
        if raw[0] is None:
            assert adjusted == [None] * 3
            continue
        assert min(adjusted) == pytest.approx(min(1, 3 * min(raw)))
        assert all(a >= r for a, r in zip(adjusted, raw, strict=True))


def test_delong_and_mcnemar_only_where_every_group_is_one_source(tmp_path: Path) -> None:
    grouped = compare_models(project_with(tmp_path / "a", {"x": 1, "y": 0}).root, **QUICK)
    pair = grouped.to_dict()["pairs"][0]
    assert pair["p_delong"] is pair["p_mcnemar"] is None
    assert "independent" in pair["not_done"]
    single = compare_models(project_with(tmp_path / "b", {"x": 1, "y": 0}, largest=1).root, **QUICK)
    pair = single.to_dict()["pairs"][0]
    assert 0 <= pair["p_delong"] <= 1
    assert 0 <= pair["p_mcnemar"] <= 1
    assert pair["not_done"] is None


def test_files_are_written_and_pictures_can_be_read(project: Workspace) -> None:
    document = compare_models(project.root, new_groups=(10, 50), **QUICK).to_dict()
    files = [project.absolute(name) for name in document["files"]]
    assert sorted(path.suffix for path in files) == [".csv", ".json", ".parquet", ".png", ".svg"]
    assert json.loads(files[0].read_text()) == document
    assert pl.read_parquet(project.comparison / "comparison.parquet").height == 3
    with Image.open(project.comparison / "critical_difference.png") as picture:
        assert picture.width > 1000
    text = (project.comparison / "critical_difference.svg").read_text()
    for said in ("strong_too", "SIMULATED", "no significant difference", "Nemenyi"):
        assert said in text
    new = [row for row in document["new_sets"] if row["model"] == "weak"]
    assert [row["new_groups"] for row in new] == [10, 50]
    assert new[0]["high"] - new[0]["low"] > new[1]["high"] - new[1]["low"]


def test_the_same_comparison_gives_the_same_bytes(project: Workspace) -> None:
    def everything() -> dict[str, bytes]:
        compare_models(project.root, seed=3, **QUICK)
        return {p.name: p.read_bytes() for p in sorted(project.comparison.iterdir())}

    assert everything() == everything()


def test_the_leaderboard_shows_naive_and_corrected(project: Workspace) -> None:
    board = build_leaderboard(project, baselines=[])
    selection = board["selection"]
    assert selection["winner"] == board["models"][0]["model"]
    assert selection["naive"] == pytest.approx(board["models"][0]["roc_auc"])
    assert selection["corrected"] < selection["naive"]
    assert json.loads(project.leaderboard_json.read_text())["selection"] == selection


def test_only_sources_that_all_models_scored_count() -> None:
    folds = make_folds(index(), repeats=1)
    full, part = scored(folds, 1, 0), scored(folds, 1, 1)
    gone = part["source"][0]
    part = part.with_columns(
        score=pl.when(pl.col("source") == gone).then(None).otherwise(pl.col("score"))
    )
    common = common_rows({"full": full, "part": part})
    assert (common.n_sources, common.n_scored) == (full.height, full.height - 1)
    np.testing.assert_array_equal(common.models["full"].group, common.models["part"].group)


def test_models_on_other_folds_are_not_compared() -> None:
    table = index()
    one, other = (scored(make_folds(table, repeats=1, seed=s), 1, 0) for s in (0, 1))
    with pytest.raises(DataError, match="same split"):
        compare_predictions({"a": one, "b": other}, **QUICK)
    with pytest.raises(DataError, match="two models"):
        compare_predictions({"a": one}, **QUICK)


def test_what_cannot_be_compared_is_refused(project: Workspace, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="two trained models, here is weak"):
        compare_models(project.root, models=("weak",))
    with pytest.raises(MissingInputError, match="nothing was not trained"):
        compare_models(project.root, models=("weak", "nothing"))
    with pytest.raises(MissingInputError, match="no trained model"):
        compare_models(tmp_path)
    for wrong in ({"alpha": 0.0}, {"resamples": 5}, {"new_groups": (1,)}):
        with pytest.raises(OptionError):
            compare_models(project.root, **wrong)
    stale = project_with(tmp_path / "stale", {"a": 1, "b": 0})
    path = stale.model("b") / "metrics.json"
    document = json.loads(path.read_text())
    document["split"]["hash"] = "another"
    write_json_atomic(path, document)
    with pytest.raises(StaleError, match="b was trained on other folds"):
        compare_models(stale.root)
    document["complete"] = False
    write_json_atomic(path, document)
    with pytest.raises(DataError, match="b is incomplete"):
        compare_models(stale.root, models=("a", "b"))


def test_the_command_prints_tables_and_one_json_document(
    project: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    from fvc.cli.app import run

    base = ["compare", "strong*", "weak", "--project", str(project.root)]
    quick = ["--resamples", "200", "--permutations", "200"]
    assert run([*base, *quick, "--new-groups", "20"]) == 0
    shown = capsys.readouterr().out
    for said in ("SIMULATED DATA", "The best of 3", "new set of 20 groups", "1 − 2"):
        assert said in shown or said.replace("1 − 2", "2 − 1") in shown
    assert run([*base, *quick, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["pairs"]) == 3
    assert run(["compare", "weak", "--project", str(project.root)]) == 2
    assert "two trained models" in capsys.readouterr().err
