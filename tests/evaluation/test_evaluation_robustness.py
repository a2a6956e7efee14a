"""Scores on variants, against loops."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fvc.augmentation.parameters import AUGMENTATIONS, draw_parameters
from fvc.cli.app import run
from fvc.errors import DataError, MissingInputError, OptionError
from fvc.evaluation.robustness import by_kind, model_robustness, with_strength
from fvc.evaluation.strength import strength, strength_name
from fvc.evaluation.variant_scores import pair_up, robustness_row
from fvc.tables import write_json_atomic, write_table
from fvc.workspace import Workspace

SETTINGS = {"n_splits": 3, "resamples": 200, "confidence": 0.95, "seed": 0}


def _scores(*, hurts: str | None = None, n: int = 60, seed: int = 0) -> pl.DataFrame:
    """Scores of originals, blurred and noisy clips; `hurts` turns scores to noise when strong."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        label, plain = i % 2, float(rng.normal(i % 2 * 1.5))
        row = {
            "source": f"s{i:03}",
            "group": f"g{i // 4 * 2 + i % 2}",
            "label": label,
            "fold": i // 4 % 3,
            "repeat": 0,
        }
        kinds = [("original", None)] + [(k, rng.uniform(0.6, 2)) for k in ("blur", "noise") * 2]
        for k, (kind, sigma) in enumerate(kinds):
            lost = sigma is not None and kind == hurts and sigma > 1.05
            score = plain if sigma is None else float(rng.normal(0.0 if lost else plain, 0.05))
            rows.append({
                **row,
                "clip": f"s{i:03}_{k}",
                "augmentation": kind,
                "is_original": sigma is None,
                "score": 1 / (1 + np.exp(-score)),
                "parameters": None if sigma is None else json.dumps({"sigma": sigma}),
            })  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def _project(root: Path, scores: pl.DataFrame, *, parameters: bool = True) -> Workspace:
    workspace = Workspace(root)
    write_table(scores.drop("parameters"), workspace.model("svm") / "robustness.parquet")
    write_json_atomic(
        workspace.model("svm") / "metrics.json",
        {"split": {"n_splits": 3}, "simulated": True, "feature_names": ["codec_x"]},
    )
    if parameters:
        write_table(scores.select("clip", "parameters"), workspace.stage1.table("parquet"))
    return workspace


def _paired(scores: pl.DataFrame) -> pl.DataFrame:
    plain = scores.filter("is_original").select("source", plain="score")
    return scores.filter(~pl.col("is_original")).join(plain, on="source")


def test_a_row_against_loops() -> None:
    variants = _paired(_scores()).filter(augmentation="blur")
    row = robustness_row(pair_up(variants), **SETTINGS)
    means: dict[str, dict[str, float]] = {}
    for (source,), own in variants.group_by("source"):
        means[source] = {
            "score": own["score"].mean(),
            "plain": own["plain"][0],
            "fold": own["fold"][0],
            "label": own["label"][0],
            "moved": np.mean([abs(s - p) for s, p in own.select("score", "plain").iter_rows()]),
        }
    for name, key in (("roc_auc", "score"), ("roc_auc_unaugmented", "plain")):
        won = n = 0
        for a in means.values():
            for b in means.values():
                if a["label"] == 1 and b["label"] == 0 and a["fold"] == b["fold"]:
                    n += 1
                    won += (a[key] > b[key]) + 0.5 * (a[key] == b[key])
        assert row[name] == pytest.approx(won / n)
        assert row["n_pairs"] == n
    assert row["absolute_change"] == pytest.approx(np.mean([m["moved"] for m in means.values()]))
    signed = [m["score"] - m["plain"] for m in means.values() if m["label"] == 1]
    assert row["change_fake"] == pytest.approx(np.mean(signed))
    assert row["change_of_auc"] == pytest.approx(row["roc_auc"] - row["roc_auc_unaugmented"])
    assert row["roc_auc_low"] < row["roc_auc"] < row["roc_auc_high"]


def test_one_class_has_no_auc_and_unmoved_scores_no_interval() -> None:
    variants = _paired(_scores())
    row = robustness_row(pair_up(variants.filter(label=1)), **SETTINGS)
    assert row["roc_auc"] is None
    assert row["change_of_auc_low"] is None
    assert row["change_real"] is None
    assert row["change_fake"] is not None
    still = variants.with_columns(score=pl.col("plain"))
    row = robustness_row(pair_up(still), **SETTINGS)
    assert row["change_of_auc"] == 0
    assert row["change_of_auc_low"] is None


def test_the_kind_and_the_strength_that_hurt_are_found(tmp_path: Path) -> None:
    workspace = _project(tmp_path, _scores(hurts="blur", n=120))
    report = model_robustness(tmp_path, model="svm", resamples=300)
    document = report.document
    kinds = {row["augmentation"]: row for row in document["kinds"]}
    assert kinds["blur"]["change_of_auc_high"] < 0 < kinds["noise"]["change_of_auc"] + 0.03
    assert kinds["blur"]["absolute_change"] > 3 * kinds["noise"]["absolute_change"]
    assert kinds["blur"]["n_clips"] == 240
    assert kinds["all variants"]["n_clips"] == 480
    thirds = {
        row["third"]: row["change_of_auc"]
        for row in document["strengths"]
        if row["augmentation"] == "blur"
    }
    assert thirds["strong"] < -0.15 < -0.05 < thirds["weak"]
    assert "blur" in document["verdict"][1]
    assert any("Codec features" in note for note in document["notes"])
    for file in document["files"]:
        assert workspace.absolute(file).is_file()
    assert run(["robustness", "svm", "--project", str(tmp_path), "--resamples", "100"]) == 0


def test_without_parameters_there_is_no_table_by_strength(tmp_path: Path) -> None:
    _project(tmp_path, _scores(), parameters=False)
    document = model_robustness(tmp_path, model="svm", resamples=100).document
    assert document["strengths"] == []
    assert document["n_clips_without_strength"] == 240
    assert any("no parameters" in note for note in document["notes"])


def test_missing_inputs_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="fvc train --model-types svm"):
        model_robustness(tmp_path, model="svm")
    with pytest.raises(OptionError):
        model_robustness(tmp_path, model="svm", threshold=2)
    _project(tmp_path, _scores().filter("is_original"))
    with pytest.raises(DataError, match="num-augmentations"):
        model_robustness(tmp_path, model="svm")


def test_every_drawn_variant_has_a_strength_that_grows() -> None:
    without = {kind for kind in AUGMENTATIONS if strength_name(kind) is None}
    assert without == {"flip", "temporal_reverse"}
    for kind in AUGMENTATIONS:
        found = strength(kind, draw_parameters(kind, 3))
        assert (found is None) == (kind in without)
        assert found is None or found > 0
    assert strength("contrast", {"gain": 0.5}) == pytest.approx(strength("contrast", {"gain": 2}))
    assert strength("rotation", {"degrees": -9}) > strength("rotation", {"degrees": 4})
    assert strength("frame_drop", {"every": 3}) > strength("frame_drop", {"every": 6})
    assert strength("blur", {"other": 1}) is None
    assert strength("blur", None) is None


def test_thirds_are_within_a_kind() -> None:
    variants = _paired(_scores())
    parameters = {c: json.loads(p) for c, p in variants.select("clip", "parameters").iter_rows()}
    table, known = with_strength(variants, parameters)
    assert known == len(table)
    for _, own in table.group_by("augmentation"):
        counts = own["third"].value_counts()["count"].to_list()
        assert sorted(counts) == [40, 40, 40]
        by = {t: own.filter(third=t)["strength"] for t in ("weak", "middle", "strong")}
        assert by["weak"].max() < by["middle"].min() < by["middle"].max() < by["strong"].min()
    assert len(by_kind(table, threshold=0.5, **SETTINGS)) == 3
