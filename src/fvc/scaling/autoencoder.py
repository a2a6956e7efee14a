"""Scale frames, and let a variational autoencoder draw them again."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from fvc.engines import heartbeat
from fvc.errors import DataError, MissingExtraError, MissingInputError, VideoError
from fvc.scaling.resolution import Scaler
from fvc.video import Encoder, FilterGraph, Standardiser, decode, probe

BATCH_SIZE = 8
"""Frames at once, until the memory says otherwise."""

_CONFIG = "config.json"
_WEIGHTS = "diffusion_pytorch_model.safetensors"


@dataclass(frozen=True)
class AutoencoderFiles:
    """A variational autoencoder on this machine.

    Parameters
    ----------
    folder
        Holds ``config.json`` and ``diffusion_pytorch_model.safetensors``.
    digest
        SHA-256 of both: with other weights the scaled clips are others.
    """

    folder: Path
    digest: str


def find_autoencoder(name: str) -> AutoencoderFiles:
    """Find an autoencoder: a folder, or a name on the Hugging Face hub.

    Parameters
    ----------
    name
        A folder as ``AutoencoderKL.save_pretrained`` writes it, or ``owner/name``.

    Raises
    ------
    MissingInputError
        It is neither here nor to be had; the message says which files to fetch, and where to put
        them.
    MissingExtraError
        Diffusers is not installed.
    DataError
        The folder holds another kind of model.
    """
    folder = Path(name)
    if not folder.is_dir():
        folder = _from_hub(name)
    hashed = hashlib.sha256()
    for file in (_CONFIG, _WEIGHTS):
        if not (folder / file).is_file():
            raise MissingInputError(
                "not an autoencoder's folder: a file is missing",
                path=folder / file,
                remedy="Save it with AutoencoderKL.save_pretrained(folder)",
            )
        with (folder / file).open("rb") as content:
            hashed.update(hashlib.file_digest(content, "sha256").digest())
    config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    if config.get("_class_name") != "AutoencoderKL":
        raise DataError(
            f"{folder / _CONFIG} describes {config.get('_class_name')!r}, not AutoencoderKL"
        )
    return AutoencoderFiles(folder.absolute(), hashed.hexdigest())


def _from_hub(name: str) -> Path:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HFValidationError
    except ModuleNotFoundError as error:
        raise MissingExtraError("scaling by autoencoder", "deep") from error
    try:
        paths = [Path(hf_hub_download(name, file)) for file in (_CONFIG, _WEIGHTS)]
    # Whatever keeps the hub's client from a file is an OSError; a name that it cannot take is not.
    except (OSError, HFValidationError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise MissingInputError(
            f"the autoencoder {name!r} is not on this machine and could not be fetched ({reason})",
            remedy=f"Fetch {_CONFIG} and {_WEIGHTS} from https://huggingface.co/{name}/tree/main "
            "into a folder and give that folder with --autoencoder",
        ) from error
    return paths[0].parent


class Autoencoder:
    """Encode and decode frames with Diffusers' ``AutoencoderKL``, on a GPU where there is one.

    The latent's mean is decoded, so the same frames give the same frames. A batch that does not fit
    into the memory is halved, and stays so; the method is never another.

    Parameters
    ----------
    folder
        As of `AutoencoderFiles`.
    batch_size
        Frames at once.

    References
    ----------
    Kingma & Welling 2014, Auto-encoding variational Bayes. Rombach et al. 2022, High-resolution
    image synthesis with latent diffusion models.
    """

    def __init__(self, folder: Path, *, batch_size: int = BATCH_SIZE) -> None:
        try:
            import torch
            from diffusers import AutoencoderKL
        except ModuleNotFoundError as error:
            raise MissingExtraError("scaling by autoencoder", "deep") from error
        self.batch_size = batch_size
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        load: Any = AutoencoderKL.from_pretrained
        net = load(str(folder), use_safetensors=True, local_files_only=True)
        self._net = net.to(self.device).eval().requires_grad_(False)
        self._multiple = 2 ** (len(net.config.block_out_channels) - 1)

    def __call__(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Draw frames again.

        Parameters
        ----------
        frames : (n, H, W, 3) uint8
            RGB.

        Returns
        -------
        (n, H, W, 3) uint8

        Raises
        ------
        MemoryError
            Not even one frame fits into the memory.
        """
        import torch

        done: list[NDArray[np.uint8]] = []
        start = 0
        while start < len(frames):
            heartbeat()
            batch = frames[start : start + self.batch_size]
            try:
                done.append(self._draw(batch))
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not _out_of_memory(error):
                    raise
                if self.batch_size == 1:
                    raise MemoryError("a frame does not fit into the memory") from error
                self.batch_size = max(1, min(self.batch_size, len(batch)) // 2)
                torch.cuda.empty_cache()
                continue
            start += len(batch)
        return np.concatenate(done) if done else frames

    def _draw(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        import torch

        height, width = frames.shape[1:3]
        down, right = (-side % self._multiple for side in (height, width))
        edges = ((0, 0), (0, down), (0, right), (0, 0))
        padded = np.pad(frames, edges, mode="edge") if down or right else frames
        x = torch.from_numpy(padded).to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.no_grad():
            drawn = self._net.decode(self._net.encode(x).latent_dist.mode()).sample
        rgb = ((drawn[:, :, :height, :width] + 1) * 127.5).round().clamp(0, 255)
        out: NDArray[np.uint8] = rgb.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return out


def _out_of_memory(error: Exception) -> bool:
    import torch

    # On a processor torch says it with a plain RuntimeError.
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


@lru_cache(maxsize=1)
def load_autoencoder(folder: Path) -> Autoencoder:
    """Load an autoencoder once a process."""
    return Autoencoder(folder)


def redraw_video(
    source: Path, target: Path, target_size: int, autoencoder: Autoencoder
) -> tuple[tuple[int, int], Encoder]:
    """Scale a video file into another one, each frame drawn by the autoencoder.

    Timestamps, relative to the first, stay; memory does not grow with the clip.

    Returns
    -------
    (width, height), Encoder
        Size before, and what was written.

    Raises
    ------
    VideoError
        The source cannot be read, or not even one frame of it fits into the memory.
    """
    info = probe(source, on_frame=heartbeat)
    upright, scaler = Standardiser(), Scaler(target_size)
    size, colours = (0, 0), Colours()

    def scaled() -> Iterator[VideoFrame]:
        nonlocal size
        for frame in decode(source, on_frame=heartbeat):
            standard = upright(frame)
            size = (standard.width, standard.height)
            yield scaler(standard)

    with Encoder(target, fps=info.fps, sample_aspect_ratio=info.sample_aspect_ratio) as out:
        for batch in _batches(scaled(), autoencoder):
            try:
                drawn = autoencoder(np.stack([colours.to_rgb(frame) for frame in batch]))
            except MemoryError as error:
                raise VideoError(source, "memory", str(error)) from error
            for frame, rgb in zip(batch, drawn, strict=True):
                out.write(colours.of_rgb(rgb, frame))
    return size, out


def _batches(frames: Iterable[VideoFrame], autoencoder: Autoencoder) -> Iterator[list[VideoFrame]]:
    batch: list[VideoFrame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) >= autoencoder.batch_size:
            yield batch
            batch = []
    if batch:
        yield batch


# Rounding without dither: FFmpeg's quick conversions darken a picture by a level and a half.
_FLAGS = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact:sws_dither=none"
_MATRIX_NAMES = {1: "bt709", 4: "fcc", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}


class Colours:
    """The way from yuv420p frames of limited range to RGB and back, by the frames' own matrix."""

    def __init__(self) -> None:
        self._matrix = ""
        self._to_rgb: FilterGraph | None = None
        self._of_rgb: FilterGraph | None = None

    def to_rgb(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Return a frame as RGB (H, W, 3)."""
        to_rgb, _ = self._graphs(frame)
        return np.asarray(to_rgb.process(frame).to_ndarray(), dtype=np.uint8)

    def of_rgb(self, rgb: NDArray[np.uint8], like: VideoFrame) -> VideoFrame:
        """Return RGB (H, W, 3) as a frame with the time and the colour numbers of another."""
        _, of_rgb = self._graphs(like)
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        picture.pts, picture.time_base = like.pts, like.time_base
        drawn = of_rgb.process(picture)
        drawn.color_range, drawn.colorspace = like.color_range, like.colorspace
        drawn.color_primaries, drawn.color_trc = like.color_primaries, like.color_trc
        return drawn

    def _graphs(self, frame: VideoFrame) -> tuple[FilterGraph, FilterGraph]:
        matrix = _MATRIX_NAMES.get(int(frame.colorspace), "smpte170m")
        if self._to_rgb is None or self._of_rgb is None or matrix != self._matrix:
            self._matrix = matrix
            self._to_rgb = FilterGraph(
                [
                    ("scale", f"in_range=tv:out_range=pc:in_color_matrix={matrix}:{_FLAGS}"),
                    ("format", "rgb24"),
                ]
            )
            self._of_rgb = FilterGraph(
                [
                    ("scale", f"in_range=pc:out_range=tv:out_color_matrix={matrix}:{_FLAGS}"),
                    ("format", "yuv420p"),
                ]
            )
        return self._to_rgb, self._of_rgb
