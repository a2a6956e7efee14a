"""What nets and embedding models are given of platforms' clips."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from fvc.inference.measuring import Recipe
from fvc.inference.platform_frames import take_platform_frames
from fvc.models import ModelSpec
from fvc.stages import RunOptions, StageReport
from fvc.training.clips import Clips
from fvc.training.trained import check_weights
from fvc.training.video.clips import VideoClips
from fvc.training.video.embedding import embed_clips
from fvc.training.video.options import VideoOptions
from fvc.training.video.reading import frame_settings
from fvc.workspace import Workspace


def take_frames(
    workspace: Workspace,
    spec: ModelSpec,
    files: pl.DataFrame,
    recipe: Recipe,
    options: VideoOptions,
    run: RunOptions,
) -> tuple[StageReport, Callable[[pl.DataFrame], VideoClips]]:
    """Take the frames that a model looks at.

    Parameters
    ----------
    workspace, spec, files, recipe, run
        As in `take_platform_frames`.
    options
        How the model was trained.

    Returns
    -------
    (StageReport, callable)
        What was done, and what makes clips of the stage's table, row by row.
    """
    streams = frame_settings(options.form(spec))
    report = take_platform_frames(workspace, files, recipe=recipe, streams=streams, run=run)

    def stored(table: pl.DataFrame) -> VideoClips:
        paths = {
            name: tuple(str(workspace.absolute(path)) for path in table[f"{name}_path"])
            for name in streams
        }
        n = table.height
        return VideoClips(
            X=np.empty((n, 0), dtype=np.float32),
            feature_names=[],
            source=np.zeros(n, dtype=np.int32),
            original=np.ones(n, dtype=np.bool_),
            clip=table["clip"],
            kind=table["transformation"],
            files=paths,
            keys={name: tuple(table["key"]) for name in streams},
            options=options,
        )

    return report, stored


def embed(
    workspace: Workspace, spec: ModelSpec, trained: Mapping[str, Any], clips: VideoClips
) -> Clips:
    """Embed the clips that are not embedded yet.

    Raises
    ------
    StaleError
        The backbone has other weights than the model was trained with.
    """
    found = embed_clips(spec, workspace, clips, store=workspace.platform_embeddings)
    check_weights(spec, trained, str(found.notes["embedding"]["weights_hash"]))
    return found
