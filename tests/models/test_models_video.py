"""One contract for every video model; torch is imported inside the tests alone."""

from typing import Any

import pytest

from fvc.errors import OptionError
from fvc.models import MODEL_CONFIGS, build_backbone, build_video_model, list_models

VIDEO = list_models(family="video")
EMBEDDING = list_models(family="embedding")

# Parameters with the published classifier, in millions.
PUBLISHED_SIZES = {"i3d": 28.0, "x3d": 3.8, "slowfast": 34.6, "r2plus1d": 31.5}
PUBLISHED_SIZES |= {"timesformer": 121.0, "vivit": 88.0, "videomae": 87.0}


def test_every_model_has_what_training_needs() -> None:
    for name in VIDEO:
        spec = MODEL_CONFIGS[name]
        assert spec.video is not None
        assert spec.training is not None
        assert spec.training.batch_size in range(1, 9)
        assert spec.training.accumulation * spec.training.batch_size == 16
        assert spec.grid[0].keys() <= vars(spec.training).keys()
        assert (spec.weights is None) == (name in ("naive_cnn", "variable_ar_cnn"))
        assert spec.parameters
        assert spec.reference
    assert MODEL_CONFIGS["x3d"].training.gradient_checkpointing
    assert MODEL_CONFIGS["two_stream"].video.flow
    assert MODEL_CONFIGS["variable_ar_cnn"].video.padding == "aspect"
    for name in EMBEDDING:
        spec = MODEL_CONFIGS[name]
        assert spec.weights is not None
        assert spec.video.mean == spec.weights.mean
        assert spec.video.std == spec.weights.std


def test_the_two_heads_share_the_tokens_they_read() -> None:
    one, other = MODEL_CONFIGS["xgboost_vit_gru"], MODEL_CONFIGS["xgboost_vit_transformer"]
    assert one.video == other.video
    assert one.embedding.backbone == other.embedding.backbone
    assert one.embedding.head != other.embedding.head


def batch(name: str, count: int = 2, seed: int = 0) -> tuple[Any, ...]:
    import torch

    video = MODEL_CONFIGS[name].tiny_video
    draw = torch.Generator().manual_seed(seed)
    frames, side = video.num_frames, video.size
    sides = (side, side) if video.padding == "square" else (side * 9 // 16 // 4 * 4, side)
    clips = torch.randn(count, 3, frames, *sides, generator=draw)
    if not video.flow:
        return (clips,)
    flow = torch.randn(count, frames, 2 * video.flow_length, *sides, generator=draw)
    return clips, flow


@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEO)
def test_forward_gives_a_logit_a_clip_and_all_parameters_learn(name: str) -> None:
    import torch

    torch.set_num_threads(1)
    net = build_video_model(name, weights="none", tiny=True)
    assert net.training
    assert net.loaded_weights.random
    logits = net(*batch(name))
    assert logits.shape == (2,)
    assert logits.isfinite().all()
    torch.nn.functional.softplus(logits * torch.tensor([1.0, -1.0])).sum().backward()
    without = [k for k, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []
    parts = [*net.head_parameters(), *net.backbone_parameters()]
    assert {id(p) for p in parts} == {id(p) for p in net.parameters()}
    assert len(parts) == len({id(p) for p in parts})


@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEO)
def test_a_step_lowers_the_loss_of_a_separable_batch(name: str) -> None:
    import torch

    torch.set_num_threads(1)
    net = build_video_model(name, weights="none", tiny=True, dropout=0.0)
    inputs = batch(name, 4)
    labels = torch.tensor([0.0, 1.0, 0.0, 1.0])
    for each in inputs:
        each += labels.view(4, 1, 1, 1, 1)
    loss_of = torch.nn.functional.binary_cross_entropy_with_logits
    optimiser = torch.optim.AdamW(net.parameter_groups(MODEL_CONFIGS[name].training), lr=1e-3)
    torch.manual_seed(0)
    losses = []
    for _ in range(6):
        loss = loss_of(net(*inputs), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEO)
def test_saved_and_loaded_it_says_the_same(name: str, tmp_path: Any) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    torch.set_num_threads(1)
    inputs = batch(name)
    net = build_video_model(name, weights="none", tiny=True, seed=1)
    with torch.no_grad():
        net(*inputs)  # moves what batch norm keeps
        net.eval()
        before = net(*inputs)
        # A plain state dict, both ways; and the backbone alone as another training's beginning.
        torch.save(net.state_dict(), tmp_path / "model.pt")
        save_file(net.state_dict(), tmp_path / "model.safetensors")
        other = build_video_model(name, weights="none", tiny=True, seed=2).eval()
        assert not torch.equal(other(*inputs), before)
        other.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
        assert torch.equal(other(*inputs), before)
        other.load_state_dict(load_file(tmp_path / "model.safetensors"))
        assert torch.equal(other(*inputs), before)
        third = build_video_model(name, weights=tmp_path / "model.pt", tiny=True, seed=3)
    assert third.loaded_weights.kind == "file"
    assert len(third.loaded_weights.sha256) == 64
    for key, value in third.backbone.state_dict().items():
        assert torch.equal(value, net.backbone.state_dict()[key]), key


@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEO)
def test_the_seed_alone_decides_the_weights(name: str) -> None:
    import torch

    before = torch.get_rng_state()
    one = build_video_model(name, weights="none", tiny=True, seed=5).state_dict()
    torch.rand(7)
    state = torch.get_rng_state()
    other = build_video_model(name, weights="none", tiny=True, seed=5).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(before, state)
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEO)
def test_full_size_forms_have_the_stated_and_the_published_size(name: str) -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    spec = MODEL_CONFIGS[name]
    video = spec.video
    # Shapes without numbers: a forward pass of the whole network costs nothing.
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        net = build_video_model(name, weights="none").eval()
        net.checkpoint_gradients(False)
        clips = torch.empty(1, 3, video.num_frames, video.size, video.size)
        flow = torch.empty(1, video.num_frames, 2 * video.flow_length, video.size, video.size)
        logits = net(clips, flow) if video.flow else net(clips)
    assert logits.shape == (1,)
    parameters = sum(p.numel() for p in net.parameters())
    assert parameters == spec.parameters
    assert counter.get_total_flops() / 1e9 == pytest.approx(spec.gflops, abs=0.06)
    if name in PUBLISHED_SIZES:
        classifier = net.backbone.token_size * 400 + 400
        head = sum(p.numel() for p in net.head_parameters())
        millions = (parameters - head + classifier) / 1e6
        assert millions == pytest.approx(PUBLISHED_SIZES[name], abs=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEO)
def test_full_size_forms_run(name: str) -> None:
    import torch

    torch.set_num_threads(2)
    video = MODEL_CONFIGS[name].video
    net = build_video_model(name, weights="none").eval()
    # Networks that do not fix their input get a smaller one: the same weights, a part of the time.
    side = video.size if name in ("timesformer", "vivit", "videomae") else 96
    frames = 2 if name.startswith("vit_") else video.num_frames
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        clips = torch.randn(1, 3, frames, side, side, generator=draw)
        flow = torch.randn(1, video.num_frames, 2 * video.flow_length, side, side, generator=draw)
        logits = net(clips, flow) if video.flow else net(clips)
    assert logits.shape == (1,)
    assert logits.isfinite().all()


@pytest.mark.slow
@pytest.mark.parametrize("name", EMBEDDING)
def test_backbones_give_frozen_tokens_of_the_stated_shape(name: str) -> None:
    import torch

    spec = MODEL_CONFIGS[name]
    wanted = spec.embedding
    with torch.device("meta"):
        net = build_backbone(wanted.backbone, weights="none")
        side, frames = spec.video.size, spec.video.num_frames
        tokens = net(torch.empty(2, 3, frames, side, side))
    assert tokens.shape == (2, wanted.num_tokens, wanted.token_size)
    assert net.token_size == wanted.token_size
    tiny = build_backbone(wanted.backbone, weights="none", tiny=True)
    assert not any(p.requires_grad for p in tiny.parameters())
    tiny.train()
    assert not any(module.training for module in tiny.modules())
    clips = batch(name)[0]
    assert tiny(clips).shape[::2] == (2, tiny.token_size)
    # What else is in a batch changes nothing.
    torch.testing.assert_close(tiny(clips)[:1], tiny(clips[:1]), atol=1e-5, rtol=1e-4)


@pytest.mark.slow
def test_gradient_checkpointing_changes_nothing_but_memory() -> None:
    import torch

    torch.set_num_threads(1)
    for name in ("x3d", "slowfast", "r2plus1d", "vit_gru", "timesformer", "vivit", "videomae"):
        found = []
        for on in (False, True):
            net = build_video_model(name, weights="none", tiny=True, dropout=0.0)
            net.checkpoint_gradients(on)
            torch.manual_seed(0)
            net(*batch(name)).sum().backward()
            buffers = {key: value.clone() for key, value in net.named_buffers()}
            found.append(({key: p.grad for key, p in net.named_parameters()}, buffers))
        for plain, again in zip(*found, strict=True):
            for key in plain:
                torch.testing.assert_close(plain[key], again[key], atol=1e-5, rtol=1e-4)


@pytest.mark.slow
def test_batch_norm_of_loaded_weights_stays_frozen(tmp_path: Any) -> None:
    import torch

    torch.set_num_threads(1)
    inputs = batch("i3d")
    first = build_video_model("i3d", weights="none", tiny=True)
    learning = {name for name, p in first.named_parameters() if p.requires_grad}
    assert learning == {name for name, _ in first.named_parameters()}
    torch.save(first.state_dict(), tmp_path / "model.pt")
    net = build_video_model("i3d", weights=tmp_path / "model.pt", tiny=True)
    before = {key: value.clone() for key, value in net.named_buffers()}
    net.eval()
    net.train()
    net(*inputs).sum().backward()
    assert all(torch.equal(value, before[key]) for key, value in net.named_buffers())
    frozen = {name for name, p in net.named_parameters() if not p.requires_grad}
    assert frozen == {name for name in learning if "norm" in name}
    groups = net.parameter_groups(MODEL_CONFIGS["i3d"].training)
    assert [(group["name"], group["lr"]) for group in groups] == [
        ("head", 5e-4),
        ("backbone", 5e-6),
    ]
    assert sum(len(group["params"]) for group in groups) == len(learning) - len(frozen)
    net.freeze_batch_norm(False)
    net(*inputs)
    assert not all(torch.equal(value, before[key]) for key, value in net.named_buffers())
    # A backbone with random weights learns at the head's rate.
    groups = first.parameter_groups(MODEL_CONFIGS["i3d"].training)
    assert [group["lr"] for group in groups] == [5e-4, 5e-4]


@pytest.mark.slow
def test_clips_keep_their_own_shape() -> None:
    import torch

    net = build_video_model("variable_ar_cnn", weights="none", tiny=True).eval()
    for sides in ((64, 144), (144, 64), (32, 256)):
        assert net(torch.zeros(1, 3, 8, *sides)).shape == (1,)


@pytest.mark.slow
def test_two_streams_need_flow_and_take_the_camera_out_of_it() -> None:
    import torch

    from fvc.models.video.two_stream import LARGEST_FLOW, centred

    net = build_video_model("two_stream", weights="none", tiny=True).eval()
    clips, flow = batch("two_stream")
    with pytest.raises(OptionError, match="takes optical flow of shape"):
        net(clips)
    with pytest.raises(OptionError, match="takes optical flow of shape"):
        net(clips, flow[:, :, :1])
    torch.testing.assert_close(net(clips, flow), net(clips, flow + 7), atol=1e-4, rtol=1e-3)
    flow[..., :20] = 0  # a bar
    centre = centred(flow)
    assert not centre[..., :20].any()
    torch.testing.assert_close(
        centre[..., 20:].mean(dim=(3, 4)), torch.zeros(2, 3, 20), atol=1e-6, rtol=0
    )
    flow[0, 0, 0, 0, 30] = 1000
    assert centred(flow).max() == 1
    assert LARGEST_FLOW == 20


@pytest.mark.slow
def test_slowfast_gives_each_pathway_its_frames() -> None:
    import torch

    from fvc.models.video.slowfast import SlowFast

    net = SlowFast(8, (1, 1, 1, 1)).eval()
    seen: dict[str, Any] = {}
    for number, name in enumerate(("slow", "fast")):
        stem = net.blocks[0].multipathway_blocks[number]
        stem.register_forward_pre_hook(lambda _, given, name=name: seen.update({name: given[0]}))
    clips = torch.arange(32.0).view(1, 1, 32, 1, 1).expand(1, 3, 32, 32, 32)
    maps = net.maps(clips)
    assert seen["fast"][0, 0, :, 0, 0].tolist() == list(range(32))
    # What PyTorchVideo's own PackPathway takes.
    assert seen["slow"][0, 0, :, 0, 0].tolist() == [0, 4, 8, 13, 17, 22, 26, 31]
    assert [slow.shape[2] for slow, _ in maps] == [8] * 4
    assert [fast.shape[2] for _, fast in maps] == [32] * 4


@pytest.mark.slow
def test_what_attention_and_scales_add_is_used() -> None:
    import torch

    for name in ("slowfast_attention", "slowfast_multiscale"):
        net = build_video_model(name, weights="none", tiny=True).eval()
        clips = batch(name)[0]
        whole = net(clips)
        plain = net.backbone.token_size
        with torch.no_grad():
            net.head.linear.weight[:, plain:] = 0
        assert not torch.allclose(net(clips), whole)


def test_wrong_requests_are_answered() -> None:
    with pytest.raises(OptionError, match="svm is not a video model"):
        build_video_model("svm")
    with pytest.raises(OptionError, match="did you mean 'x3d'"):
        build_video_model("x3")
    with pytest.raises(OptionError, match="unknown backbone 'resnet'"):
        build_backbone("resnet")
    with pytest.raises(OptionError, match="tiny form of x3d has no pretrained weights"):
        build_video_model("x3d", tiny=True)
