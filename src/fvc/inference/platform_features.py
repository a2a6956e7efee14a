"""The features of platforms' clips, measured as `fvc predict` measures a file that it is given."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fvc.features.names import EXTENDED_FEATURE_NAMES, FEATURE_NAMES, SCALED_FEATURE_NAMES
from fvc.inference.measuring import MeasureVideo, Recipe
from fvc.inference.words import SCALED_PREFIX
from fvc.stages import RunOptions, Stage, StageReport, Unit
from fvc.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

    from fvc.transcoding.platforms import Transformation

STAGE_NAME = "platform-features"
UNTOUCHED = "untouched"
"""The raw file itself, measured in the same way: what the others are held against."""


@dataclass(frozen=True)
class MeasurePlatform:
    """The stage's work: one file to its row of features.

    Parameters
    ----------
    project
        The project's folder.
    recipe
        How the detectors' features were made.
    """

    project: str
    recipe: Recipe

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Measure one clip; copies of it are removed when that is done."""
        from fvc.features.extraction import as_stored

        workspace, row = Workspace(self.project), unit.row
        folder = workspace.platform_features.folder
        with tempfile.TemporaryDirectory(dir=folder, prefix=".scratch-") as scratch:
            path = str(workspace.absolute(row["video_path"]))
            measured = MeasureVideo(self.recipe, scratch)((0, path))
        _, columns = as_stored(measured.features)
        names = ("source", "transformation")
        return [{"clip": unit.id, **{name: row[name] for name in names}, **columns}]


def columns_of(recipe: Recipe) -> tuple[str, ...]:
    """Name the features that a recipe gives, in order."""
    scaled = tuple(f"{SCALED_PREFIX}{name}" for name in SCALED_FEATURE_NAMES)
    own = EXTENDED_FEATURE_NAMES if recipe.extended else FEATURE_NAMES
    return (*own, *scaled) if 4 in recipe.tables else own


def measure_platforms(
    workspace: Workspace, files: "pl.DataFrame", *, recipe: Recipe, run: RunOptions
) -> StageReport:
    """Measure the clips that are not measured yet.

    Parameters
    ----------
    workspace
        The project.
    files
        ``clip, source, transformation, video_path, fingerprint``.
    recipe
        How the detectors' features were made.
    run
        How to run.
    """
    import polars as pl

    from fvc.stages import run_stage
    from fvc.transcoding.schemas import PlatformFeatureSchema

    stage = Stage(
        number=workspace.platform_features.number,
        name=STAGE_NAME,
        files=workspace.platform_features,
        settings={"recipe": asdict(recipe)},
        schema=PlatformFeatureSchema,
        work=MeasurePlatform(str(workspace.root), recipe),
        extra=dict.fromkeys(columns_of(recipe), pl.Float32),
    )
    return run_stage(stage, file_units(files), workspace, run, total=files.height)


def file_units(files: "pl.DataFrame") -> Iterator[Unit]:
    """Make the units of files that `platform_files` lists."""
    for row in files.iter_rows(named=True):
        fingerprint = row.pop("fingerprint")
        yield Unit(row["clip"], row, fingerprint)


def platform_files(
    workspace: Workspace,
    index: "pl.DataFrame",
    transformations: Sequence["Transformation"],
    table: Path | None,
) -> "pl.DataFrame":
    """List what is to be measured: each source's raw file, and the clips that were made of it.

    Parameters
    ----------
    workspace
        The project.
    index
        ``source, video_path``: the raw files.
    transformations
        What was asked for.
    table
        Of the clips' stage; a clip that failed is not in it.

    Returns
    -------
    polars.DataFrame
        ``clip, source, transformation, video_path, fingerprint``.
    """
    import polars as pl

    from fvc.stages import fingerprint_file
    from fvc.tables import read_table
    from fvc.transcoding.platform_stage import clip_name

    raw = index.select(
        pl.col("source").map_elements(lambda s: clip_name(s, UNTOUCHED), pl.String).alias("clip"),
        "source",
        pl.lit(UNTOUCHED).alias("transformation"),
        "video_path",
        pl.Series(
            "fingerprint",
            [fingerprint_file(workspace.absolute(path)) for path in index["video_path"]],
            dtype=pl.String,
        ),
    )
    if table is None:
        return raw
    names = [t.name for t in transformations]
    clips = read_table(table).filter(pl.col("transformation").is_in(names))
    clips = clips.select(*raw.columns[:-1], pl.col("key").alias("fingerprint"))
    return pl.concat([raw, clips]).sort("source", "transformation")
