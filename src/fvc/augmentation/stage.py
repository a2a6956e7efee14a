"""Stage 1: a standardised copy of each source, and variants of it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fvc.augmentation.parameters import AUGMENTATIONS, check_augmentations, plan_variants
from fvc.augmentation.remaking import describe
from fvc.errors import MissingInputError, OptionError
from fvc.stages import RunOptions, Stage, StageReport, Unit, fingerprint_file
from fvc.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

_CARRIED = ("source", "label", "group", "collection", "platform")


def stage1_augment_videos(
    project: Path = Path("."),
    *,
    num_augmentations: int = 10,
    num_frames: int | None = None,
    seed: int = 0,
    augmentations: tuple[str, ...] = AUGMENTATIONS,
    run: RunOptions = RunOptions(),
) -> StageReport:
    """Write a standardised copy and augmented variants of each source of the index.

    Copies and variants go through the same encoder, so that "was augmented" cannot be read off the
    codec. What a variant is follows from its source's id, its index and the seed, and is recorded
    in its row, from which `remake` makes it again.

    Parameters
    ----------
    project
        The project's folder, in which `fvc setup` has run.
    num_augmentations
        Variants of each source, 0 or more. Ten of the twelve augmentations by default, chosen for
        each source; more than twelve begin again with other parameters.
    num_frames
        Keep so many uniform frames of each source; by default all of them.
    seed
        Another seed gives other augmentations and parameters.
    augmentations
        The augmentations to choose from: rotation, flip, brightness, contrast, saturation, noise,
        blur, affine, cutout, frame_drop, frame_duplicate, temporal_reverse.
    run
        How the work is run.

    Returns
    -------
    StageReport
        Where the table is, and what was done, resumed and failed.

    Raises
    ------
    OptionError
        An unknown augmentation, or a number out of range.
    MissingInputError
        There is no index.
    TableError
        The index has wrong columns or values.
    OutputError
        The disk is full or cannot be written.

    Examples
    --------
    >>> report = stage1_augment_videos(Path("project"), num_augmentations=4)  # doctest: +SKIP
    """
    # Workers import this module for `AugmentSource` alone: not the runner, nor Polars.
    from fvc.stages import run_stage
    from fvc.tables import ClipSchema
    from fvc.video import ENCODER_SETTINGS

    kinds = check_augmentations(augmentations)
    if num_augmentations < 0:
        raise OptionError(f"num_augmentations must be 0 or more, not {num_augmentations}")
    if num_frames is not None and num_frames < 1:
        raise OptionError(f"num_frames must be 1 or more, not {num_frames}")
    workspace = Workspace(project)
    index = read_sources(workspace)
    stage = Stage(
        number=1,
        name="augment",
        files=workspace.stage1,
        settings={
            "num_augmentations": num_augmentations,
            "num_frames": num_frames,
            "seed": seed,
            "augmentations": list(kinds),
            "encoder": dict(ENCODER_SETTINGS),
        },
        schema=ClipSchema,
        work=AugmentSource(str(workspace.root), num_augmentations, num_frames, seed, kinds),
        outputs=clip_files,
    )
    return run_stage(stage, _units(workspace, index), workspace, run, total=index.height)


def read_sources(workspace: Workspace) -> "pl.DataFrame":
    """Read the rows of the index that stage 1 works on: those with status "ok".

    Without an index, ``data/FVC_dup.csv`` is read if it is there: a CSV with the index's columns
    ``source``, ``video_path``, ``label`` (0 real, 1 fake) and ``group``, and any of the others.

    Raises
    ------
    MissingInputError
        There is neither, or no row is to be worked on.
    TableError
        Columns are missing or hold wrong values.
    """
    import polars as pl

    from fvc.tables import IndexSchema, check, read_table

    path = workspace.index_csv
    if not path.is_file():
        path = workspace.data / "FVC_dup.csv"
    if not path.is_file():
        raise MissingInputError(
            "the index of sources is missing",
            path=workspace.index_csv,
            remedy="Run `fvc setup` first",
        )
    frame = read_table(path)
    if path != workspace.index_csv:
        types = IndexSchema.create_empty().schema
        optional = [name for name, column in IndexSchema.columns().items() if column.nullable]
        absent = [name for name in optional if name not in frame.columns]
        frame = frame.with_columns(pl.lit(None, types[name]).alias(name) for name in absent)
        if "status" not in frame.columns:
            frame = frame.with_columns(status=pl.lit("ok"))
    index = check(frame, IndexSchema, path).filter(pl.col("status") == "ok")
    if index.is_empty():
        raise MissingInputError(
            "the index holds no usable source", path=path, remedy="Run `fvc setup` on some videos"
        )
    return index


def _units(workspace: Workspace, index: "pl.DataFrame") -> Iterator[Unit]:
    for row in index.select(*_CARRIED, "video_path").iter_rows(named=True):
        try:
            fingerprint = fingerprint_file(workspace.absolute(row["video_path"]))
        except MissingInputError:
            # One lost file is that source's failure, which its worker will find and describe.
            fingerprint = "missing"
        yield Unit(id=row["source"], row=row, fingerprint=fingerprint)


def clip_files(row: dict[str, Any]) -> tuple[str, ...]:
    """Name the files of a row of the table."""
    return (row["video_path"],)


@dataclass(frozen=True)
class AugmentSource:
    """Writes the clips of one source and returns their rows, the copy's first.

    All of them appear under their names when the last one is finished, or none does.

    Parameters
    ----------
    project
        The project's folder.
    num_augmentations, num_frames, seed, augmentations
        As for `stage1_augment_videos`.
    """

    project: str
    num_augmentations: int
    num_frames: int | None
    seed: int
    augmentations: tuple[str, ...]

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Do one source."""
        from fvc.augmentation.render import COPY, render
        from fvc.engines import heartbeat
        from fvc.tables import atomic_write

        workspace = Workspace(self.project)
        plan = plan_variants(
            unit.id, self.num_augmentations, seed=self.seed, augmentations=self.augmentations
        )
        variants = (COPY, *plan)
        names = [f"{unit.id}_{'original' if v is COPY else f'aug{v.index}'}" for v in variants]
        paths = [workspace.stage1.folder / f"{name}.mp4" for name in names]
        with ExitStack() as stack:
            temporary = [stack.enter_context(atomic_write(path)) for path in paths]
            rendered = render(
                workspace.absolute(unit.row["video_path"]),
                list(zip(variants, temporary, strict=True)),
                num_frames=self.num_frames,
                on_frame=heartbeat,
            )
        return [
            {
                "clip": name,
                **{column: unit.row[column] for column in _CARRIED},
                "video_path": workspace.relative(path),
                "original_video": unit.row["video_path"],
                **describe(variant, self.num_frames),
                "width": clip.width,
                "height": clip.height,
                "fps": clip.fps,
                "frame_count": clip.frame_count,
            }
            for name, path, variant, clip in zip(names, paths, variants, rendered, strict=True)
        ]
