"""Deflate bombs of ten gigabytes in ten megabytes: refused, or stopped where they said they end."""

import resource
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from fvc.dataset.archives import extract_archive
from fvc.dataset.zipcrypto import write_zipcrypto
from fvc.tables import read_table

MakeVideo = Callable[..., Path]
TEN_GB = 10 << 30
BOMB, GOOD = "youtube/aaaaaaaaaaa/video.mp4", "youtube/bbbbbbbbbbb/video.mp4"


def write_bomb(path: Path, declared: int) -> Path:
    """Write an archive with a member of ten gigabytes of zeros that declares another size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = start + again * ((TEN_GB >> 20) - 1) + packer.flush()
    name = BOMB.encode()
    big = struct.pack("<HHQ", 1, 8, declared)
    local = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", 45, 0, 8, 0, 0x21, 0, len(packed), 2**32 - 1, len(name), 20
    ) + name + struct.pack("<HHQQ", 1, 16, declared, len(packed))  # fmt: skip
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 45, 45, 0, 8, 0, 0x21, 0, len(packed), 2**32 - 1, len(name),
        len(big), 0, 0, 0, 0, 0,
    ) + name + big  # fmt: skip
    place = len(local) + len(packed)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), place, 0)
    path.write_bytes(local + packed + entry + end)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(GOOD, b"good")
    return path


@pytest.mark.parametrize("declared", [TEN_GB, 1000, 50 << 20])
def test_a_bomb_is_stopped_and_the_rest_extracted(tmp_path: Path, declared: int) -> None:
    """No file grows beyond what was declared: the kernel would say so."""
    archive = write_bomb(tmp_path / "FVC1.zip", declared)
    assert archive.stat().st_size < 12 << 20
    code = (
        "import sys; from pathlib import Path; from fvc.dataset.archives import extract_archive\n"
        "result = extract_archive(Path(sys.argv[1]), Path(sys.argv[2]), password='')\n"
        "print({f.member: f.kind for f in result.failures}, result.extracted)"
    )
    limit = 60 << 20
    done = subprocess.run(
        [sys.executable, "-c", code, str(archive), str(tmp_path / "videos")],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.stdout.strip() == f"{{{BOMB!r}: 'bomb'}} 1"
    there = list((tmp_path / "videos").rglob("*.mp4"))
    assert [p.read_bytes() for p in there] == [b"good"]


def test_a_bomb_that_is_encrypted_is_stopped_too(tmp_path: Path) -> None:
    archive = tmp_path / "FVC1.zip"
    write_zipcrypto(archive, [(BOMB, bytes(64 << 20)), (GOOD, b"good")], password="p")
    result = extract_archive(archive, tmp_path / "videos", password="p")
    assert {f.member: f.kind for f in result.failures} == {BOMB: "bomb"}
    assert result.extracted == 1


@pytest.mark.slow
def test_an_archive_that_calls_itself_a_video_is_not_opened(
    tmp_path: Path, make_video: MakeVideo
) -> None:
    from fvc.dataset import setup_dataset

    corpus = tmp_path / "corpus"
    make_video(corpus / "real" / "a.mp4")
    (corpus / "fake").mkdir()
    write_bomb(corpus / "fake" / "b.mp4", TEN_GB)
    report = setup_dataset(tmp_path / "project", corpus=corpus, workers=1)
    assert report.n_sources == 1
    (row,) = read_table(tmp_path / "project/data/failures.csv").to_dicts()
    assert row["kind"] == "not_a_video"
    assert "an archive, not a video" in row["reason"]
