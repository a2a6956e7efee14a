"""Small pictures of sources: decoded in a watched process, kept under the project by content."""

import base64
import contextlib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from html import escape

from fvc.engines import LocalEngine
from fvc.errors import OutputError
from fvc.reporting.preview.videos import describe_video
from fvc.stages import fingerprint_file
from fvc.tables import atomic_write
from fvc.workspace import Workspace

MOST = 24
"""Pictures that are made at once."""

_SIDE = 192
_QUALITY = 75
_STALL_SECONDS = 30.0
_MEMORY_MIB = 1024
_NO_FILE = {"absent": "the file is gone", "unreadable": "the file cannot be read"}
_STYLE = """<style>
.fvc-pictures {max-height: 20rem; overflow-y: auto; margin-bottom: 1rem}
.fvc-pictures ul {display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr));
  gap: 0.8rem; list-style: none; margin: 0 !important; padding: 0 !important}
.fvc-pictures li {margin: 0 !important; padding: 0 !important; font-size: 0.8rem;
  overflow-wrap: anywhere}
.fvc-frame {height: 6rem; display: flex; align-items: center; justify-content: center;
  text-align: center; overflow: hidden; margin-bottom: 0.2rem;
  background: rgba(128, 128, 128, 0.15)}
.fvc-frame img {max-width: 100%; max-height: 100%}
</style>"""


@dataclass(frozen=True)
class Thumbnail:
    """What is known of a source's picture: JPEG data, or why there are none, or neither yet."""

    picture: bytes | None = None
    reason: str | None = None


def shrink(path: str) -> bytes:
    """Take the middle frame of a video, in a worker process, as a small JPEG file."""
    import cv2

    _, frames = describe_video(path, num_frames=1)
    picture = cv2.cvtColor(frames.pictures[0], cv2.COLOR_RGB2BGR)
    height, width = picture.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    good, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert good
    return data.tobytes()


def thumbnails(
    workspace: Workspace, paths: Mapping[str, str], refused: MutableMapping[str, str]
) -> Iterator[dict[str, Thumbnail]]:
    """Give the pictures of sources: first those that are kept, then again with each that is made.

    Parameters
    ----------
    workspace
        The project.
    paths
        By source, its file as the index names it.
    refused
        By fingerprint, why a file could not be decoded: it is not tried again.
    """
    found = {source: Thumbnail() for source in paths}
    waiting: dict[str, list[str]] = {}
    files: dict[str, str] = {}
    for source, path in paths.items():
        file = workspace.absolute(path)
        key = fingerprint_file(file)
        kept = workspace.thumbnail(key)
        if key in _NO_FILE:
            found[source] = Thumbnail(reason=_NO_FILE[key])
        elif key in refused:
            found[source] = Thumbnail(reason=refused[key])
        elif kept.is_file():
            found[source] = Thumbnail(kept.read_bytes())
        else:
            waiting.setdefault(key, []).append(source)
            files[str(file)] = key
    yield dict(found)
    if not files:
        return
    engine = LocalEngine(1, stall_seconds=_STALL_SECONDS, memory_limit_mib=_MEMORY_MIB)
    # Whoever turns the page closes this generator, and with it the process.
    with contextlib.closing(engine.submit(shrink, list(files))) as outcomes:
        for outcome in outcomes:
            key = files[outcome.unit]
            if outcome.value is not None:
                _keep(workspace, key, outcome.value)
            else:
                assert outcome.failure is not None
                refused[key] = outcome.failure.reason
            made = Thumbnail(outcome.value, refused.get(key))
            found |= dict.fromkeys(waiting[key], made)
            yield dict(found)


def _keep(workspace: Workspace, key: str, picture: bytes) -> None:
    # A project that may only be read is shown all the same; its pictures are made anew each time.
    target = workspace.thumbnail(key)
    with contextlib.suppress(OutputError, OSError), atomic_write(target) as temporary:
        temporary.write_bytes(picture)


def picture_list(rows: Sequence[tuple[str, str]], found: Mapping[str, Thumbnail]) -> str:
    """Write the pictures as a list of HTML: rows of source and label."""
    items = []
    for source, label in rows:
        one = found[source]
        if one.picture is not None:
            data = base64.b64encode(one.picture).decode()
            words = escape(f"A frame of {source}, {label}")
            inner = f'<img src="data:image/jpeg;base64,{data}" alt="{words}">'
        else:
            inner = f"<span>{escape(one.reason or '…')}</span>"
        name = f"{escape(source)} ({escape(label)})"
        items.append(f'<li><div class="fvc-frame">{inner}</div>{name}</li>')
    # What scrolls has to be reached without a mouse, too.
    return (
        f'{_STYLE}<div class="fvc-pictures" tabindex="0" role="region" aria-label="Pictures">'
        f"<ul>{''.join(items)}</ul></div>"
    )
