"""A chain of FFmpeg's filters through which frames go one at a time."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

_Shape = tuple[int, int, str, int, int, Fraction | None]


class FilterGraph:
    """A linear chain of libavfilter's video filters.

    It configures itself for the first frame pushed, and anew if later frames differ in size, pixel
    format or colour numbers. The object keeps the graph alive as long as frames go through it:
    FFmpeg frees a graph's buffers with the graph, and pushing into a freed one ends the process.

    Parameters
    ----------
    description
        Filters as on FFmpeg's command line (``"hflip,scale=256:144:flags=bilinear"``; commas inside
        quotes or after a backslash belong to the arguments), or pairs of name and arguments.

    Examples
    --------
    >>> graph = FilterGraph("hflip,hue=s=0.5")
    >>> flipped = [graph.process(frame) for frame in decode(path)]  # doctest: +SKIP
    """

    def __init__(self, description: str | Sequence[tuple[str, str]]) -> None:
        self.filters: tuple[tuple[str, str], ...] = (
            parse(description) if isinstance(description, str) else tuple(description)
        )
        self._graph: Graph | None = None
        self._source: FilterContext | None = None
        self._sink: FilterContext | None = None
        self._shape: _Shape | None = None
        self._waiting: list[VideoFrame] = []

    def push(self, frame: VideoFrame) -> None:
        """Hand in one frame."""
        shape = (
            frame.width,
            frame.height,
            frame.format.name,
            int(frame.colorspace),
            int(frame.color_range),
            frame.time_base,
        )
        if shape != self._shape:
            self._waiting.extend(self._drain())
            self._configure(shape)
        assert self._source is not None
        self._source.push(frame)

    def pull(self) -> VideoFrame | None:
        """Take one finished frame, or None if the chain wants more input first."""
        if self._waiting:
            return self._waiting.pop(0)
        return self._pull()

    def process(self, frame: VideoFrame) -> VideoFrame:
        """Filter one frame by a chain that gives one frame for each.

        Raises
        ------
        ValueError
            If the chain holds frames back or drops them.
        """
        self.push(frame)
        result = self.pull()
        if result is None:
            names = ",".join(name for name, _ in self.filters)
            raise ValueError(
                f"the filters {names!r} do not give one frame for each: use push, pull"
            )
        return result

    def flush(self) -> Iterator[VideoFrame]:
        """End the input and take what the chain still holds."""
        yield from self._waiting
        self._waiting = []
        yield from self._drain()

    def _drain(self) -> list[VideoFrame]:
        if self._source is None:
            return []
        self._source.push(None)
        frames = []
        while (frame := self._pull()) is not None:
            frames.append(frame)
        self._graph = self._source = self._sink = self._shape = None
        return frames

    def _pull(self) -> VideoFrame | None:
        if self._sink is None:
            return None
        try:
            frame = self._sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return None
        assert isinstance(frame, VideoFrame)
        return frame

    def _configure(self, shape: _Shape) -> None:
        width, height, pixel_format, matrix, colour_range, time_base = shape
        graph = Graph()
        graph.threads = 1
        source = graph.add(
            "buffer",
            video_size=f"{width}x{height}",
            pix_fmt=pixel_format,
            time_base=str(time_base or Fraction(1, 1000)),
            colorspace=str(matrix),
            range=str(colour_range),
        )
        nodes = [source]
        nodes += [graph.add(name, args or None) for name, args in self.filters]
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes).configure()
        self._graph, self._source, self._sink, self._shape = graph, source, nodes[-1], shape


def parse(description: str) -> tuple[tuple[str, str], ...]:
    r"""Split a chain of filters into names and arguments, as FFmpeg's own parser does.

    Examples
    --------
    >>> parse("hflip,drawbox=c=red:t=fill,geq='p(X\\,Y)'")
    (('hflip', ''), ('drawbox', 'c=red:t=fill'), ('geq', 'p(X\\,Y)'))
    """
    parts, current, quoted = [], "", False
    characters = iter(description)
    for character in characters:
        if quoted:
            quoted = character != "'"
            current += character if quoted else ""
        elif character == "'":
            quoted = True
        elif character == "\\":
            current += next(characters, "")
        elif character == ",":
            parts.append(current)
            current = ""
        else:
            current += character
    parts.append(current)
    pairs = (part.strip().partition("=") for part in parts)
    return tuple((name.strip(), arguments) for name, _, arguments in pairs)
