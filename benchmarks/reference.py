"""What a user could do by hand: the same work as one FFmpeg command."""

import math
from pathlib import Path
from typing import Any

from fvc.augmentation.parameters import Variant
from fvc.video import ENCODER_SETTINGS


def encoder_options() -> list[str]:
    """The project's encoder settings on FFmpeg's command line."""
    names = {"codec": "c:v", "preset": "preset", "qp": "qp", "g": "g", "bf": "bf"}
    options = []
    for name, value in ENCODER_SETTINGS.items():
        options += [f"-{names.get(name, name)}", value]
    return [*options, "-pix_fmt", "yuv420p", "-threads", "1", "-an", "-fps_mode", "vfr"]


def start(source: Path) -> list[str]:
    """The beginning of a command that reads a clip on one thread."""
    one = ["-threads", "1", "-filter_threads", "1", "-filter_complex_threads", "1"]
    return ["ffmpeg", "-nostdin", "-v", "error", "-y", *one, "-i", str(source)]


def scale_command(source: Path, target: Path, width: int, height: int) -> list[str]:
    """Scale a clip bilinearly."""
    scale = ["-vf", f"scale={width}:{height}:flags=bilinear"]
    return [*start(source), *scale, *encoder_options(), str(target)]


def split_command(
    source: Path,
    variants: tuple[Variant, ...],
    folder: Path,
    *,
    width: int,
    height: int,
    fps: float,
) -> list[str]:
    """Make the copy and all variants in one process, with one decoding."""
    filters = ["null"]
    filters += [_filter(v.augmentation, v.parameters, width, height, fps) for v in variants]
    number = len(filters)
    graph = f"[0:v]split={number}" + "".join(f"[s{i}]" for i in range(number))
    graph += "".join(f";[s{i}]{text}[o{i}]" for i, text in enumerate(filters))
    command = [*start(source), "-filter_complex", graph]
    for i in range(number):
        command += ["-map", f"[o{i}]", *encoder_options(), str(folder / f"reference{i}.mp4")]
    return command


def copies_command(source: Path, number: int, folder: Path) -> list[str]:
    """Write a clip so many times, with one decoding and no filter."""
    command = start(source)
    for i in range(number):
        command += [*encoder_options(), str(folder / f"copy{i}.mp4")]
    return command


def raw_command(source: Path, target: Path, frames: int) -> list[str]:
    """Write a clip's first frames as they are, without a codec."""
    only = ["-frames:v", str(frames), "-pix_fmt", "yuv420p", "-fps_mode", "vfr"]
    return [*start(source), *only, "-f", "rawvideo", str(target)]


def encode_raw_command(raw: Path, target: Path | None, width: int, height: int) -> list[str]:
    """Encode frames without a codec; without a target, only read them."""
    shape = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", "30"]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-threads", "1", *shape, "-i", str(raw)]
    if target is None:
        return [*command, "-f", "null", "-"]
    return [*command, *encoder_options(), str(target)]


def _filter(name: str, p: dict[str, Any], width: int, height: int, fps: float) -> str:
    match name:
        case "rotation":
            return f"rotate={-math.radians(p['degrees'])}"
        case "flip":
            return "hflip" if p["axis"] == "horizontal" else "vflip"
        case "brightness":
            return f"lutyuv=y='clip(val+{p['shift'] * 219},16,235)'"
        case "contrast":
            gain = p["gain"]
            chroma = f"'clip(128+{gain}*(val-128),16,240)'"
            return f"lutyuv=y='clip(125.5+{gain}*(val-125.5),16,235)':u={chroma}:v={chroma}"
        case "saturation":
            chroma = f"'clip(128+{p['gain']}*(val-128),16,240)'"
            return f"lutyuv=u={chroma}:v={chroma}"
        case "noise":
            # Its strength is the span of a uniform distribution, summed three times.
            return f"noise=c0s={max(1, round(p['sigma'] * 3))}:c0f=t"
        case "blur":
            return f"gblur=sigma={p['sigma']}"
        case "affine":
            return _perspective(p, width, height)
        case "cutout":
            x, w = round(p["left"] * width), round(p["width"] * width)
            y, h = round(p["top"] * height), round(p["height"] * height)
            return f"drawbox=x={x}:y={y}:w={w}:h={h}:color=gray:t=fill"
        case "frame_drop":
            return f"select='mod(n+1,{p['every']})'"
        case "frame_duplicate":
            # As many frames as ours; FFmpeg has no filter that repeats one frame of a run.
            return f"fps={fps * (p['every'] + 1) / p['every']}"
        case "temporal_reverse":
            return "reverse"
    raise ValueError(name)


def _perspective(p: dict[str, Any], width: int, height: int) -> str:
    """Give the corners in the source of the four corners of the result."""
    from fvc.augmentation.geometry import affine

    matrix = affine(p, width, height).luma
    corners = []
    for x, y in ((0, 0), (width, 0), (0, height), (width, height)):
        corners += [matrix[0] @ (x, y, 1), matrix[1] @ (x, y, 1)]
    names = ("x0", "y0", "x1", "y1", "x2", "y2", "x3", "y3")
    points = ":".join(f"{n}={c:.3f}" for n, c in zip(names, corners, strict=True))
    return f"perspective={points}:interpolation=linear:sense=source"
