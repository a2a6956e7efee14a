from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from fvc.video import decode, packet_statistics, probe


@pytest.mark.parametrize(
    "flags", ["frag_keyframe+empty_moov", "frag_keyframe", "faststart", "dash"]
)
def test_frames_of_a_fragmented_file_are_all_counted(tmp_path: Path, flags: str) -> None:
    """A fragmented file's header and index speak of the first fragment, if of any."""
    path = tmp_path / "fragments.mp4"
    rng = np.random.default_rng(0)
    with av.open(str(path), "w", options={"movflags": flags}) as out:
        stream = out.add_stream("libx264", rate=Fraction(20), options={"g": "5", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"  # type: ignore[union-attr]
        for i in range(37):
            image = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 20)
            out.mux(stream.encode(frame))  # type: ignore[union-attr]
        out.mux(stream.encode())  # type: ignore[union-attr]
    info = probe(path)
    assert info.frame_count == 37 == sum(1 for _ in decode(path))
    assert info.fps == pytest.approx(20, rel=0.01)
    assert info.duration_seconds == pytest.approx(37 / 20, abs=0.06)
    bits = packet_statistics(path).stream_bits
    assert info.bitrate == pytest.approx(bits / info.duration_seconds, rel=1e-3)
