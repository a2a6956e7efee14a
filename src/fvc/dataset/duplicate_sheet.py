"""Near-duplicate pairs to look at: frames of both videos side by side, in one HTML file."""

import base64
import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LABELS = {0: "real", 1: "fake"}
_HEIGHT = 120
_WIDEST = 320
_QUALITY = 75

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:88rem;padding:0 1rem;
 color:#1c2733;background:#fff}
h1{font-size:1.4rem} section{border-top:1px solid #d5dce3;padding:.9rem 0}
h2{font-size:1rem;margin:0 0 .4rem} .across h2{color:#a3300a}
.row{display:flex;gap:.4rem;align-items:center;margin:.25rem 0;overflow-x:auto}
.name{flex:0 0 19rem;overflow-wrap:anywhere;font-size:.85rem}
.name small{color:#5a6875;display:block} img{height:120px;width:auto;border-radius:3px}
.real,.fake{font-weight:600} .real{color:#1b6e3c} .fake{color:#8a1f5c} .none{color:#5a6875}
figure{margin:0} figcaption{font-size:.72rem;color:#5a6875;text-align:center}
@media (prefers-color-scheme:dark){body{color:#dfe6ec;background:#14191f}
 section{border-color:#323c46} .across h2{color:#ff9166} .real{color:#7fd6a0} .fake{color:#f09bc8}
 .name small,figcaption,.none{color:#93a1ae}}
"""


@dataclass(frozen=True)
class Shot:
    """A video and the times, in seconds, of the frames to show of it."""

    path: str
    times: tuple[float, ...]


def take_pictures(shot: Shot) -> list[bytes]:
    """Make small JPEG pictures of some frames; for worker processes.

    Raises
    ------
    VideoError
        As `fvc.video.frames_at`.
    """
    # Imported in the worker; the parent never loads FFmpeg.
    import cv2
    import numpy as np

    from fvc.engines import heartbeat
    from fvc.video import frames_at
    from fvc.video.standardising import orientation

    pictures = []
    for frame in frames_at(shot.path, shot.times, on_frame=heartbeat).frames:
        turns, mirrored = orientation(frame)
        colours = np.asarray(frame.reformat(format="bgr24").to_ndarray(), dtype=np.uint8)
        turned = np.rot90(colours, -turns)
        image = np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)
        height, width = image.shape[:2]
        factor = min(_HEIGHT / height, _WIDEST / width)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        pictures.append(coded.tobytes())
    return pictures


def make_sheet(
    rows: Iterable[Mapping[str, Any]],
    pictures: Mapping[Shot, list[bytes]],
    *,
    heading: str,
    notes: Iterable[str] = (),
) -> str:
    """Make the sheet.

    Parameters
    ----------
    rows
        Pairs with the columns of the table of pairs, and ``shot_a`` and ``shot_b``.
    pictures
        JPEG files of each shot; a shot without any is said to have none.
    heading
        The first line.
    notes
        Further sentences.

    Returns
    -------
    str
        One HTML document that loads nothing from elsewhere.
    """
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>Near-duplicates</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(heading)}</h1>",
        *(f"<p>{html.escape(note)}</p>" for note in notes),
    ]
    for number, row in enumerate(rows, start=1):
        parts.append(_section(number, row, pictures))
    parts.append("</body></html>")
    return "\n".join(parts) + "\n"


def _section(number: int, row: Mapping[str, Any], pictures: Mapping[Shot, list[bytes]]) -> str:
    kind = "within" if row["same_group"] else "across"
    groups = (
        f"both in group {row['group_a']}"
        if row["same_group"]
        else f"in groups {row['group_a']} and {row['group_b']}"
    )
    transform = "" if row["transform"] == "none" else f", {row['transform']}"
    title = (
        f"{number}. {groups}: {row['matching_frames']} of {row['frames']} frames, "
        f"{row['distance']:g} bits apart{transform}"
    )
    lines = [_line(row, side, pictures) for side in "ab"]
    return f'<section class="{kind}"><h2>{html.escape(title)}</h2>{"".join(lines)}</section>'


def _line(row: Mapping[str, Any], side: str, pictures: Mapping[Shot, list[bytes]]) -> str:
    shot: Shot = row[f"shot_{side}"]
    label = _LABELS[row[f"label_{side}"]]
    name = html.escape(str(row[f"source_{side}"]))
    shown = pictures.get(shot) or []
    figures = [
        f'<figure><img alt="frame of {name} at {time:.2f} s" '
        f'src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}">'
        f"<figcaption>{time:.2f} s</figcaption></figure>"
        for time, picture in zip(shot.times, shown, strict=False)
    ]
    if not figures:
        figures = ['<span class="none">no picture could be taken</span>']
    return (
        f'<div class="row"><div class="name"><span class="{label}">{label}</span> {name}'
        f"<small>{html.escape(Path(shot.path).name)}</small></div>{''.join(figures)}</div>"
    )
