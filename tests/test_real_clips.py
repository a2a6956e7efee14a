"""From a folder of real and fake clips to a leaderboard."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from fvc.cli.app import run


@pytest.mark.slow
@pytest.mark.real_clips
@pytest.mark.timeout(900)
def test_a_folder_of_clips_becomes_a_leaderboard(real_clips: Path, tmp_path: Path) -> None:
    with (real_clips / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # The smallest eight of each class, which are mp4, webm and mkv of several rates and sizes.
    rows.sort(key=lambda row: (real_clips / row["path"]).stat().st_size)
    chosen = [row for row in rows if row["label"] == "real"][:8]
    chosen += [row for row in rows if row["label"] == "fake"][:8]
    listed = tmp_path / "clips.csv"
    with listed.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(row | {"path": str(real_clips / row["path"])} for row in chosen)

    project = tmp_path / "project"
    assert run(["setup", "--project", str(project), "--corpus", str(listed), "--quiet"]) == 0
    options = ["--num-augmentations", "2", "--model-types", "svm", "--n-splits", "2", "--quiet"]
    assert run(["run", "--project", str(project), *options]) == 0

    index = pl.read_csv(project / "data" / "video_index_input.csv")
    assert sorted(index["label"].to_list()) == [0] * 8 + [1] * 8
    declared = {Path(row["path"]).name: int(row["frames"]) for row in chosen}
    for row in index.iter_rows(named=True):
        assert row["frame_count"] == declared[Path(row["video_path"]).name]
    for table in ("features_stage2/features_metadata", "features_stage4/features_scaled_metadata"):
        clips = pl.read_ipc(project / "data" / f"{table}.arrow")
        assert clips.height == 16 * 3
        assert set(clips["source"]) == set(index["source"])
    (model,) = json.loads((project / "data/stage5/leaderboard.json").read_text())["models"]
    assert (model["model"], model["n_scored"], model["n_sources"]) == ("svm", 16, 16)
    assert model["roc_auc_low"] <= model["roc_auc"] <= model["roc_auc_high"]
    failures = pl.read_csv(project / "data" / "failures.csv")
    assert failures.is_empty()
