"""The clips that models read as frames, in the order in which tabular models read theirs."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fvc.errors import NothingLeftError, StaleError, TableError
from fvc.stages import RunOptions
from fvc.tables import ScaledSchema, check, read_table, require_table
from fvc.training.clips import Clips, Sources
from fvc.training.video.cache import FrameStore, make_frames
from fvc.training.video.frames import FrameSetting
from fvc.training.video.options import VideoOptions
from fvc.workspace import Workspace

STREAMS = ("frames", "flow")
"""What a net may look at: pictures always, and optical flow."""


@dataclass(frozen=True)
class VideoClips(Clips):
    """Clips whose frames, or flow, lie in stores; there are no feature columns.

    Attributes
    ----------
    files : dict of str to tuple of str
        By stream (``"frames"``, ``"flow"``) the file of each clip.
    keys : dict of str to tuple of str
        By stream, what the file of each clip was made of.
    options
        How nets are fitted.
    """

    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: VideoOptions = field(default_factory=VideoOptions)

    @property
    def inputs(self) -> NDArray[Any]:
        """The files of each clip, shape (n, streams): frames, and flow where there is one."""
        return as_inputs(self.files)

    def digest(self) -> str:
        """Hash of everything that training reads."""
        own = (
            f"{super().digest()}{sorted(self.keys.items())}{sorted(self.options.to_dict().items())}"
        )
        return hashlib.sha256(own.encode()).hexdigest()[:32]


def as_inputs(files: Mapping[str, Sequence[str]]) -> NDArray[Any]:
    """Put the files of clips side by side, shape (n, streams): what nets are given as rows."""
    return np.array([files[stream] for stream in STREAMS if stream in files], dtype=object).T


def as_files(inputs: NDArray[Any]) -> dict[str, tuple[str, ...]]:
    """Give the files of clips by stream; the inverse of `as_inputs`."""
    return {stream: tuple(inputs[:, i]) for i, stream in enumerate(STREAMS[: inputs.shape[1]])}


def read_scaled(workspace: Workspace, sources: Sources) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Read the scaled clips of a split's sources, sorted by source and variant.

    Returns
    -------
    (DataFrame, dict)
        Stage 3's rows with ``position``, that of the source in `Sources`; and what was left out.

    Raises
    ------
    MissingInputError
        Stage 3 has not run.
    StaleError
        Its labels are not those of the split.
    NothingLeftError
        No source of the split has a clip.
    """
    path = require_table(workspace.stage3)
    table = check(read_table(path), ScaledSchema, path)
    position = pl.DataFrame({
        "source": sources.names,
        "position": np.arange(len(sources.names), dtype=np.int32),
        "wanted": sources.labels,
    })  # fmt: skip
    known = table.join(position, on="source", how="inner")
    other = known.filter(pl.col("label") != pl.col("wanted"))
    if other.height:
        raise StaleError(
            f"source {other['source'][0]!r} has another label in this table than in the index",
            path=path,
            remedy="Run the stages again: `fvc run`",
        )
    if not known.height:
        raise NothingLeftError("no source of the index has a scaled clip")
    notes = {
        "clips_in_table_3": table.height,
        "clips_of_sources_outside_the_index": table.height - known.height,
    }
    return known.drop("wanted").sort("position", "augmentation_idx", "clip"), notes


def read_video_clips(
    workspace: Workspace,
    sources: Sources,
    settings: Mapping[str, FrameSetting],
    options: VideoOptions,
    *,
    workers: int,
    run: RunOptions | None = None,
) -> VideoClips:
    """Put the frames of all clips by, and list them.

    A clip of which a stream could not be made has failed and is left out.

    Parameters
    ----------
    workspace
        The project.
    sources
        The sources of the split.
    settings
        By stream, which frames.
    options
        How nets are fitted.
    workers
        Processes that decode.
    run
        How they run; by default so many processes on this machine.
    """
    rows, notes = read_scaled(workspace, sources)
    run = run or RunOptions(workers=workers)
    stores = {
        stream: make_frames(workspace, rows, setting, options=run)
        for stream, setting in settings.items()
    }
    for store in stores.values():
        rows = rows.join(store.table.select("clip"), on="clip", how="semi", maintain_order="left")
    if not rows.height:
        raise NothingLeftError("the frames of not one clip could be taken")
    return _clips(rows, stores, notes, options, require_table(workspace.stage3))


def _clips(
    rows: pl.DataFrame,
    stores: Mapping[str, FrameStore],
    notes: dict[str, Any],
    options: VideoOptions,
    path: Path,
) -> VideoClips:
    names = rows["clip"].to_list()
    keys = {}
    for stream, store in stores.items():
        known = dict(zip(store.table["clip"], store.table["key"], strict=True))
        keys[stream] = tuple(known[name] for name in names)
    carried = carry(rows, notes, path)
    return VideoClips(
        **carried,
        X=np.empty((len(names), 0), dtype=np.float32),
        feature_names=[],
        files={stream: tuple(store.paths(names)) for stream, store in stores.items()},
        keys=keys,
        options=options,
    )


def carry(rows: pl.DataFrame, notes: dict[str, Any], path: Path) -> dict[str, Any]:
    """Give the fields of `Clips` that say whose a clip is.

    Raises
    ------
    TableError
        A source has two unaugmented copies.
    """
    source = rows["position"].to_numpy().astype(np.int32)
    original = (rows["augmentation_idx"] == -1).to_numpy()
    twice = np.flatnonzero(np.bincount(source[original]) > 1)
    if len(twice):
        name = rows.filter(pl.col("position") == int(twice[0]))["source"][0]
        raise TableError(path, f"source {name!r} has more than one unaugmented copy")
    return {
        "source": source,
        "original": original,
        "clip": rows["clip"],
        "kind": rows["augmentation"].fill_null("original"),
        "notes": {**notes, "sources_with_clips": len(np.unique(source[original]))},
    }
