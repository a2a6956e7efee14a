"""Where every file of a project lives: the only module that spells such a path."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fvc.errors import OptionError

TableFormat = Literal["arrow", "parquet", "csv"]
TABLE_FORMATS: tuple[TableFormat, ...] = ("arrow", "parquet", "csv")


def check_utf8(path: Path, what: str) -> None:
    """Refuse a path that a table cannot hold; Linux lets file names be any bytes.

    Raises
    ------
    OptionError
        The path is not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = str(path).encode("utf-8", "backslashreplace").decode()
        raise OptionError(
            f"{what} has a name that is not UTF-8 and cannot be written to a table: {shown}. "
            "Rename it"
        ) from None


@dataclass(frozen=True)
class StageFiles:
    """The folder, table and log folder of one of the stages 1 to 4.

    ``also`` is the other folder name in circulation, under which a table is looked for too.
    """

    number: int
    command: str
    folder: Path
    table_stem: str
    also: Path

    def table(self, format: TableFormat) -> Path:
        """Path of the stage's table in a format."""
        return self.folder / f"{self.table_stem}.{format}"


class Workspace:
    """The files of one project.

    Parameters
    ----------
    project
        The project's folder; it need not exist yet.

    Raises
    ------
    OptionError
        The folder's path is not UTF-8: no table could hold the paths of its files.
    """

    def __init__(self, project: Path | str = ".") -> None:
        self.root = Path(os.path.abspath(project))
        check_utf8(self.root, "the project's folder")
        self.data = self.root / "data"
        self.videos = self.root / "videos"
        self.metadata = self.videos / "Metadata"
        self.archive_folders = (self.root / "archive", self.root)
        self.index_csv = self.data / "video_index_input.csv"
        self.index_json = self.data / "video_index_input.json"
        self.setup_lock = self.data / ".setup"
        self.failures = self.data / "failures.csv"
        self.stage1 = self._stage(1, "augment", "augmented_videos", "augmented_metadata")
        self.stage2 = self._stage(2, "features", "features_stage2", "features_metadata")
        self.stage3 = self._stage(3, "scale", "scaled_videos", "scaled_metadata")
        self.stage4 = self._stage(
            4, "scaled-features", "features_stage4", "features_scaled_metadata"
        )
        duplicates = self.data / "duplicates"
        self.duplicates = StageFiles(0, "duplicates", duplicates, "video_hashes", duplicates)
        self.duplicate_pairs = duplicates / "pairs.parquet"
        self.duplicate_sources = duplicates / "sources.parquet"
        self.duplicate_sheet = duplicates / "sheet.html"
        self.duplicate_report = duplicates / "duplicates.json"
        matched = self.data / "matched_videos"
        self.matched_videos = StageFiles(0, "match", matched, "matched_metadata", matched)
        self.matching = self.data / "matching.json"
        self.matched_projects = self.data / "matched"
        self.thumbnails = self.data / "thumbnails"
        self.stage5 = self.data / "stage5"
        self.folds = self.stage5 / "folds.parquet"
        self.leaderboard_json = self.stage5 / "leaderboard.json"
        self.leaderboard_parquet = self.stage5 / "leaderboard.parquet"
        self.audits = self.stage5 / "audit"
        self.comparison = self.stage5 / "comparison"
        self.confounds = self.stage5 / "confounds"
        self.holdouts = self.stage5 / "holdout"
        self.importances = self.stage5 / "importance"
        self.robustness = self.stage5 / "robustness"
        platforms = self.stage5 / "platforms"
        self.platform_clips = self._platform(platforms / "clips", "platform_clips")
        self.platform_features = self._platform(platforms / "features", "platform_features")
        self.evaluations = self.stage5 / "evaluation"
        self.figures = self.root / "figures"
        self.notebooks = self.root / "src" / "notebooks"
        self.tracking = self.data / "tracking"
        self.outbox = self.tracking / "outbox"
        self.mlflow_database = self.root / "mlflow.db"
        self.mlflow_artifacts = self.root / "mlartifacts"
        self.locked = self.stage5 / "locked.parquet"
        self.locked_scores = self.stage5 / "locked_scores.json"
        self.slurm = self.root / "logs" / "slurm"

    def _stage(self, number: int, command: str, folder: str, table: str) -> StageFiles:
        return StageFiles(number, command, self.data / folder, table, self.data / f"stage{number}")

    def _platform(self, folder: Path, table: str) -> StageFiles:
        return StageFiles(5, "robustness", folder, table, folder)

    @property
    def stages(self) -> tuple[StageFiles, ...]:
        """Stages 1 to 4, in order."""
        return (self.stage1, self.stage2, self.stage3, self.stage4)

    def model(self, name: str) -> Path:
        """Folder of a trained model type."""
        return self.stage5 / name

    def frame_store(self, name: str) -> StageFiles:
        """Files of decoded frames, or of optical flow, of the scaled clips."""
        folder = self.data / "frames" / name
        return StageFiles(5, "train", folder, "frames", folder)

    def embedding_store(self, name: str) -> StageFiles:
        """Embeddings of the scaled clips, by backbone, weights and frames."""
        folder = self.data / "embeddings" / name
        return StageFiles(5, "train", folder, "embeddings", folder)

    def platform_frames(self, name: str) -> StageFiles:
        """Frames, and optical flow, of the clips that platforms made."""
        folder = self.platform_clips.folder.parent / "frames" / name
        return self._platform(folder, "platform_frames")

    def platform_embeddings(self, name: str) -> StageFiles:
        """Embeddings of the clips that platforms made."""
        folder = self.platform_clips.folder.parent / "embeddings" / name
        return self._platform(folder, "embeddings")

    def thumbnail(self, fingerprint: str) -> Path:
        """Small picture of a source, by the fingerprint of its file."""
        return self.thumbnails / f"{fingerprint}.jpg"

    def calibration(self, name: str) -> Path:
        """Folder of the report on a trained model's probabilities."""
        return self.model(name) / "calibration"

    def decisions(self, name: str) -> Path:
        """Folder of the report on what ways to decide come to for a trained model."""
        return self.model(name) / "decisions"

    def interval(self, name: str) -> Path:
        """Folder of the report on how sure a trained model's score is."""
        return self.model(name) / "interval"

    def holdout(self, by: str) -> Path:
        """Folder of what came of holding out the values of a column."""
        return self.holdouts / re.sub(r"[^A-Za-z0-9._-]+", "_", by)

    def audit(self, name: str) -> Path:
        """Folder of the audit of a model type, or of a file of scores."""
        return self.audits / name

    def fold(self, name: str, fold: int) -> Path:
        """Folder of one fold of a trained model type."""
        return self.model(name) / f"fold_{fold}"

    def logs(self, stage: int) -> Path:
        """Folder of a stage's log files."""
        return self.root / "logs" / f"stage{stage}"

    def relative(self, path: Path | str) -> str:
        """How a path is written in tables: relative to the project, with forward slashes.

        A file outside the project, such as a clip of a corpus used in place, begins with ``..``.
        """
        return Path(os.path.relpath(os.path.abspath(path), self.root)).as_posix()

    def absolute(self, relative: str) -> Path:
        """Inverse of `relative`."""
        return Path(os.path.normpath(self.root / relative))
