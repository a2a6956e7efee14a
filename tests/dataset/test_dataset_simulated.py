import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyzipper
from sklearn.metrics import roc_auc_score

from fvc.dataset import SetupReport, make_simulated_archives, setup_dataset
from fvc.dataset.passwords import PUBLISHED_PASSWORD
from fvc.dataset.rendering import render_clip
from fvc.dataset.scenes import Camera, Shot, Splice, shoot
from fvc.dataset.simulated import _plan
from fvc.errors import OptionError
from fvc.tables import read_table

CAMERA = Camera(blur=0.6, read_noise=3.0, shot_noise=0.2, pattern=0.02, seed=5)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    make_simulated_archives(folder / "archive", num_sources=12, seed=3)
    return folder


@pytest.fixture(scope="module")
def report(project: Path) -> SetupReport:
    return setup_dataset(project)


def test_archives_have_the_corpus_s_shape_and_both_ciphers(project: Path) -> None:
    names = ("FVC1.zip", "FVC2.zip", "FVC3.zip", "Metadata.zip")
    assert sorted(p.name for p in (project / "archive").iterdir()) == list(names)
    methods = set()
    for name in names:
        # Independent readers have to like them, too.
        with pyzipper.AESZipFile(project / "archive" / name) as archive:
            archive.setpassword(PUBLISHED_PASSWORD.encode())
            assert all(entry.flag_bits & 1 for entry in archive.infolist())
            if name != "FVC2.zip":  # at the standard library's ZipCrypto speed
                assert archive.testzip() is None
        with zipfile.ZipFile(project / "archive" / name) as archive:
            methods |= {entry.compress_type for entry in archive.infolist()}
            if name != "Metadata.zip":
                parts = [entry.filename.split("/") for entry in archive.infolist()]
                assert all(p[0] in ("youtube", "facebook", "twitter") for p in parts)
                assert all(p[2] in ("video.mp4", "video.mkv", "video.webm") for p in parts)
    assert 99 in methods
    assert len(methods) > 1


def test_setup_takes_them_and_calls_them_simulated(project: Path, report: SetupReport) -> None:
    assert report.simulated
    assert report.exit_code == 0
    assert report.by_label == {"real": 6, "fake": 6}
    assert report.summary().startswith("SIMULATED")
    assert all(name.startswith("simulated-FVC") for name in report.by_collection)
    assert report.to_dict()["simulated"] is True
    assert [item.kind for item in report.left_out] == ["label_not_kept"]
    assert report.mixed_cascades
    assert len(report.in_several_cascades) == 1
    assert report.n_groups < report.n_sources
    index = read_table(project / "data" / "video_index_input.csv")
    assert index["collection"].str.starts_with("simulated-").all()
    assert set(index["subset"]) == {"FVC", "FVC_dup"}


def test_clips_differ_in_size_rate_and_codec(project: Path, report: SetupReport) -> None:
    index = read_table(report.index_csv)
    assert index["width"].n_unique() > 4
    assert index["fps"].round(1).n_unique() > 2
    assert set(index["codec_name"]) == {"h264", "vp9"}
    assert index["duration_sec"].is_between(1.5, 2.6).all()


def test_how_a_clip_was_made_does_not_give_its_label_away() -> None:
    uploads = [u for u in _plan(60, 0, Path()) if u.label != "uncertain"]
    labels = [u.label == "fake" for u in uploads]
    assert sum(labels) == 30
    technique = {
        "width": [u.clip.shot.width for u in uploads],
        "rate": [float(u.clip.fps) for u in uploads],
        "frames": [u.clip.shot.frames for u in uploads],
        "quality": [u.clip.quality for u in uploads],
        "interval": [u.clip.keyframe_interval for u in uploads],
        "webm": [u.clip.path.suffix == ".webm" for u in uploads],
        "youtube": [u.platform == "youtube" for u in uploads],
        "archive": [u.archive for u in uploads],
    }
    technique["archive"] = [int(str(name)[-1]) for name in technique["archive"]]
    for name, values in technique.items():
        assert roc_auc_score(labels, values) == pytest.approx(0.5, abs=0.14), name


def test_no_scene_or_camera_is_in_two_groups_that_are_not_joined() -> None:
    uploads = _plan(60, 0, Path())
    scenes: dict[int, set[str]] = {}
    for upload in uploads:
        scenes.setdefault(upload.clip.shot.scene_seed, set()).add(upload.cascades[0])
    assert all(len(cascades) == 1 for cascades in scenes.values())
    assert len(scenes) == 48


def test_a_splice_quietens_its_region_and_nothing_else() -> None:
    shot = Shot(width=160, height=120, frames=4, scene_seed=1, camera=CAMERA)
    splice = Splice(area=0.2, scale=0.5, kept_noise=0.0, seed=9)
    real, fake = (
        np.stack(list(shoot(s))).astype(float) for s in (shot, replace(shot, splice=splice))
    )
    changed = np.abs(real - fake).max(axis=(0, 3)) > 0
    assert 0.15 < changed.mean() < 0.3
    # Differences of neighbours are mostly noise here.
    rough = np.abs(np.diff(fake[..., 1], axis=2)).mean(axis=0)
    rough_real = np.abs(np.diff(real[..., 1], axis=2)).mean(axis=0)
    inside = changed[:, 1:] & changed[:, :-1]
    assert np.median(rough[inside]) < 0.6 * np.median(rough_real[inside])
    assert np.array_equal(rough[~changed[:, 1:] & ~changed[:, :-1]],
                          rough_real[~changed[:, 1:] & ~changed[:, :-1]])  # fmt: skip


def test_a_sensor_s_pattern_stays_from_frame_to_frame() -> None:
    flat = Shot(width=96, height=96, frames=2, scene_seed=4, camera=replace(CAMERA, pattern=0.2))
    first, second = (f.astype(float)[..., 1] for f in shoot(flat))
    residuals = [f - np.roll(f, 1, axis=1) for f in (first, second)]
    assert np.corrcoef(*(r.ravel() for r in residuals))[0, 1] > 0.5


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize("several", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_the_same_clip_gives_the_same_bytes(tmp_path: Path, ending: str, several: int) -> None:
    # Whole clips, and several: over a few frames an encoder that looks ahead shows no difference.
    clips = [u.clip for u in _plan(24, 0, tmp_path) if u.clip.path.suffix == ending][:several]
    assert len(clips) == several
    for clip in clips:
        once, again = (render_clip(replace(clip, path=tmp_path / n / f"v{ending}")) for n in "ab")
        assert once.read_bytes() == again.read_bytes()


def test_too_few_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="12 or more"):
        make_simulated_archives(tmp_path, num_sources=5)
