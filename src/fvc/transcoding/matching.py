"""One size, one frame rate, one encoder for all: what is left of a score then is not theirs."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fvc.errors import DataError, OptionError
from fvc.transcoding.writing import Encoding, h264, write_frames
from fvc.workspace import Workspace

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

ASPECTS = ("resolution", "fps", "codec")
"""What can be matched."""

LIMITATION = (
    "Matching cannot erase a file's history: what earlier sizes, rates and encoders did to the "
    "pixels is still in them, weaker."
)

_LEAST_SIDE, _MOST_SIDE = 16, 8192
_MOST_RATE = 1000


@dataclass(frozen=True)
class Matching:
    """What all clips are brought to.

    Attributes
    ----------
    longer_side
        In pixels, even; None leaves the size.
    fps
        Constant frame rate in Hz, such as ``25`` or ``30000/1001``; None leaves the times.
    encoding
        The one encoder; None writes with the project's own, which hardly changes anything.

    Raises
    ------
    OptionError
        A value out of range, or nothing to match.
    """

    longer_side: int | None = None
    fps: str | None = None
    encoding: Encoding | None = None

    def __post_init__(self) -> None:
        side = self.longer_side
        if side is not None and not (_LEAST_SIDE <= side <= _MOST_SIDE and side % 2 == 0):
            raise OptionError(
                f"longer_side must be an even number from {_LEAST_SIDE} to {_MOST_SIDE}, not {side}"
            )
        if self.fps is not None and not 0 < Fraction(self.fps) <= _MOST_RATE:
            raise OptionError(f"fps must be above 0 and at most {_MOST_RATE}, not {self.fps}")
        if (self.longer_side, self.fps, self.encoding) == (None, None, None):
            raise OptionError(f"nothing to match: choose among {', '.join(ASPECTS)}")

    @property
    def aspects(self) -> tuple[str, ...]:
        """Which of `ASPECTS` are matched."""
        given = (self.longer_side, self.fps, self.encoding)
        return tuple(name for name, value in zip(ASPECTS, given, strict=True) if value is not None)

    @property
    def words(self) -> str:
        """All of it for people."""
        said = []
        if self.longer_side is not None:
            said.append(f"longer side {self.longer_side}")
        if self.fps is not None:
            said.append(f"{float(Fraction(self.fps)):g} frames a second")
        if self.encoding is not None:
            crf = dict(self.encoding.options).get("crf")
            said.append("H.264" + ("" if crf is None else f" crf {crf}"))
        return ", ".join(said)

    def to_dict(self) -> dict[str, Any]:
        """Give it in plain JSON types."""
        encoding = None if self.encoding is None else self.encoding.to_dict()
        return {"longer_side": self.longer_side, "fps": self.fps, "encoding": encoding}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Matching":
        """Inverse of `to_dict`."""
        encoding = document["encoding"]
        return cls(
            document["longer_side"],
            document["fps"],
            None if encoding is None else Encoding.from_dict(encoding),
        )


def choose_matching(
    match: Iterable[str],
    *,
    longer_sides: Iterable[int],
    rates: Iterable[float],
    longer_side: int | None = None,
    fps: float | None = None,
    crf: int = 23,
) -> Matching:
    """Decide what to bring all clips to: what is stated, else the smallest that all have.

    Parameters
    ----------
    match
        Of `ASPECTS`; a comma separates several in one.
    longer_sides, rates
        Of the corpus, in pixels and Hz.
    longer_side, fps
        Stated values.
    crf
        Constant rate factor of H.264, 0 … 51.

    Raises
    ------
    OptionError
        An unknown aspect, a value out of range, or one that is stated for what is not matched.
    """
    asked = [name.strip() for text in match for name in text.split(",") if name.strip()]
    for name in asked:
        if name not in ASPECTS:
            raise OptionError(f"match takes {', '.join(ASPECTS)}, not {name!r}")
    for name, value in (("resolution", longer_side), ("fps", fps)):
        if value is not None and name not in asked:
            raise OptionError(f"a value is stated for {name}, which is not to be matched")
    if not 0 <= crf <= 51:
        raise OptionError(f"crf must lie in 0 … 51, not {crf}")
    side: int | None = None
    rate: Fraction | None = None
    if "resolution" in asked:
        side = longer_side if longer_side is not None else min(longer_sides) // 2 * 2
    if "fps" in asked:
        rate = Fraction(fps if fps is not None else min(rates)).limit_denominator(1001)
    return Matching(
        side, None if rate is None else str(rate), h264(crf) if "codec" in asked else None
    )


def match_video(
    source: Path,
    target: Path,
    matching: Matching,
    *,
    on_frame: Callable[[], object] | None = None,
) -> None:
    """Write what a video is after matching, as MP4 without sound.

    Parameters
    ----------
    source
        The raw video.
    target
        File to write.
    matching
        What to bring it to.
    on_frame
        Called once a frame, to show progress.

    Raises
    ------
    VideoError
        The source cannot be read to its end.
    OutputError
        The disk is full or cannot be written.
    """
    from fvc.transcoding.cadence import at_rate
    from fvc.video import FilterGraph, Standardiser, decode, probe, write_video

    info = probe(source, on_frame=on_frame)
    fps = Fraction(info.fps or 25).limit_denominator(1001)
    frames: Iterator[VideoFrame] = map(Standardiser(), decode(source, on_frame=on_frame))
    if matching.longer_side is not None:
        frames = map(FilterGraph([("scale", _scale(matching.longer_side))]).process, frames)
    if matching.fps is not None:
        fps = Fraction(matching.fps)
        frames = at_rate(frames, fps)
    aspect = info.sample_aspect_ratio
    if matching.encoding is None:
        write_video(target, frames, fps=fps, sample_aspect_ratio=aspect)
    else:
        write_frames(target, frames, matching.encoding, fps=fps, sample_aspect_ratio=aspect)


def _scale(side: int) -> str:
    # -2 keeps the aspect and makes the side even.
    size = f"w='if(gte(iw,ih),{side},-2)':h='if(gte(iw,ih),-2,{side})'"
    return f"{size}:flags=bicubic+accurate_rnd+full_chroma_int+bitexact"


def read_matching(workspace: Workspace) -> Matching | None:
    """Read what a project's clips were brought to; None where they are as they came.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    path = workspace.matching
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Matching.from_dict(document["matching"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read: {error!r}") from error


def left_out_when_matched(name: str) -> bool:
    """Whether a feature says what a file was like before it was matched, or what matching did.

    Codec columns are read from packets of a file that matching has written, and the indicators
    say which clips were larger than the target size.
    """
    bare = name.removeprefix("scaled_")
    return bare.startswith("codec_") or bare in ("is_upscaled", "is_downscaled")
