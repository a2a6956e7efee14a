"""Names that break naive programs, from the folder of clips to the leaderboard."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import fvc, start

from fvc.tables import read_table
from fvc.workspace import Workspace

MakeVideo = Callable[..., Path]
NAMES = (
    "with spaces  and tabs\there",
    'it\'s "quoted" `twice`',
    "ünïcødé é 日本語 🎬",
    "x" * 196,
    "日" * 65,
    "50 % {of} $HOME [it]; rm -rf ~ & echo",
    "-o --project",
    "comma, semicolon; and\nnewline",
    "a.b.c",
    "A.B.C",
    "concat:one|two",
    "%03d",
)


@pytest.mark.slow
def test_any_name_goes_from_the_corpus_to_the_leaderboard(
    tmp_path: Path, make_video: MakeVideo
) -> None:
    corpus = tmp_path / "clips 'of' \"mine\" – 日本" / ("y" * 200)
    for number, name in enumerate(NAMES):
        side = "real" if number % 2 else "fake"
        # The library that writes takes some names for patterns or protocols.
        plain = make_video(tmp_path / "plain.mp4", frames=8 + number, seed=number)
        (corpus / side).mkdir(parents=True, exist_ok=True)
        plain.rename(corpus / side / f"{name}.mp4")
    project = tmp_path / 'pro ject\'s "é" $(x) 🎬' / ("z" * 200)
    code, said = fvc(project, "setup", "--corpus", str(corpus))
    assert code == 0, said
    words = ["--num-augmentations", "1", "--target-size", "64", "--n-splits", "2"]
    words += ["--repeats", "1", "--model-types", "logistic_regression", "--workers", "1"]
    code, said = fvc(project, "run", *words)
    assert code == 0, said
    index = read_table(Workspace(project).index_csv)
    assert {Path(path).stem for path in index["video_path"]} == set(NAMES)
    assert index["source"].n_unique() == len(NAMES)
    assert index["source"].str.contains(r"^[A-Za-z0-9_-]{1,100}$").all()
    process = start(project, "leaderboard", "--json")
    out, said = process.communicate()
    (model,) = json.loads(out)["models"]
    assert model["model"] == "logistic_regression"
    assert model["n_scored"] == model["n_sources"] == len(NAMES)
    failures = read_table(project / "data/failures.csv")
    assert failures.is_empty()
