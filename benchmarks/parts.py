"""Where stage 1's CPU time goes, measured from inside its process."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HELD_FRAMES = 300


class _Clock:
    """CPU seconds spent in a part, whatever is called within it counted with it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.process_time() - start

        return timed

    def within(self, items: Iterator[Any]) -> Iterator[Any]:
        following = self.around(lambda: next(items, items))
        while (item := following()) is not items:
            yield item


def stage1_parts(sources: list[Path], folder: Path, count: int) -> dict[str, float]:
    """Split the CPU seconds of stage 1's work on some clips.

    Returns
    -------
    dict
        ``encoding`` of all files, ``changing pictures``, ``decoding, putting frames by``, ``the
        rest``; and ``start and imports``, which a worker pays once for all its clips.
    """
    import cv2

    from fvc.augmentation import render as stage
    from fvc.augmentation.parameters import plan_variants

    cv2.setNumThreads(1)
    begun = time.process_time()
    encode, change, read = _Clock(), _Clock(), _Clock()
    writer, reader, build = stage.Encoder, stage._Reader, stage.spatial_transform

    class TimedEncoder(writer):  # type: ignore[valid-type, misc]
        write = encode.around(writer.write)
        close = encode.around(writer.close)

    class TimedReader(reader):  # type: ignore[valid-type, misc]
        def frames(self, *, backwards: bool) -> Iterator[Any]:
            return read.within(iter(super().frames(backwards=backwards)))

    def timed_build(*arguments: Any, **named: Any) -> Any:
        transform = build(*arguments, **named)
        return None if transform is None else change.around(transform)

    names = {"Encoder": TimedEncoder, "_Reader": TimedReader, "spatial_transform": timed_build}
    for name, timed in names.items():
        setattr(stage, name, timed)
    for source in sources:
        variants = (stage.COPY, *plan_variants(source.stem, count))
        stage.render(source, [(v, folder / f"ours{v.index}.mp4") for v in variants])
    parts = {
        "encoding": encode.seconds,
        "changing pictures": change.seconds,
        "decoding, putting frames by": read.seconds,
    }
    rest = time.process_time() - begun - sum(parts.values())
    return {**parts, "the rest": rest, "start and imports": begun}


def encoding_alone(source: Path, target: Path, repeats: int) -> list[float]:
    """CPU seconds of encoding a clip's first frames, which lie in memory."""
    from itertools import islice

    from fvc.video import Standardiser, decode, write_video

    frames = list(map(Standardiser(), islice(decode(source), HELD_FRAMES)))
    figures = []
    for _ in range(repeats):
        start = time.process_time()
        write_video(target, frames, fps=30)
        figures.append(time.process_time() - start)
    return figures
