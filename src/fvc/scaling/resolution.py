"""Scale frames by bilinear interpolation."""

from dataclasses import dataclass, field

from av.video.frame import VideoFrame

from fvc.video import FilterGraph


def scaled_size(width: int, height: int, target_size: int) -> tuple[int, int]:
    """Find the size in which a picture's longer side is `target_size`.

    Parameters
    ----------
    width, height
        Size in pixels, 1 or more.
    target_size
        Length of the longer side of the result, in pixels; even.

    Returns
    -------
    tuple of int
        Width and height, both even, at least 2; the aspect ratio is kept as closely as even sides
        allow.

    Examples
    --------
    >>> scaled_size(1920, 1080, 256)
    (256, 144)
    >>> scaled_size(100, 200, 256)
    (128, 256)
    """
    longer = max(width, height)

    def side(length: int) -> int:
        # Half up to the nearest even number, in integers.
        return max(2, (length * target_size + longer) // (2 * longer) * 2)

    return side(width), side(height)


@dataclass
class Scaler:
    """Scale frames to a longer side of `target_size`, aspect kept, sides even.

    All frames get the size that the first one calls for. Times, range and colour numbers stay.

    Parameters
    ----------
    target_size
        Length of the longer side, in pixels; even.

    Examples
    --------
    >>> scaler = Scaler(256)
    >>> small = [scaler(frame) for frame in decode(path)]  # doctest: +SKIP
    """

    target_size: int
    _graph: FilterGraph | None = field(default=None, init=False, repr=False)

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """Scale one frame."""
        if self._graph is None:
            width, height = scaled_size(frame.width, frame.height, self.target_size)
            self._graph = FilterGraph(
                [("scale", f"{width}:{height}:flags=bilinear"), ("format", "yuv420p")]
            )
        return self._graph.process(frame)
