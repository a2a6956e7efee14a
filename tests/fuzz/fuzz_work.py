"""What a worker does with one spoilt file: everything that the pipeline would do with it.

Light to import, since every worker does.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz_mutations import mutated

from fvc.stages import Unit
from fvc.workspace import Workspace

KINDS = ("rotation", "frame_drop", "frame_duplicate", "temporal_reverse")
VARIANTS = 3
TARGET_SIZE = 96


@dataclass(frozen=True)
class Target:
    """Spoils a file and takes it through index, sampling and stages 1 to 4.

    Parameters
    ----------
    project
        A project's folder.
    seed
        Of the run.
    """

    project: str
    seed: int

    def __call__(self, task: tuple[str, int]) -> dict[str, list[dict[str, Any]]]:
        """Give the rows of every step.

        Raises
        ------
        VideoError
            At the first step that refuses the file.
        """
        from dataclasses import asdict

        from fvc.augmentation.stage import AugmentSource
        from fvc.dataset.probing import probe_video
        from fvc.engines import heartbeat
        from fvc.features.work import ExtractFeatures, ExtractScaledFeatures
        from fvc.scaling.work import ScaleWork
        from fvc.video import packet_statistics, sample_frames

        path, name, _ = write_mutated(self.project, task, self.seed)
        where = Workspace(self.project).relative(path)
        try:
            probed = asdict(probe_video(str(path)))
            packet_statistics(path, on_frame=heartbeat)
            sample_frames(path, on_frame=heartbeat)
            source = {"source": name, "label": 0, "group": name, "collection": "fuzz"}
            source |= {"platform": None, "video_path": where}
            augment = AugmentSource(self.project, VARIANTS, None, task[1], KINDS)
            clips = augment(Unit(name, source, ""))
            rows: dict[str, list[dict[str, Any]]] = {"index": [{**source, **probed}], "1": clips}
            rows |= {"2": [], "3": [], "4": []}
            for clip in clips:
                unit = Unit(clip["clip"], clip, "")
                rows["2"] += ExtractFeatures(self.project, 6)(unit)
                scaled = ScaleWork(Path(self.project), TARGET_SIZE)(unit)
                rows["3"] += scaled
                row = {**scaled[0], "unscaled_path": clip["video_path"]}
                rows["4"] += ExtractScaledFeatures(self.project, 6)(Unit(unit.id, row, ""))
            return rows
        finally:
            path.unlink()
            for folder in (
                "augmented_videos",
                "scaled_videos",
                "features_stage2",
                "features_stage4",
            ):
                for file in (Path(self.project) / "data" / folder).glob(f"{name}_*"):
                    file.unlink()


def write_mutated(project: str, task: tuple[str, int], seed: int) -> tuple[Path, str, str]:
    """Write the spoilt file of a task; give its path, its name and how it was spoilt."""
    origin, number = Path(task[0]), task[1]
    data, how = mutated(origin, number, seed)
    name = f"fuzz{number:06d}"
    path = Path(project) / "videos" / f"{name}{origin.suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path, name, how


def hold_still(seconds: float) -> float:
    """Work for a while, to see that a worker is in order."""
    time.sleep(seconds)
    return seconds
