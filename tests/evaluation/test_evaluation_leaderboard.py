"""The leaderboard: sorted, marked, warned, in its documented shape."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fvc.errors import MissingInputError, StaleError
from fvc.evaluation import (
    build_leaderboard,
    corpus_notes,
    describe_split,
    index_fingerprint,
    load_folds,
    make_folds,
    read_folds_info,
    save_folds,
    summarise_folds,
)
from fvc.evaluation.leaderboard_plot import draw_leaderboard
from fvc.tables import IndexSchema, write_json_atomic, write_table
from fvc.workspace import Workspace


def index(collections: tuple[str, str] = ("cameras", "generators"), n: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    label = np.arange(n) % 2
    columns: dict[str, Any] = {
        "source": [f"s{i:03}" for i in range(n)],
        "video_path": [f"videos/{i}.mp4" for i in range(n)],
        "label": label,
        "group": [f"g{i // 4:02}" for i in range(n)],
        "collection": [collections[k] for k in label],
        "fps": rng.choice([24.0, 25.0, 30.0], n),
        "status": ["ok"] * n,
    }
    frame = pl.DataFrame(columns)
    types = IndexSchema.create_empty().schema
    absent = [pl.lit(None).alias(c) for c in types if c not in frame.columns]
    return frame.with_columns(absent).select(pl.col(c).cast(t) for c, t in types.items())


def predictions(folds: pl.DataFrame, effect: float) -> pl.DataFrame:
    noise = np.random.default_rng(1).normal(0, 0.15, len(folds))
    score = np.clip(0.5 + effect * (folds["label"].to_numpy() - 0.5) + noise, 0, 1)
    return folds.with_columns(score=pl.Series(score))


@pytest.fixture
def project(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    table = index()
    write_table(table, workspace.index_csv)
    fingerprint = index_fingerprint(table)
    save_folds(make_folds(table, repeats=2), workspace.folds, fingerprint=fingerprint, seed=0)
    folds = load_folds(workspace.folds, fingerprint=fingerprint)
    split = describe_split(folds, read_folds_info(workspace.folds))
    failed = pl.when(pl.col("fold") == 1).then(None).otherwise(0.99)
    tables = {
        "weak": predictions(folds, 0.05),
        "strong": predictions(folds, 0.35),
        "broken": folds.with_columns(score=failed),
    }
    for model, scores in tables.items():
        aggregate = summarise_folds(scores, folds=folds, resamples=100)
        document = {"model": model, "aggregate": aggregate, "split": split}
        write_json_atomic(workspace.model(model) / "metrics.json", document)
    return workspace


def test_models_are_sorted_and_incomplete_ones_last(project: Workspace) -> None:
    board = build_leaderboard(project)
    assert [row["model"] for row in board["models"]] == ["strong", "weak", "broken"]
    best, _, broken = board["models"]
    assert best["complete"]
    assert best["roc_auc_low"] < best["roc_auc"] < best["roc_auc_high"]
    assert (best["n_sources"], best["n_scored"], best["unit"]) == (60, 60, "source")
    assert best["f1"] is not None
    assert not broken["complete"]
    assert broken["roc_auc"] is None
    assert "fold 1: failed" in broken["incomplete_reason"]
    assert broken["n_scored"] < 60


def test_the_files_say_the_same(project: Workspace) -> None:
    board = build_leaderboard(project)
    assert json.loads(project.leaderboard_json.read_text()) == board
    table = pl.read_parquet(project.leaderboard_parquet)
    assert table["model"].to_list() == ["strong", "weak", "broken"]
    assert table["roc_auc"][0] == board["models"][0]["roc_auc"]
    assert table.schema["stale"] == pl.Boolean
    assert {"models", "baselines", "split", "notes", "unit"} <= set(board)
    again = pl.read_csv(project.leaderboard_json.with_suffix(".csv"), schema=table.schema)
    assert again.equals(table)


def test_the_picture_names_every_model_its_state_and_the_strongest_baselines(
    project: Workspace,
) -> None:
    path = project.model("weak") / "metrics.json"
    document = json.loads(path.read_text())
    document["split"]["hash"] = "another"
    write_json_atomic(path, document | {"random_weights": True})
    build_leaderboard(project)
    svg = project.leaderboard_json.with_suffix(".svg").read_text()
    texts = re.findall(r">([^<>\n]+)</text>", svg)
    assert {"strong", "weak (other folds, random weights)", "broken (incomplete)"} <= set(texts)
    assert {"no score", "only collection", "only frame rate", "chance, 0.50"} <= set(texts)
    assert any("n = 60 in 15 groups" in text for text in texts)
    assert not any("corrected" in text for text in texts)
    assert project.leaderboard_json.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_shows_what_the_winner_is_worth_and_that_data_are_simulated(
    project: Workspace, tmp_path: Path
) -> None:
    folds = load_folds(project.folds, fingerprint=index_fingerprint(index()))
    for model, effect in (("weak", 0.05), ("strong", 0.35)):
        table = predictions(folds, effect).with_columns(calibrated=None)
        write_table(table, project.model(model) / "predictions.parquet")
    board = build_leaderboard(project, baselines=[])
    assert board["selection"]["corrected"] is not None
    board["simulated"] = True
    draw_leaderboard(board, tmp_path / "a.png", tmp_path / "a.svg")
    svg = (tmp_path / "a.svg").read_text()
    assert "the winner, corrected for the choice" in svg
    assert "SIMULATED DATA" in svg
    draw_leaderboard(board, tmp_path / "b.png", tmp_path / "b.svg")
    assert (tmp_path / "b.svg").read_bytes() == (tmp_path / "a.svg").read_bytes()


def test_a_rival_among_the_metadata_is_warned_of(project: Workspace) -> None:
    board = build_leaderboard(project)
    collection = next(row for row in board["baselines"] if row["baseline"] == "collection")
    assert collection["roc_auc"] == 1
    assert "collection 1.00" in board["models"][0]["warning"]
    assert board["models"][-1]["warning"] is None


def test_the_reader_is_told_about_the_corpus(project: Workspace) -> None:
    notes = " ".join(build_leaderboard(project)["notes"])
    assert "60 sources in 15 groups, 30 of the rarer class" in notes
    assert "2 of 2 collections hold one class only, with 100% of the sources" in notes
    assert "simulated" not in notes


def test_simulated_corpora_are_called_so() -> None:
    table = index(("simulated-real", "simulated-fake"))
    assert corpus_notes(table)[0].startswith("The corpus is simulated")


def test_a_large_balanced_corpus_needs_no_note() -> None:
    table = index(n=400).with_columns(collection=pl.when(pl.col("fps") > 24).then(pl.lit("a")))
    assert corpus_notes(table) == []
    assert corpus_notes(table.drop("collection")) == []


def test_scores_on_other_folds_are_marked_and_last(project: Workspace) -> None:
    path = project.model("strong") / "metrics.json"
    document = json.loads(path.read_text())
    document["split"]["hash"] = "another"
    write_json_atomic(path, document)
    board = build_leaderboard(project, baselines=[])
    assert [(r["model"], r["stale"]) for r in board["models"]] == [
        ("weak", False),
        ("broken", False),
        ("strong", True),
    ]


def test_an_incomplete_model_never_leads(project: Workspace) -> None:
    path = project.model("strong") / "metrics.json"
    document = json.loads(path.read_text())
    document["aggregate"]["complete"] = False
    write_json_atomic(path, document)
    board = build_leaderboard(project, baselines=[])
    assert [row["model"] for row in board["models"]] == ["weak", "strong", "broken"]


def test_a_result_that_cannot_be_read_is_noted(project: Workspace) -> None:
    (project.model("weak") / "metrics.json").write_text("{")
    write_json_atomic(project.model("strong") / "metrics.json", {"model": "strong"})
    board = build_leaderboard(project, baselines=[])
    assert [row["model"] for row in board["models"]] == ["broken"]
    notes = [note for note in board["notes"] if "is left out" in note]
    assert len(notes) == 2
    assert "data/stage5/weak/metrics.json" in notes[1]


def test_what_is_missing_names_the_command(project: Workspace, tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="fvc setup"):
        build_leaderboard(Workspace(tmp_path / "empty"))
    for model in ("weak", "strong", "broken"):
        (project.model(model) / "metrics.json").unlink()
    with pytest.raises(MissingInputError, match="no trained model"):
        build_leaderboard(project)
    write_table(index().head(59), project.index_csv)
    with pytest.raises(StaleError, match="index has changed"):
        build_leaderboard(project)
