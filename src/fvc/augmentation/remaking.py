"""Make a clip of stage 1 again from its row of the table."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fvc.augmentation.parameters import AUGMENTATIONS, ORIGINAL, Variant
from fvc.errors import DataError
from fvc.workspace import Workspace

_NUM_FRAMES = "num_frames"


def describe(variant: Variant, num_frames: int | None) -> dict[str, Any]:
    """Give the columns of a row that say how its clip is made.

    ``parameters`` is a JSON object of the variant's parameters, with ``num_frames`` among them
    where not all frames are kept; ``seed`` is null for the unaugmented copy.
    """
    parameters = dict(variant.parameters)
    if num_frames is not None:
        parameters[_NUM_FRAMES] = num_frames
    return {
        "is_original": variant.augmentation == ORIGINAL,
        "augmentation_idx": variant.index,
        "augmentation": variant.augmentation,
        "parameters": json.dumps(parameters),
        "seed": None if variant.augmentation == ORIGINAL else variant.seed,
    }


def variant_of_row(row: Mapping[str, Any]) -> tuple[Variant, int | None]:
    """Read a row's variant, and how many frames were kept (None is all): inverse of `describe`.

    Raises
    ------
    DataError
        The row does not describe a variant.
    """
    name, clip = row["augmentation"], row.get("clip")
    if name != ORIGINAL and name not in AUGMENTATIONS:
        raise DataError(f"clip {clip!r}: unknown augmentation {name!r}")
    try:
        parameters = dict(json.loads(row["parameters"]))
    except (TypeError, ValueError) as error:
        raise DataError(f"clip {clip!r}: its parameters are not a JSON object") from error
    num_frames = parameters.pop(_NUM_FRAMES, None)
    seed = row["seed"]
    if seed is None and name != ORIGINAL:
        raise DataError(f"clip {clip!r}: its row has no seed")
    return Variant(int(row["augmentation_idx"]), name, int(seed or 0), parameters), num_frames


def remake(row: Mapping[str, Any], workspace: Workspace, output: Path | str) -> None:
    """Make a clip again, byte for byte, from its row of stage 1's table and the raw video.

    The same bytes come from the same versions of FFmpeg, OpenCV and NumPy.

    Parameters
    ----------
    row
        A row of stage 1's table, as a mapping.
    workspace
        The project; the row's ``original_video`` is relative to it.
    output
        The file to write, whole or not at all.

    Raises
    ------
    DataError
        The row does not describe a variant.
    VideoError
        The raw video cannot be read.
    OutputError
        The disk is full or cannot be written.

    Examples
    --------
    >>> table = read_table(workspace.stage1.table("arrow"))  # doctest: +SKIP
    >>> remake(table.row(3, named=True), workspace, "again.mp4")  # doctest: +SKIP
    """
    from fvc.augmentation.render import render
    from fvc.tables import atomic_write

    variant, num_frames = variant_of_row(row)
    with atomic_write(output) as temporary:
        render(
            workspace.absolute(row["original_video"]),
            [(variant, temporary)],
            num_frames=num_frames,
        )
