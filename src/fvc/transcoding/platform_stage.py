"""The clips of `PLATFORMS`: one of each source and transformation, made once and kept."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fvc.stages import RunOptions, Stage, StageReport, Unit, fingerprint_file
from fvc.transcoding.platforms import PLATFORMS, Transformation
from fvc.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

STAGE_NAME = "platform-clips"


@dataclass(frozen=True)
class TransformSource:
    """The stage's work: one source through one transformation.

    Parameters
    ----------
    project
        The project's folder.
    transformations
        By name.
    """

    project: str
    transformations: tuple[Transformation, ...]

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Write the clip, look at it, and return its row."""
        from fvc.engines import heartbeat
        from fvc.tables import atomic_write
        from fvc.transcoding.platforms import transform_video
        from fvc.video import probe

        workspace, row = Workspace(self.project), unit.row
        how = next(t for t in self.transformations if t.name == row["transformation"])
        path = workspace.platform_clips.folder / f"{unit.id}.{how.encoding.container}"
        raw = workspace.absolute(row["video_path"])
        with atomic_write(path) as temporary:
            transform_video(raw, temporary, how, on_frame=heartbeat)
        info = probe(path, on_frame=heartbeat)
        return [
            {
                "clip": unit.id,
                "source": row["source"],
                "transformation": how.name,
                "video_path": workspace.relative(path),
                "original_video": row["video_path"],
                "width": info.width,
                "height": info.height,
                "fps": info.fps or None,
                "frame_count": info.frame_count,
                "codec_name": info.codec_name,
                "file_size_bytes": info.file_size_bytes,
            }
        ]


def transform_sources(
    workspace: Workspace,
    sources: "pl.DataFrame",
    *,
    transformations: Iterable[Transformation] = PLATFORMS,
    run: RunOptions = RunOptions(),
) -> StageReport:
    """Make the clips that are not there yet; what fails is a row of ``data/failures.csv``.

    Parameters
    ----------
    workspace
        The project.
    sources
        ``source, video_path`` (the raw file): what is to be transformed.
    transformations
        What is to be done with each.
    run
        How to run.
    """
    from fvc.stages import run_stage
    from fvc.transcoding.schemas import PlatformClipSchema

    chosen = tuple(transformations)
    stage = Stage(
        number=workspace.platform_clips.number,
        name=STAGE_NAME,
        files=workspace.platform_clips,
        # What a unit's transformation is stands in its row: a change of one redoes that one.
        settings={},
        schema=PlatformClipSchema,
        work=TransformSource(str(workspace.root), chosen),
        outputs=_clip_files,
    )
    units = platform_units(workspace, sources, chosen)
    return run_stage(stage, units, workspace, run, total=sources.height * len(chosen))


def platform_units(
    workspace: Workspace, sources: "pl.DataFrame", transformations: Iterable[Transformation]
) -> Iterator[Unit]:
    """Make a unit of every source and transformation."""
    for source, path in sources.select("source", "video_path").iter_rows():
        fingerprint = fingerprint_file(workspace.absolute(path))
        for how in transformations:
            row = {
                "source": source,
                "video_path": path,
                "transformation": how.name,
                "how": how.to_dict(),
            }
            yield Unit(clip_name(source, how.name), row, fingerprint)


def clip_name(source: str, transformation: str) -> str:
    """Name a transformed clip."""
    return f"{source}_{transformation}"


def _clip_files(row: dict[str, Any]) -> tuple[str, ...]:
    return (row["video_path"],)
