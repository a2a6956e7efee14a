"""Scaling by autoencoder: a small one made from a config, and one that changes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fvc.errors import DataError, MissingInputError
from fvc.scaling import stage3_scale_videos
from fvc.scaling.autoencoder import Colours, find_autoencoder, redraw_video
from fvc.scaling.work import scale_video
from fvc.stages import RunOptions
from fvc.tables import ScaledSchema, check, read_table, write_table
from fvc.video import decode, luma_plane, probe
from fvc.workspace import Workspace

MakeVideo = Callable[..., Path]


class Identity:
    """An autoencoder that draws what it sees."""

    batch_size = 3

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        self.batches.append(len(frames))
        return frames


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    blocks = 3
    net = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks,
        block_out_channels=(4, 8, 8),
        norm_num_groups=2,
        latent_channels=4,
        sample_size=32,
    )
    path = tmp_path_factory.mktemp("autoencoder")
    net.save_pretrained(path)
    return path


def test_what_is_drawn_as_it_was_is_the_plain_scaling(
    tmp_path: Path, make_video: MakeVideo
) -> None:
    source = make_video(tmp_path / "a.mp4", frames=7, width=128, height=72)
    plain, drawn = tmp_path / "plain.mp4", tmp_path / "drawn.mp4"
    expected = scale_video(source, plain, 64)
    identity = Identity()
    size, out = redraw_video(source, drawn, 64, identity)  # type: ignore[arg-type]
    assert size == (128, 72)
    assert (out.width, out.height, out.frame_count) == (64, 36, 7)
    assert out.fps == pytest.approx(expected.fps)
    assert identity.batches == [3, 3, 1]
    pairs = list(zip(decode(plain), decode(drawn), strict=True))
    for one, other in pairs:
        assert one.time == other.time
        assert int(one.colorspace) == int(other.colorspace)
        difference = luma_plane(one).astype(int) - luma_plane(other)
        assert np.abs(difference).mean() < 1.5
        assert abs(difference.mean()) < 0.5


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
def test_colours_survive_the_way_to_rgb_and_back(
    tmp_path: Path, make_video: MakeVideo, matrix: str
) -> None:
    path = make_video(tmp_path / "a.mp4", frames=1, options={"colorspace": matrix})
    (frame,) = decode(path)
    frame.colorspace = {"bt709": 1, "smpte170m": 6}[matrix]
    colours = Colours()
    back = colours.of_rgb(colours.to_rgb(frame), frame)
    assert (back.pts, back.time_base) == (frame.pts, frame.time_base)
    difference = frame.to_ndarray().astype(int) - back.to_ndarray()
    height = frame.height
    for plane in (difference[:height], difference[height:]):
        assert abs(plane.mean()) < 0.5
        assert np.abs(plane).mean() < 6  # chroma is halved again, and noise is all edges
    # Of the same samples the two matrices make different colours.
    frame.colorspace = 7 - int(frame.colorspace)
    other = Colours().to_rgb(frame).astype(int)
    frame.colorspace = 7 - int(frame.colorspace)
    assert np.abs(other - Colours().to_rgb(frame)).mean() > 0.5


@pytest.mark.slow
def test_any_size_is_drawn_in_batches_that_do_not_matter(folder: Path) -> None:
    import torch

    from fvc.scaling.autoencoder import Autoencoder

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    for height, width in ((36, 64), (22, 30), (32, 32)):
        frames = rng.integers(0, 256, (5, height, width, 3), dtype=np.uint8)
        drawn = Autoencoder(folder, batch_size=8)(frames)
        assert drawn.shape == frames.shape
        assert drawn.dtype == np.uint8
        one_by_one = Autoencoder(folder, batch_size=1)(frames)
        assert np.abs(drawn.astype(int) - one_by_one).max() <= 1
        np.testing.assert_array_equal(Autoencoder(folder, batch_size=8)(frames), drawn)
    # The whole way by hand, for a size that needs no edges.
    x = torch.from_numpy(frames).permute(0, 3, 1, 2) / 127.5 - 1
    net = Autoencoder(folder)._net
    by_hand = net.decode(net.encode(x).latent_dist.mean).sample
    expected = ((by_hand + 1) * 127.5).clamp(0, 255).permute(0, 2, 3, 1).numpy()
    assert np.abs(drawn - expected).max() <= 0.51


@pytest.mark.slow
def test_a_batch_that_does_not_fit_is_halved(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from fvc.scaling.autoencoder import Autoencoder

    torch.set_num_threads(1)
    autoencoder = Autoencoder(folder, batch_size=8)
    frames = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3), dtype=np.uint8)
    expected = autoencoder(frames)
    draw, sizes, limit = autoencoder._draw, [], 2

    def short_of_memory(batch: np.ndarray) -> Any:
        sizes.append(len(batch))
        if len(batch) > limit:
            raise torch.OutOfMemoryError("no memory")
        return draw(batch)

    monkeypatch.setattr(autoencoder, "_draw", short_of_memory)
    assert np.abs(autoencoder(frames).astype(int) - expected).max() <= 1
    assert sizes == [8, 4, 2, 2, 2, 2, 1]
    assert autoencoder.batch_size == 2
    limit = 0
    with pytest.raises(MemoryError, match="a frame does not fit"):
        autoencoder(frames)

    def broken(batch: np.ndarray) -> Any:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(autoencoder, "_draw", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        autoencoder(frames)


@pytest.mark.slow
def test_the_stage_from_table_to_table(folder: Path, tmp_path: Path, make_video: MakeVideo) -> None:
    workspace = Workspace(tmp_path / "project")
    path = make_video(workspace.stage1.folder / "a_original.mp4", width=96, height=54, frames=4)
    row = {
        "clip": "a_original", "source": "a", "video_path": workspace.relative(path), "label": 1,
        "group": "g", "collection": None, "platform": "test", "original_video": "videos/a.mp4",
        "is_original": True, "augmentation_idx": -1, "augmentation": "original",
        "parameters": "{}", "seed": 7, "width": 96, "height": 54, "fps": 25.0, "frame_count": 4,
        "key": "key-of-a",
    }  # fmt: skip
    write_table(pl.DataFrame([row]), workspace.stage1.table("arrow"))

    def scale(**settings: Any) -> Any:
        return stage3_scale_videos(
            workspace.root, target_size=64, run=RunOptions(quiet=True), **settings
        )

    asked = {"method": "autoencoder", "autoencoder": str(folder)}
    report = scale(**asked)
    assert (report.done, report.failed) == (1, 0)
    (found,) = check(read_table(report.table), ScaledSchema, report.table).iter_rows(named=True)
    assert found["method"] == "autoencoder"
    assert (found["scaled_width"], found["scaled_height"]) == (64, 36)
    assert (found["original_width"], found["original_height"]) == (96, 54)
    assert probe(workspace.absolute(found["video_path"])).frame_count == 4
    assert scale(**asked).resumed == 1
    # Other weights, and another method, are other clips.
    assert scale().done == 1
    config = folder / "config.json"
    before = config.read_text(encoding="utf-8")
    try:
        config.write_text(before + "\n", encoding="utf-8")
        assert scale(**asked).done == 1
    finally:
        config.write_text(before, encoding="utf-8")


def test_an_autoencoder_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MissingInputError, match=r"config\.json"):
        find_autoencoder(str(tmp_path))
    (tmp_path / "config.json").write_text('{"_class_name": "UNet2DModel"}')
    (tmp_path / "diffusion_pytorch_model.safetensors").write_bytes(b"")
    with pytest.raises(DataError, match="UNet2DModel"):
        find_autoencoder(str(tmp_path))


@pytest.mark.slow
def test_without_a_network_the_files_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def unreachable(name: str, file: str) -> str:
        raise OSError(f"no network for {name}/{file}")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    with pytest.raises(MissingInputError, match=r"no network.*config\.json.*--autoencoder"):
        find_autoencoder("someone/some-autoencoder")
