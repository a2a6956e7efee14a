"""A small corpus of simulated clips in the shape of the Fake Video Corpus.

It shows that the pipeline works, and says nothing about real fakes: `make_simulated_archives` puts
a mark into ``Metadata.zip`` by which every later step calls its numbers simulated.
"""

import csv
import io
import string
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from fvc.dataset.passwords import find_password
from fvc.dataset.rendering import COPYINGS, Clip, render_clip
from fvc.dataset.scenes import Shot, random_camera, random_splice
from fvc.dataset.unpacking import SIMULATED_MARK
from fvc.dataset.zipcrypto import write_zipcrypto
from fvc.engines import LocalEngine
from fvc.errors import FVCError, OptionError
from fvc.tables import atomic_write

MIN_SOURCES = 12
_ARCHIVES = ("FVC1", "FVC2", "FVC3")
_SIZES = ((160, 120), (176, 144), (192, 108), (208, 118), (240, 136), (256, 144), (144, 256))
_RATES = (Fraction(15), Fraction(24), Fraction(25), Fraction(30), Fraction(30000, 1001))
_ENDINGS = (".mp4", ".mp4", ".mp4", ".mkv", ".webm")
_PLATFORMS = ("youtube", "youtube", "youtube", "facebook", "facebook", "twitter")
_SECONDS = (1.6, 1.7, 1.8, 1.9, 2.0, 2.1, 2.2, 2.3, 2.4)
_QUALITIES = tuple(range(16, 25))
_KEYFRAME_INTERVALS = (12, 15, 25, 30, 48, 60, 90)
_ID_LETTERS = string.ascii_letters + string.digits + "-_"

T = TypeVar("T")


@dataclass(frozen=True)
class _Upload:
    """One row of the corpus and the clip behind it."""

    archive: str
    platform: str
    video_id: str
    cascades: tuple[str, ...]
    label: str
    duplicate: bool
    clip: Clip

    @property
    def url(self) -> str:
        if self.platform == "youtube":
            return f"https://www.youtube.com/watch?v={self.video_id}"
        if self.platform == "facebook":
            return f"https://www.facebook.com/simulated/videos/{self.video_id}/"
        return f"https://twitter.com/simulated/status/{self.video_id}"

    @property
    def member(self) -> str:
        return f"{self.platform}/{self.video_id}/video{self.clip.path.suffix}"


def make_simulated_archives(
    folder: Path,
    *,
    num_sources: int = 60,
    seed: int = 0,
    password: str | None = None,
    workers: int | None = None,
) -> tuple[Path, ...]:
    """Make a small simulated corpus as four password-protected archives.

    Half of the clips are fakes: a region was pasted into them that is of lower resolution and has
    other noise than the rest. Sizes, rates, codecs, qualities and platforms are drawn without
    regard to the label. A fifth are re-uploads of another clip, in its cascade; some cascades hold
    a real clip and a fake made from it; two cascades share a clip; one clip has an uncertain label
    and one row has no clip. ``FVC1.zip`` and ``FVC3.zip`` are AES-encrypted, the others ZipCrypto.

    Parameters
    ----------
    folder
        Receives ``FVC1.zip``, ``FVC2.zip``, ``FVC3.zip`` and ``Metadata.zip``.
    num_sources
        Number of real and fake clips, re-uploads included; at least 12.
    seed
        Of everything drawn.
    password
        Of the archives; by default as `setup_dataset` looks for it.
    workers
        Processes that render side by side; by default one a core.

    Returns
    -------
    tuple of Path
        The four archives.

    Raises
    ------
    OptionError
        Fewer than 12 sources are asked for.
    OutputError
        The disk is full, read-only or forbidden.
    """
    if num_sources < MIN_SOURCES:
        raise OptionError(f"num_sources must be {MIN_SOURCES} or more, not {num_sources}")
    secret = find_password(password)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".simulated-", dir=folder) as scratch:
        uploads = _plan(num_sources, seed, Path(scratch))
        for outcome in LocalEngine(workers).submit(render_clip, [u.clip for u in uploads]):
            if outcome.failure is not None:
                raise FVCError(f"rendering {outcome.unit.path.name}: {outcome.failure.reason}")
        for archive in _ARCHIVES:
            members = [(u.member, u.clip.path) for u in uploads if u.archive == archive]
            path = folder / f"{archive}.zip"
            if archive == "FVC2":
                content = ((name, clip.read_bytes()) for name, clip in members)
                write_zipcrypto(path, content, password=secret, deflate=False)
            else:
                _write_aes(path, members, secret)
    texts = _csv_files(uploads, seed)
    write_zipcrypto(folder / "Metadata.zip", texts, password=secret)
    return tuple(folder / f"{name}.zip" for name in (*_ARCHIVES, "Metadata"))


class _Technique:
    """How clips were made and where they went, dealt without regard to the label.

    Each class is dealt from shuffled decks of the same values, so that size, rate and the like are
    spread alike over both and say next to nothing about the label.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self._decks: dict[tuple[str, str], list[Any]] = {}

    def draw(self, label: str, name: str, values: Sequence[T]) -> T:
        deck = self._decks.setdefault((label, name), [])
        if not deck:
            deck.extend(values[i] for i in self.rng.permutation(len(values)))
        drawn: T = deck.pop()
        return drawn

    def video_id(self, platform: str) -> str:
        if platform == "youtube":
            letters = self.rng.integers(len(_ID_LETTERS), size=11)
            return "".join(_ID_LETTERS[i] for i in letters)
        return str(self.rng.integers(10**14, 10**15))


def _plan(num_sources: int, seed: int, scratch: Path) -> list[_Upload]:
    # What a clip shows and how it was made are drawn from streams that do not know each other.
    content, dealing = np.random.default_rng(seed).spawn(2)
    technique = _Technique(dealing)
    n_copies = num_sources // 5
    n_scenes = num_sources - n_copies
    # A mixed copy is a fake made from a real clip; the classes come out equal.
    n_mixed = max(1, n_copies // 4)
    n_real_copies = n_copies // 2
    n_real = num_sources // 2 - n_real_copies
    labels = content.permutation(["real"] * n_real + ["fake"] * (n_scenes - n_real))
    uploads: list[_Upload] = []
    for label in map(str, labels):
        clip = _clip(content, technique, label)
        cascade = f"{label[0]}{sum(u.label == label for u in uploads)}"
        uploads.append(_placed(technique, clip, scratch, (cascade,), label, duplicate=False))
    real, fake = (np.flatnonzero(labels == side) for side in ("real", "fake"))
    copied = [
        *content.choice(real, n_real_copies + n_mixed, replace=False),
        *content.choice(fake, n_copies - n_real_copies - n_mixed, replace=False),
    ]
    for number, i in enumerate(copied):
        original = uploads[i]
        label = "fake" if number < n_mixed else original.label
        clip = _upload_again(technique, original.clip, label)
        if label != original.label:
            clip = replace(clip, shot=replace(clip.shot, splice=random_splice(content)))
        uploads.append(_placed(technique, clip, scratch, original.cascades, label, duplicate=True))
    _join_two_cascades(uploads, n_scenes)
    doubted = _upload_again(technique, uploads[0].clip, "uncertain")
    cascades = uploads[0].cascades
    uploads.append(_placed(technique, doubted, scratch, cascades, "uncertain", duplicate=True))
    return uploads


def _join_two_cascades(uploads: list[_Upload], n_scenes: int) -> None:
    for position in range(n_scenes, len(uploads)):
        copy = uploads[position]
        for other in uploads[:n_scenes]:
            if other.label == copy.label and other.cascades != copy.cascades:
                uploads[position] = replace(copy, cascades=copy.cascades + other.cascades)
                return


def _clip(content: np.random.Generator, technique: _Technique, label: str) -> Clip:
    width, height = technique.draw(label, "size", _SIZES)
    fps = technique.draw(label, "rate", _RATES)
    shot = Shot(
        width=width,
        height=height,
        frames=round(technique.draw(label, "seconds", _SECONDS) * fps),
        scene_seed=int(content.integers(1 << 31)),
        camera=random_camera(content),
        splice=random_splice(content) if label == "fake" else None,
    )
    interval = technique.draw(label, "interval", _KEYFRAME_INTERVALS)
    return Clip(Path(), shot, fps, technique.draw(label, "quality", _QUALITIES), interval)


def _upload_again(technique: _Technique, clip: Clip, label: str) -> Clip:
    return replace(
        clip,
        quality=technique.draw(label, "quality", _QUALITIES) + 2,
        keyframe_interval=technique.draw(label, "interval", _KEYFRAME_INTERVALS),
        copying=technique.draw(label, "copying", COPYINGS),
    )


def _placed(
    technique: _Technique,
    clip: Clip,
    scratch: Path,
    cascades: tuple[str, ...],
    label: str,
    *,
    duplicate: bool,
) -> _Upload:
    platform = technique.draw(label, "platform", _PLATFORMS)
    video_id = technique.video_id(platform)
    ending = technique.draw(label, "ending", _ENDINGS)
    clip = replace(clip, path=scratch / f"{platform}_{video_id}{ending}")
    archive = technique.draw(label, "archive", _ARCHIVES)
    return _Upload(archive, platform, video_id, cascades, label, duplicate, clip)


def _write_aes(path: Path, members: Sequence[tuple[str, Path]], password: str) -> None:
    import pyzipper

    with (
        atomic_write(path) as temporary,
        pyzipper.AESZipFile(temporary, "w", encryption=pyzipper.WZ_AES) as archive,
    ):
        archive.setpassword(password.encode())
        for name, clip in members:
            archive.write(clip, name)


def _csv_files(uploads: Sequence[_Upload], seed: int) -> list[tuple[str, bytes]]:
    header = ("cascade_id", "video_url", "label")
    rows: dict[bool, list[tuple[str, str, str]]] = {False: [], True: []}
    for upload in uploads:
        rows[upload.duplicate] += [(c, upload.url, upload.label) for c in upload.cascades]
    # As in the real corpus, not every video listed can still be had.
    gone = "https://www.youtube.com/watch?v=simulated_0"
    rows[True].append((uploads[0].cascades[0], gone, uploads[0].label))
    mark = (("simulated", "generator", "seed"), [("true", "fvc.dataset.simulated", str(seed))])
    return [
        ("FVC.csv", _csv(header, rows[False])),
        ("FVC_dup.csv", _csv(header, rows[True])),
        (SIMULATED_MARK, _csv(*mark)),
    ]


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
