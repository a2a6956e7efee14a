"""Peak memory does not follow the length of a clip."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = """
import resource, sys
from pathlib import Path
from fvc.augmentation.parameters import Variant
from fvc.augmentation.render import COPY, render

folder = Path(sys.argv[2])
outputs = [
    (COPY, folder / "copy.mp4"),
    (Variant(0, "blur", 1, {"sigma": 1.0}), folder / "blur.mp4"),
    (Variant(1, "frame_duplicate", 1, {"every": 4}), folder / "twice.mp4"),
    (Variant(2, "temporal_reverse", 1, {}), folder / "reverse.mp4"),
]
render(Path(sys.argv[1]), outputs)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
def test_peak_memory_is_flat_in_the_length_of_a_clip(
    pixel_format: str, make_video: Callable[..., Path], tmp_path: Path
) -> None:
    """Ten times as long, with one group of pictures too long to be held: at most a tenth more."""
    peaks = []
    for frames in (80, 800):
        clip = make_video(
            tmp_path / f"{frames}.mp4",
            frames=frames,
            width=640,
            height=360,
            pix_fmt=pixel_format,
            options={"g": "1000", "preset": "ultrafast"},
        )
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(clip), str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(run.stdout))
    assert peaks[1] <= 1.1 * peaks[0], peaks
