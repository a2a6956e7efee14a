"""`fvc duplicates` as a whole, on small simulated clips."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from duplicate_films import COPYINGS, film, write_film

from fvc.cli.app import run as fvc
from fvc.dataset import duplicates_of, find_duplicates, setup_dataset
from fvc.dataset.duplicate_merge import merge_groups, read_index
from fvc.dataset.duplicate_sheet import Shot, make_sheet
from fvc.errors import LockedError, MissingInputError, NothingLeftError, OptionError, StaleError
from fvc.evaluation import index_fingerprint, load_folds, make_folds, save_folds
from fvc.stages import RunOptions
from fvc.stages.locks import PartLock
from fvc.stages.options import Part
from fvc.tables import read_table
from fvc.workspace import Workspace

QUIET = RunOptions(workers=2, quiet=True)
FRAMES = 16


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One real clip and nine fake copies of it; others; and clips with nothing to see."""
    folder = tmp_path_factory.mktemp("corpus")
    original = film(1, FRAMES, height=120, width=214)
    write_film(folder / "real/original.mp4", original)
    for name, change in COPYINGS.items():
        write_film(folder / f"fake/{name}.mp4", change(original), crf=38 if name == "worse" else 23)
    for seed in range(10, 14):
        label = "real" if seed % 2 else "fake"
        write_film(folder / f"{label}/other{seed}.mp4", film(seed, FRAMES, height=120, width=160))
    for name, grey in (("black", 0), ("grey", 120), ("black2", 0)):
        write_film(folder / f"real/{name}.mp4", [np.full((96, 128), grey, np.uint8)] * 4)
    still = film(20, 1, height=120, width=160)
    write_film(folder / "real/still.mp4", still * 6)
    write_film(folder / "fake/one_frame.mp4", still)
    return folder


COPIES = {f"fake_{name}" for name in COPYINGS} | {"real_original"}


@pytest.fixture(scope="module")
def made(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which the search has run."""
    project = tmp_path_factory.mktemp("projects") / "project"
    setup_dataset(project, corpus=corpus, workers=2)
    find_duplicates(project, run=QUIET)
    return project


@pytest.fixture
def project(made: Path) -> Path:
    """A copy of it beside it, since the index's paths are relative."""
    copy = made.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(made, copy)
    return copy


def pairs_of(project: Path) -> set[tuple[str, str]]:
    frame = read_table(Workspace(project).duplicate_pairs)
    return {tuple(sorted(p)) for p in frame.select("source_a", "source_b").iter_rows()}  # type: ignore[misc]


def test_every_copy_is_found_and_nothing_else(made: Path) -> None:
    pairs = pairs_of(made)
    with_original = {(a, "real_original") for a in COPIES - {"real_original"}}
    assert with_original <= pairs
    assert ("fake_one_frame", "real_still") in pairs
    others = pairs - {("fake_one_frame", "real_still")}
    assert all(a in COPIES and b in COPIES for a, b in others)
    assert all(a < b for a, b in pairs)
    rows = read_table(Workspace(made).duplicate_pairs).to_dicts()
    transform = {
        row["source_a"]: row["transform"] for row in rows if row["source_b"] == "real_original"
    }
    assert transform["fake_mirror"] == "mirror"
    assert transform["fake_crop"] == "crop"
    assert {transform[f"fake_{n}"] for n in ("half", "border", "letterbox", "worse")} == {"none"}


def test_flat_clips_pair_with_nothing_and_are_said_to_be_flat(made: Path) -> None:
    status = dict(read_table(Workspace(made).duplicate_sources).select("source", "status").rows())
    flat = {source for source, what in status.items() if what == "no_detail"}
    assert flat == {"real_black", "real_black2", "real_grey"}
    assert set(status.values()) == {"compared", "no_detail"}


def test_tables_say_the_same_and_are_the_same_again(project: Path) -> None:
    workspace = Workspace(project)
    files = [workspace.duplicate_pairs, workspace.duplicate_sources]
    files += [path.with_suffix(".csv") for path in files]
    files += [workspace.duplicate_sheet]
    before = [path.read_bytes() for path in files]
    csv, parquet = (
        read_table(workspace.duplicate_pairs.with_suffix(s)) for s in (".csv", ".parquet")
    )
    assert csv.height == parquet.height > 9
    assert csv["source_a"].to_list() == parquet["source_a"].to_list()
    again = find_duplicates(project, run=RunOptions(workers=1, quiet=True))
    assert (again.hashing.done, again.hashing.resumed) == (0, 19)
    assert [path.read_bytes() for path in files] == before
    afresh = find_duplicates(project, run=RunOptions(workers=1, quiet=True, delete_existing=True))
    assert afresh.hashing.done == 19
    assert [path.read_bytes() for path in files] == before


def test_a_merge_joins_groups_in_both_files_of_the_index(project: Path) -> None:
    workspace = Workspace(project)
    old = read_index(workspace)
    folds = make_folds(old, n_splits=2, repeats=1)
    save_folds(folds, workspace.folds, fingerprint=index_fingerprint(old))
    report = find_duplicates(project, merge=True, run=QUIET)
    new = read_index(workspace)
    group = dict(new.select("source", "group").rows())
    assert len({group[source] for source in COPIES}) == 1
    assert group["fake_one_frame"] == group["real_still"] == "fake_one_frame+real_still"
    untouched = new.filter(~pl.col("source").is_in([*COPIES, "fake_one_frame", "real_still"]))
    assert untouched["group"].to_list() == untouched["source"].to_list()
    assert set(untouched["group_source"]) == {"own"}
    assert set(new.filter(pl.col("source").is_in(COPIES))["group_source"]) == {"near-duplicate"}
    assert new.drop("group", "group_source").equals(old.drop("group", "group_source"))
    assert json.loads(workspace.index_json.read_text()) == new.to_dicts()
    assert report.merged is not None
    assert (report.merged.sources, report.merged.mixed) == (12, 2)
    with pytest.raises(StaleError):
        load_folds(workspace.folds, fingerprint=index_fingerprint(new))
    assert "data/stage5/folds.parquet" in report.summary()
    assert "fvc train --delete-existing" in report.summary()
    # A second merge has nothing to do, and says that nothing is stale.
    written = workspace.index_csv.read_bytes()
    second = find_duplicates(project, merge=True, run=QUIET)
    assert second.merged is not None
    assert second.merged.groups == {}
    assert (second.n_across, second.stale, second.hashing.done) == (0, (), 0)
    assert workspace.index_csv.read_bytes() == written
    assert read_table(workspace.duplicate_pairs)["same_group"].all()


def test_merging_keeps_what_the_corpus_says_in_its_own_columns(
    corpus: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "list.csv"
    rows = [("real/still.mp4", "real", "007", "true"), ("fake/one_frame.mp4", "fake", "08", "no")]
    listed.write_text(
        "path,label,badge,seen\n" + "".join(f"{corpus / p},{','.join(x)}\n" for p, *x in rows)
    )
    setup_dataset(tmp_path, corpus=listed, workers=1)
    workspace = Workspace(tmp_path)
    before = json.loads(workspace.index_json.read_text())
    find_duplicates(tmp_path, merge=True, run=QUIET)
    after = json.loads(workspace.index_json.read_text())
    assert [row["badge"] for row in after] == [row["badge"] for row in before] == ["007", "08"]
    assert [row["group_source"] for row in after] == ["near-duplicate"] * 2
    changed = {"group", "group_source"}
    for old, new in zip(before, after, strict=True):
        assert list(old) == list(new)
        assert {k: v for k, v in old.items() if k not in changed} == {
            k: v for k, v in new.items() if k not in changed
        }


def test_setup_can_look_for_duplicates_itself(corpus: Path, tmp_path: Path) -> None:
    assert fvc(["setup", "--corpus", str(corpus), "--project", str(tmp_path), "--find-duplicates",
                "--workers", "2", "--quiet"]) == 0  # fmt: skip
    workspace = Workspace(tmp_path)
    index = read_index(workspace)
    assert index["group"].n_unique() == 9
    assert duplicates_of(workspace, index).warning() is None


def test_groups_joined_by_chains_become_one() -> None:
    index = pl.DataFrame({
        "source": list("abcde"), "group": ["g1", "g2", "g3", "g4", "g1"],
        "group_source": ["own", None, "cascade", "own", "own"], "label": [0, 1, 0, 0, 0],
    })  # fmt: skip
    merged, what = merge_groups(index, [("g1", "g2"), ("g3", "g2"), ("g2", "g1")])
    assert merged["group"].to_list() == ["g1+g2+g3"] * 3 + ["g4", "g1+g2+g3"]
    near = "near-duplicate"
    assert merged["group_source"].to_list() == [near, near, near, "own", near]
    assert what.groups == {"g1+g2+g3": ("g1", "g2", "g3")}
    assert (what.sources, what.mixed) == (4, 1)
    same, nothing = merge_groups(index, [])
    assert same.equals(index)
    assert (nothing.groups, nothing.sources) == ({}, 0)


def test_what_cannot_be_read_is_a_failure_and_the_rest_is_compared(project: Path) -> None:
    workspace = Workspace(project)
    index = read_index(workspace)
    broken = project / "broken.mp4"
    broken.write_bytes(b"no video")
    paths = pl.when(pl.col("source") == "fake_half").then(pl.lit("broken.mp4"))
    index.with_columns(video_path=paths.otherwise(pl.col("video_path"))).write_csv(
        workspace.index_csv
    )
    report = find_duplicates(project, run=QUIET)
    assert report.exit_code == 5
    assert (report.hashing.done, report.hashing.failed) == (0, 1)
    failures = read_table(workspace.failures).filter(pl.col("stage") == "duplicates").to_dicts()
    assert [(row["unit"], row["path"]) for row in failures] == [("fake_half", "broken.mp4")]
    assert not any("fake_half" in pair for pair in pairs_of(project))
    assert ("fake_mirror", "real_original") in pairs_of(project)
    assert duplicates_of(workspace, index).not_searched == 1
    assert "1 source(s) could not be read" in report.summary()


def test_nothing_readable_is_an_error(tmp_path: Path, corpus: Path) -> None:
    clips = tmp_path / "clips"
    for label in ("real", "fake"):
        (clips / label).mkdir(parents=True)
        shutil.copy(corpus / "real/grey.mp4", clips / label)
    setup_dataset(tmp_path, corpus=clips, workers=1)
    shutil.rmtree(clips)
    with pytest.raises(NothingLeftError):
        find_duplicates(tmp_path, run=QUIET)


def test_parts_are_hashed_apart_and_compared_together(made: Path, project: Path) -> None:
    shutil.rmtree(project / "data/duplicates")
    first = find_duplicates(project, run=RunOptions(workers=1, quiet=True, shard="1/2"))
    assert first.pairs is None
    assert not Workspace(project).duplicate_pairs.exists()
    assert "No table yet" in first.summary()
    second = find_duplicates(project, run=RunOptions(workers=1, quiet=True, shard="2/2"))
    assert second.pairs is not None
    assert pairs_of(project) == pairs_of(made)


def test_the_warning_before_training(project: Path) -> None:
    workspace = Workspace(project)
    index = read_index(workspace)
    found = duplicates_of(workspace, index)
    assert found.across == read_table(workspace.duplicate_pairs).height
    assert 9 <= found.opposed < found.across
    assert "`fvc duplicates --merge`" in str(found.warning())
    # The index as it is now counts, whoever put the sources into one group.
    regrouped = index.with_columns(group=pl.lit("all"))
    assert duplicates_of(workspace, regrouped).warning() is None
    more = pl.concat([regrouped, regrouped.head(1).with_columns(source=pl.lit("new"))])
    assert "1 source(s) have not been compared" in str(duplicates_of(workspace, more).warning())
    shutil.rmtree(workspace.duplicates.folder)
    assert "have not been looked for" in str(duplicates_of(workspace, index).warning())


def test_training_says_so(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    from fvc.training.stage import stage5_train_models

    with caplog.at_level(logging.WARNING, "fvc"), pytest.raises(MissingInputError):
        stage5_train_models(project, model_types=("logistic_regression",), n_splits=2, workers=1)
    assert "stand in different groups" in caplog.text


def test_options_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    for wrong in ({"threshold": 97}, {"threshold": -1}, {"min_share": 0.0}, {"min_share": 1.1},
                  {"num_frames": 0}, {"sheet_pairs": -1}):  # fmt: skip
        with pytest.raises(OptionError, match=next(iter(wrong))):
            find_duplicates(tmp_path, **wrong)  # type: ignore[arg-type]
    with pytest.raises(MissingInputError, match="fvc setup"):
        find_duplicates(tmp_path)


def test_a_merge_does_not_write_while_setup_does(project: Path) -> None:
    lock = PartLock(Workspace(project).setup_lock, Part(), "setup")
    with lock.gate():
        lock.acquire()
    try:
        with pytest.raises(LockedError):
            find_duplicates(project, merge=True, run=QUIET)
    finally:
        lock.release()


def test_the_sheet_shows_pairs_and_loads_nothing(made: Path) -> None:
    workspace = Workspace(made)
    text = workspace.duplicate_sheet.read_text(encoding="utf-8")
    pairs = read_table(workspace.duplicate_pairs)
    assert text.count("<section") == min(100, pairs.height)
    assert text.count('src="data:image/jpeg;base64,') == text.count("<img") > 2 * pairs.height
    assert "http://" not in text
    assert "https://" not in text
    assert "no picture could be taken" not in text


def test_names_on_the_sheet_are_text_and_lost_pictures_are_said() -> None:
    evil = "<script>alert('x')</script>\"&"
    shots = {"shot_a": Shot(f"/v/{evil}.mp4", (0.5,)), "shot_b": Shot("/v/b.mp4", (1.25,))}
    row = {
        "source_a": evil, "source_b": "b", "group_a": evil, "group_b": "b<i>", "label_a": 0,
        "label_b": 1, "same_group": False, "matching_frames": 3, "frames": 12, "distance": 7.5,
        "transform": "mirror", **shots,
    }  # fmt: skip
    text = make_sheet([row], {shots["shot_a"]: [b"jpeg"]}, heading=evil, notes=[evil])
    assert "<script" not in text
    assert "<i>" not in text
    assert "&lt;script&gt;" in text
    assert text.count("no picture could be taken") == 1
    assert "3 of 12 frames, 7.5 bits apart, mirror" in text
    assert "0.50 s" in text


def test_a_turned_copy_is_compared_as_it_is_shown(corpus: Path) -> None:
    """A rotation flag turns the picture that a player shows, and so its hash."""
    import av

    from fvc.dataset.hash_stage import upright_luma

    with av.open(str(corpus / "real/original.mp4")) as file:
        frame = next(file.decode(video=0))
    plain = upright_luma(frame)
    assert plain.shape == (120, 214)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fvc.video.standardising.orientation", lambda _frame: (1, False))
        assert (upright_luma(frame) == np.rot90(plain, -1)).all()
        patch.setattr("fvc.video.standardising.orientation", lambda _frame: (0, True))
        assert (upright_luma(frame) == plain[:, ::-1]).all()


def test_the_verb_prints_json_and_writes_its_options(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fvc(["duplicates", "--project", str(project), "--json", "--workers", "1"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["n_sources"] == 19
    assert document["n_flat"] == 3
    assert document["n_across"] == document["n_pairs"] == len(pairs_of(project))
    assert document["settings"] == {"threshold": 64, "min_share": 0.4, "num_frames": 12}
    assert (project / "data/duplicates/duplicates.yaml").is_file()
    assert fvc(["duplicates", "--project", str(project), "--threshold", "200"]) == 2


@pytest.mark.real_clips
def test_real_clips_hold_no_pair_across_their_groups(real_clips: Path, tmp_path: Path) -> None:
    setup_dataset(tmp_path, corpus=real_clips, workers=2)
    report = find_duplicates(tmp_path, run=QUIET, sheet_pairs=0)
    assert report.n_across == 0
    assert report.n_pairs >= 9
