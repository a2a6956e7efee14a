"""Stage 3: scale every clip of stage 1 so that its longer side has the target size."""

from pathlib import Path
from typing import Literal

from fvc.engines import Engine, create_engine
from fvc.errors import OptionError
from fvc.scaling.work import RedrawWork, ScaleWork, outputs
from fvc.stages import RunOptions, Stage, StageReport, Unit, fingerprint_file, run_stage
from fvc.tables import ClipSchema, ScaledSchema, check, read_table, require_table
from fvc.video import ENCODER_SETTINGS
from fvc.workspace import Workspace

SMALLEST, LARGEST = 16, 8192

# An autoencoder takes seconds for a batch on a processor, and gigabytes for its activations.
_AUTOENCODER_MIB = 8192
_AUTOENCODER_STALL_SECONDS = 1800.0


def stage3_scale_videos(
    project: Path | str = Path("."),
    *,
    target_size: int = 256,
    method: Literal["resolution", "autoencoder"] = "resolution",
    autoencoder: str = "stabilityai/sd-vae-ft-mse",
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
        How to scale: resolution is bilinear interpolation; autoencoder lets a variational
        autoencoder draw each interpolated frame again, which also smooths traces of forgery away.
    autoencoder
        Which autoencoder: a name on the Hugging Face hub, or a folder that Diffusers has written.
    run
        How the stage runs.

    Returns
    -------
    StageReport
        What was done, and where the table is.

    Raises
    ------
    MissingInputError
        Stage 1 has not run, or the autoencoder is not to be had.
    OptionError
        A value that an option cannot take.
    MissingExtraError
        The method needs an optional part that is not installed.
    """
    if method not in ("resolution", "autoencoder"):
        raise OptionError(f"method must be resolution or autoencoder, not {method!r}")
    if not SMALLEST <= target_size <= LARGEST or target_size % 2:
        raise OptionError(
            f"target_size must be an even number from {SMALLEST} to {LARGEST}, not {target_size}"
        )
    workspace = Workspace(project)
    path = require_table(workspace.stage1)
    table = check(read_table(path), ClipSchema, path)
    known = {*ScaledSchema.column_names(), "key"}
    settings: dict[str, object] = {
        "target_size": target_size,
        "method": method,
        "encoder": dict(ENCODER_SETTINGS),
    }
    work: ScaleWork | RedrawWork = ScaleWork(workspace.root, target_size)
    engine: Engine | None = None
    if method == "autoencoder":
        from fvc.scaling.autoencoder import find_autoencoder

        found = find_autoencoder(autoencoder)
        settings["autoencoder"] = found.digest
        work = RedrawWork(workspace.root, target_size, found.folder)
        engine = create_engine(
            run.engine,
            workers=run.workers or (1 if run.engine == "local" else None),
            stall_seconds=max(run.stall_seconds, _AUTOENCODER_STALL_SECONDS),
            memory_limit_mib=run.memory_limit_mib or _AUTOENCODER_MIB,
            address_space_mib=0,
            scheduler=run.scheduler,
            folder=workspace.root,
        )
    stage = Stage(
        number=3,
        name="scale",
        files=workspace.stage3,
        settings=settings,
        schema=ScaledSchema,
        work=work,
        outputs=outputs,
        extra={name: kind for name, kind in table.schema.items() if name not in known},
    )
    units = (_unit(row, workspace) for row in table.iter_rows(named=True))
    return run_stage(stage, units, workspace, run, total=table.height, engine=engine)


def _unit(row: dict[str, object], workspace: Workspace) -> Unit:
    """Make the unit of a clip; a table without keys, made by hand, is followed by its files."""
    key = row.pop("key", None)
    path = workspace.absolute(str(row["video_path"]))
    return Unit(
        id=str(row["clip"]),
        row=row,
        fingerprint=str(key) if key is not None else fingerprint_file(path),
    )
