"""Batches for a net: which clips stand in which update, and their frames read from the store."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from fvc.models.video_spec import VideoInput
from fvc.training.video.cache import read_frames
from fvc.training.video.frames import FLOW_ZERO
from fvc.training.video.picture import fit_pictures, flow_scale, layout


@dataclass
class Pictures:
    """Clips of one shape, in eight bits as they were stored.

    Attributes
    ----------
    frames : (b, t, h, w, 3) uint8
    boxes : (b, 4) int64
        Top, left, height and width of the picture in each.
    flow : (b, t, h, w, 2 L) uint8, optional
    scale : (b, 2) float32
        By what stored motion to the right and down grows.
    places : (b,) int64
        Which places in the batch they have.
    """

    frames: Tensor
    boxes: Tensor
    flow: Tensor | None
    scale: Tensor
    places: Tensor

    def part(self, start: int, stop: int) -> "Pictures":
        """Take some of the clips."""
        flow = None if self.flow is None else self.flow[start:stop]
        s = slice(start, stop)
        return Pictures(self.frames[s], self.boxes[s], flow, self.scale[s], self.places[s])

    def to(self, device: torch.device) -> "Pictures":
        """Move all of it to a device."""
        flow = None if self.flow is None else self.flow.to(device, non_blocking=True)
        moved = (x.to(device, non_blocking=True) for x in (self.frames, self.boxes, self.scale))
        frames, boxes, scale = moved
        return Pictures(frames, boxes, flow, scale, self.places)

    def pin_memory(self) -> "Pictures":
        """Copy to memory that a GPU reads directly."""
        flow = None if self.flow is None else self.flow.pin_memory()
        return Pictures(
            self.frames.pin_memory(), self.boxes.pin_memory(), flow, self.scale.pin_memory(),
            self.places,
        )  # fmt: skip


@dataclass
class Update:
    """The clips of one update of the weights.

    Attributes
    ----------
    shapes
        Clips by shape: one entry but for models that keep each clip's aspect.
    labels, weights : (n,) float32
        By place.
    rows : (n,) int64
        Rows of the clips.
    """

    shapes: list[Pictures]
    labels: Tensor
    weights: Tensor
    rows: Tensor

    def pin_memory(self) -> "Update":
        """Copy to memory that a GPU reads directly."""
        return Update([p.pin_memory() for p in self.shapes], self.labels, self.weights, self.rows)


@dataclass(frozen=True)
class FrameBatches(Dataset[Update]):
    """Reads the frames of clips; an index is the list of rows of one update.

    Parameters
    ----------
    files
        By stream (``"frames"``, ``"flow"``), the file of every clip.
    labels, weights
        Of every clip, shape (n,).
    form
        What the net is given.
    """

    files: Mapping[str, Sequence[str]]
    labels: NDArray[np.float32]
    weights: NDArray[np.float32]
    form: VideoInput

    def __getitem__(self, rows: Sequence[int]) -> Update:
        """Read the clips of some rows; ``~row`` stands for one that has no weight."""
        real = [max(row, ~row) for row in rows]
        of_shape: dict[tuple[int, int], list[Any]] = {}
        for place, row in enumerate(real):
            shape, read = self._read(row)
            of_shape.setdefault(shape, []).append((place, *read))
        shapes = []
        for found in of_shape.values():
            places, frames, boxes, flow, scale = zip(*found, strict=True)
            shapes.append(
                Pictures(
                    frames=torch.from_numpy(np.stack(frames)),
                    boxes=torch.tensor(boxes, dtype=torch.int64),
                    flow=None if flow[0] is None else torch.from_numpy(np.stack(flow)),
                    scale=torch.tensor(scale, dtype=torch.float32),
                    places=torch.tensor(places, dtype=torch.int64),
                )
            )
        weights = self.weights[real].copy()
        weights[[row < 0 for row in rows]] = 0.0
        return Update(
            shapes,
            torch.from_numpy(self.labels[real].copy()),
            torch.from_numpy(weights),
            torch.tensor(real, dtype=torch.int64),
        )

    def _read(self, row: int) -> tuple[tuple[int, int], tuple[Any, ...]]:
        stored = read_frames(self.files["frames"][row])
        height, width = stored.shape[1:3]
        place = layout(height, width, self.form)
        frames = fit_pictures(stored, place)
        flow = None
        if "flow" in self.files:
            flow = fit_pictures(read_frames(self.files["flow"][row]), place, fill=FLOW_ZERO)
        return place.shape, (frames, place.box, flow, flow_scale(height, width, place))


class UpdatePlan(Sampler[list[int]]):
    """Which clips stand in which update: every clip once an epoch, in an order of its own.

    The order depends on the seed and the epoch alone, so that an interrupted epoch can be taken up
    where it was left: `begin` says how many of its updates are done.

    Parameters
    ----------
    rows
        Rows of the clips.
    size
        Clips an update.
    seed
        Of the order.
    rank, ranks
        Which of several processes this is: each gets its share of every update.
    """

    def __init__(
        self, rows: NDArray[np.intp], size: int, seed: Sequence[int], rank: int = 0, ranks: int = 1
    ) -> None:
        self.rows, self.size, self.seed = rows, size, tuple(seed)
        self.rank, self.ranks = rank, ranks
        self.epoch = self.done = 0

    def begin(self, epoch: int, done: int = 0) -> None:
        """Say which epoch comes next, and how many of its updates are done."""
        self.epoch, self.done = epoch, done

    def __len__(self) -> int:
        return -(-len(self.rows) // self.size)

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng((*self.seed, self.epoch)).permutation(self.rows)
        for number in range(self.done, len(self)):
            update = order[number * self.size : (number + 1) * self.size].tolist()
            # As many for each process, at least one: they wait for each other.
            update += [~update[0]] * (-len(update) % self.ranks)
            yield update[self.rank :: self.ranks]


def update_loader(batches: FrameBatches, plan: UpdatePlan, *, workers: int, pin: bool) -> Any:
    """Make the loader of the training side.

    Parameters
    ----------
    batches
        Where frames are read from.
    plan
        Which clips stand in which update.
    workers
        Processes that read ahead; 0 reads in this one.
    pin
        Whether to copy to memory that a GPU reads directly.
    """
    return DataLoader(batches, sampler=plan, batch_size=None, pin_memory=pin, **_processes(workers))


def score_loader(
    batches: FrameBatches, rows: NDArray[np.intp], size: int, *, workers: int, pin: bool
) -> Any:
    """Make a loader that gives some rows in their order, `size` at a time."""
    parts = [rows[i : i + size].tolist() for i in range(0, len(rows), size)]
    return DataLoader(
        batches, sampler=parts, batch_size=None, pin_memory=pin, **_processes(workers)
    )


def _processes(workers: int) -> dict[str, Any]:
    if not workers:
        return {"num_workers": 0}
    # A fork of a process with threads can hang.
    return {
        "num_workers": workers,
        "multiprocessing_context": "forkserver",
        "persistent_workers": True,
        "prefetch_factor": 2,
    }
