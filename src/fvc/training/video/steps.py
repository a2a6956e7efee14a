"""One update of a net's weights, in as many steps as the memory asks for; and scoring."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.modules.batchnorm import _BatchNorm

from fvc.errors import OptionError
from fvc.models.video_spec import VideoInput
from fvc.training.video.frames import FLOW_STEPS, FLOW_ZERO
from fvc.training.video.loading import FrameBatches, Pictures, Update, score_loader

logger = logging.getLogger("fvc.training")


@dataclass
class MicroBatch:
    """How many clips go through a net at a time; shrinks when they do not fit into memory.

    Attributes
    ----------
    size
        Clips.
    asked
        Clips at the beginning.
    """

    size: int
    asked: int

    def shrink(self, net: torch.nn.Module, error: torch.OutOfMemoryError) -> None:
        """Halve it, where this leaves the result as it is.

        Raises
        ------
        OptionError
            One clip alone does not fit, or the net's batch norm would see other statistics.
        """
        if self.size == 1:
            raise OptionError(
                "one clip alone does not fit into the memory: take a smaller model, fewer frames, "
                "or --device cpu"
            ) from error
        if any(isinstance(m, _BatchNorm) and m.training for m in net.modules()):
            raise OptionError(
                f"a batch of {self.size} clips does not fit into the memory, and smaller ones "
                f"would change what batch norm learns: choose --batch-size {self.size // 2}"
            ) from error
        self.size //= 2
        logger.warning(
            "out of memory: %d clips a step from now on, in more steps; an update is still of as "
            "many clips",
            self.size,
        )


def as_clips(pictures: Pictures, form: VideoInput) -> tuple[Tensor, Tensor | None]:
    """Make a net's input of stored pictures: normalised, 0 in bars, flow in pixels.

    Returns
    -------
    (b, 3, t, h, w) float32, and (b, t, 2 L, h, w) float32 or None
    """
    frames = pictures.frames
    device = frames.device
    mean = torch.tensor(form.mean, device=device) * 255.0
    std = torch.tensor(form.std, device=device) * 255.0
    clips = ((frames.to(torch.float32) - mean) / std).permute(0, 4, 1, 2, 3)
    height, width = frames.shape[2:4]
    top, left, tall, wide = (pictures.boxes[:, i].view(-1, 1) for i in range(4))
    rows = torch.arange(height, device=device)
    columns = torch.arange(width, device=device)
    inside = ((rows >= top) & (rows < top + tall))[:, :, None] & (
        (columns >= left) & (columns < left + wide)
    )[:, None, :]
    clips = clips * inside[:, None, None]
    if pictures.flow is None:
        return clips, None
    flow = (pictures.flow.to(torch.float32) - FLOW_ZERO) / FLOW_STEPS
    pairs = flow.shape[-1] // 2
    scale = pictures.scale.repeat(1, pairs).view(-1, 1, 1, 1, 2 * pairs)
    return clips, (flow * scale).permute(0, 1, 4, 2, 3)


def seed_step(*numbers: int) -> None:
    """Seed torch's generator for one update: dropout is the same wherever a fit is taken up.

    Only within `torch.random.fork_rng`.
    """
    digest = blake2b(repr(numbers).encode(), digest_size=7).digest()
    torch.manual_seed(int.from_bytes(digest, "big"))


def micro_batches(update: Update, size: int) -> Iterator[Pictures]:
    """Cut an update into parts of one shape and at most `size` clips."""
    for pictures in update.shapes:
        for start in range(0, len(pictures.places), size):
            yield pictures.part(start, start + size)


def backward(
    fabric: Fabric,
    net: Any,
    update: Update,
    form: VideoInput,
    micro: MicroBatch,
    seed: tuple[int, ...],
) -> float:
    """Add up the gradients of one update; with less at a time where memory runs out.

    Parameters
    ----------
    fabric
        Where it runs.
    net
        The module as `fabric` set it up.
    update
        The clips.
    form
        What the net is given.
    micro
        Clips at a time.
    seed
        Of dropout.

    Returns
    -------
    float
        The update's loss: the mean over its clips of weighted cross-entropies.
    """
    while True:
        try:
            return _backward(fabric, net, update, form, micro.size, seed)
        except torch.OutOfMemoryError as error:
            if fabric.world_size > 1:
                raise OptionError(
                    f"{micro.size} clips do not fit into the memory of one of {fabric.world_size} "
                    "devices: choose a smaller --batch-size"
                ) from error
            micro.shrink(net, error)
        net.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _backward(
    fabric: Fabric, net: Any, update: Update, form: VideoInput, size: int, seed: tuple[int, ...]
) -> float:
    seed_step(*seed)
    count = len(update.labels)
    parts = list(micro_batches(update, size))
    total = 0.0
    for number, part in enumerate(parts):
        part = part.to(fabric.device)
        labels = update.labels[part.places].to(fabric.device)
        weights = update.weights[part.places].to(fabric.device)
        with fabric.no_backward_sync(net, enabled=number < len(parts) - 1):
            clips, flow = as_clips(part, form)
            logits = net(clips) if flow is None else net(clips, flow)
            losses = binary_cross_entropy_with_logits(logits.float(), labels, reduction="none")
            loss = (losses * weights).sum() / count
            fabric.backward(loss)
        total += float(loss.detach())
    if not math.isfinite(total):
        raise ValueError("the loss is no longer a number: try a lower learning rate")
    return total


@torch.no_grad()
def score(
    fabric: Fabric,
    net: Any,
    batches: FrameBatches,
    rows: NDArray[np.intp],
    micro: MicroBatch,
    *,
    workers: int = 0,
) -> NDArray[np.float64]:
    """Score clips.

    Returns
    -------
    (n,) float64
        Logits of fake, in the order of `rows`.
    """
    was_training = net.training
    net.eval()
    logits = np.empty(len(rows))
    start = 0
    pin = fabric.device.type == "cuda"
    for update in score_loader(batches, rows, micro.size, workers=workers, pin=pin):
        found = _score(fabric, net, update, batches.form, micro)
        logits[start : start + len(found)] = found
        start += len(found)
    net.train(was_training)
    return logits


def _score(
    fabric: Fabric, net: Any, update: Update, form: VideoInput, micro: MicroBatch
) -> NDArray[np.float64]:
    found = torch.empty(len(update.labels), dtype=torch.float64)
    while True:
        try:
            for part in micro_batches(update, micro.size):
                part = part.to(fabric.device)
                clips, flow = as_clips(part, form)
                logits = net(clips) if flow is None else net(clips, flow)
                found[part.places] = logits.double().cpu()
            return found.numpy()
        except torch.OutOfMemoryError as error:
            micro.shrink(net, error)
