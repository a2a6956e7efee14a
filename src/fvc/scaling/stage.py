"""Stage 3: scale every clip of stage 1 so that its longer side has the target size."""

from pathlib import Path
from typing import Literal

from fvc.errors import NotAvailableError, OptionError
from fvc.scaling.work import ScaleWork, outputs
from fvc.stages import RunOptions, Stage, StageReport, Unit, fingerprint_file, run_stage
from fvc.tables import ClipSchema, ScaledSchema, check, read_table, require_table
from fvc.video import ENCODER_SETTINGS
from fvc.workspace import Workspace

SMALLEST, LARGEST = 16, 8192


def stage3_scale_videos(
    project: Path | str = Path("."),
    *,
    target_size: int = 256,
    method: Literal["resolution", "autoencoder"] = "resolution",
    run: RunOptions = RunOptions(),
) -> StageReport:
    """Scale all clips up or down so that their longer side has the target size.

    The aspect ratio is kept, both sides are even, timestamps stay. No bars are added: a square is
    made where a model asks for one.

    Parameters
    ----------
    project
        The project's folder.
    target_size
        Length of the longer side in pixels; an even number, 16 to 8192.
    method
        How to scale: resolution is bilinear interpolation; autoencoder is not in this version yet.
    run
        How the stage runs.

    Returns
    -------
    StageReport
        What was done, and where the table is.

    Raises
    ------
    MissingInputError
        Stage 1 has not run.
    OptionError
        A value that an option cannot take.
    NotAvailableError
        The method is not in this version.
    """
    if method == "autoencoder":
        raise NotAvailableError(
            "scaling by autoencoder is not available in this version; use --method resolution"
        )
    if method != "resolution":
        raise OptionError(f"method must be resolution or autoencoder, not {method!r}")
    if not SMALLEST <= target_size <= LARGEST or target_size % 2:
        raise OptionError(
            f"target_size must be an even number from {SMALLEST} to {LARGEST}, not {target_size}"
        )
    workspace = Workspace(project)
    path = require_table(workspace.stage1)
    table = check(read_table(path), ClipSchema, path)
    known = {*ScaledSchema.column_names(), "key"}
    stage = Stage(
        number=3,
        name="scale",
        files=workspace.stage3,
        settings={
            "target_size": target_size,
            "method": method,
            "encoder": dict(ENCODER_SETTINGS),
        },
        schema=ScaledSchema,
        work=ScaleWork(workspace.root, target_size),
        outputs=outputs,
        extra={name: kind for name, kind in table.schema.items() if name not in known},
    )
    units = (_unit(row, workspace) for row in table.iter_rows(named=True))
    return run_stage(stage, units, workspace, run, total=table.height)


def _unit(row: dict[str, object], workspace: Workspace) -> Unit:
    """Make the unit of a clip; a table without keys, made by hand, is followed by its files."""
    key = row.pop("key", None)
    path = workspace.absolute(str(row["video_path"]))
    return Unit(
        id=str(row["clip"]),
        row=row,
        fingerprint=str(key) if key is not None else fingerprint_file(path),
    )
