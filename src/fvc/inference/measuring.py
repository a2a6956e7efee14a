"""What is done with one file in a worker process: copy, features, scaling, features."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fvc.transcoding.matching import Matching, match_video

if TYPE_CHECKING:
    from fvc.scaling.work import ScaledVideo
    from fvc.training.video.frames import FrameSetting

THUMBNAIL_SIDE = 200
"""Longer side of a thumbnail, in pixels."""

N_THUMBNAILS = 6
_JPEG_QUALITY = 70


@dataclass(frozen=True)
class Recipe:
    """How a detector's features were made.

    Attributes
    ----------
    tables
        Numbers of the feature tables that it reads, 2 or 2 and 4; 3 where it looks at frames.
    copy_frames
        Frames kept by the standard copy; None keeps all.
    num_frames, scaled_num_frames
        Frames sampled for the features of the copy, and of the scaled copy.
    target_size
        Longer side of the scaled copy, in pixels.
    extended
        Whether stage 2 had the extended set.
    matching
        What files are brought to before all that; None for a detector of unmatched clips.
    frames
        Which frames of the scaled copy, and which flow, a net looks at.
    """

    tables: tuple[int, ...] = (2, 4)
    copy_frames: int | None = None
    num_frames: int = 6
    target_size: int = 256
    scaled_num_frames: int = 6
    extended: bool = False
    matching: Matching | None = None
    frames: tuple["FrameSetting", ...] = ()


@dataclass(frozen=True)
class Measured:
    """What a worker found in a file.

    Attributes
    ----------
    features
        By name, those of the scaled copy with the prefix ``scaled_``; NaN is missing. Every
        number is one of float32, as in the tables.
    video
        Width and height in pixels, rate in Hz, frames, seconds, codec.
    thumbnails
        JPEG files of frames, in order of time; empty unless asked for.
    frames
        By the name of their setting, the frames and flow that a net looks at.
    """

    features: dict[str, float]
    video: dict[str, Any]
    thumbnails: tuple[bytes, ...] = field(default=(), repr=False)
    frames: dict[str, NDArray[np.uint8]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class MeasureVideo:
    """Measures one file as the training sources were measured.

    Parameters
    ----------
    recipe
        How the detector's features were made.
    scratch
        Folder for copies, which are removed when the file is done.
    thumbnails
        Whether to make thumbnails.
    """

    recipe: Recipe
    scratch: str
    thumbnails: bool = False

    def __call__(self, unit: tuple[int, str]) -> Measured:
        """Measure the file of a unit (its number and its path)."""
        from fvc.augmentation.render import COPY, render
        from fvc.engines import heartbeat
        from fvc.features.extraction import extract_features
        from fvc.scaling.work import scale_video
        from fvc.training.video.frames import take_frames
        from fvc.video import probe

        recipe, path = self.recipe, Path(unit[1])
        with TemporaryDirectory(dir=self.scratch, prefix=f"{unit[0]}-") as folder:
            raw = path
            if recipe.matching is not None:
                raw = Path(folder) / "matched.mp4"
                match_video(path, raw, recipe.matching, on_frame=heartbeat)
            copy = Path(folder) / "copy.mp4"
            render(raw, [(COPY, copy)], num_frames=recipe.copy_frames, on_frame=heartbeat)
            features: dict[str, float] = {}
            if 2 in recipe.tables:
                measured = extract_features(
                    copy,
                    raw,
                    num_frames=recipe.num_frames,
                    extended=recipe.extended,
                    on_frame=heartbeat,
                )
                features = _stored(measured)
            small = Path(folder) / "scaled.mp4"
            if {3, 4} & set(recipe.tables):
                written = scale_video(copy, small, recipe.target_size)
            if 4 in recipe.tables:
                scaled = self._scaled(copy, raw, small, written)
                features |= {f"scaled_{name}": value for name, value in scaled.items()}
            frames = {s.name: take_frames(small, s, on_frame=heartbeat) for s in recipe.frames}
            pictures = _thumbnails(copy) if self.thumbnails else ()
        info = probe(path, on_frame=heartbeat)
        video = {
            "width": info.width,
            "height": info.height,
            "fps": info.fps,
            "frame_count": info.frame_count,
            "duration_seconds": info.duration_seconds,
            "codec": info.codec_name,
        }
        return Measured(features, video, pictures, frames)

    def _scaled(
        self, copy: Path, raw: Path, target: Path, written: "ScaledVideo"
    ) -> dict[str, float]:
        from fvc.engines import heartbeat
        from fvc.features.extraction import extract_scaled_features
        from fvc.scaling.work import scaled_row

        row: Mapping[str, Any] = scaled_row({}, "", written)
        features = extract_scaled_features(
            target,
            copy,
            raw,
            unscaled_size=(row["original_width"], row["original_height"]),
            num_frames=self.recipe.scaled_num_frames,
            on_frame=heartbeat,
        )
        features |= {name: float(row[name]) for name in ("is_upscaled", "is_downscaled")}
        return _stored(features)


def _stored(features: dict[str, float]) -> dict[str, float]:
    """Round to the numbers that a table would hold."""
    from fvc.features.extraction import as_stored

    array, _ = as_stored(features)
    return dict(zip(features, array.tolist(), strict=True))


def _thumbnails(copy: Path) -> tuple[bytes, ...]:
    import cv2

    from fvc.engines import heartbeat
    from fvc.scaling.resolution import scaled_size
    from fvc.video import sample_frames

    pictures = []
    for frame in sample_frames(copy, num_frames=N_THUMBNAILS, on_frame=heartbeat).frames:
        width, height = scaled_size(frame.width, frame.height, THUMBNAIL_SIDE)
        image = frame.reformat(width=width, height=height).to_ndarray(format="bgr24")
        good, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        if good:
            pictures.append(data.tobytes())
    return tuple(pictures)
