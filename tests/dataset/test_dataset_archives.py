import base64
import os
import random
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_surgery import data_start, flip, patch_directory
from foreign_archives import (
    INFO_ZIP,
    INFO_ZIP64,
    SEVEN_ZIP_AES,
    SEVEN_ZIP_CRYPTO,
    TABLE,
    VIDEO,
)

from fvc.dataset.archives import Extraction, extract_archive
from fvc.dataset.journal import JOURNAL_NAME
from fvc.dataset.members import Limits
from fvc.dataset.zipcrypto import write_zipcrypto
from fvc.errors import ArchiveError, OutputError

PASSWORD = "pass word-ß"  # as the fixtures have it
Write = Callable[..., Path]
NOISE = random.Random(0).randbytes(700_001)
A, B, C = (f"youtube/{letter * 11}/video.mp4" for letter in "abc")


def extract(archive: Path, **options: object) -> Extraction:
    target = archive.parent / "videos"
    return extract_archive(archive, target, **{"password": PASSWORD, **options})  # type: ignore[arg-type]


def files(archive: Path) -> dict[str, bytes]:
    """Every file that is there, other than the journal; outside the target, too."""
    root = archive.parent
    return {
        str(path.relative_to(root / "videos" if path.is_relative_to(root / "videos") else root)): (
            path.read_bytes()
        )
        for path in root.rglob("*")
        if path.is_file() and path.name != JOURNAL_NAME and path != archive
    }


def kinds(result: Extraction) -> dict[str, str]:
    return {failure.member: failure.kind for failure in result.failures}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (INFO_ZIP, {"youtube/abc/video.mp4": VIDEO, "FVC.csv": TABLE}),
        (INFO_ZIP64, {"FVC.csv": TABLE}),
        (SEVEN_ZIP_AES, {"youtube/abc/video.mp4": VIDEO, "FVC.csv": TABLE}),
        (SEVEN_ZIP_CRYPTO, {"youtube/abc/video.mp4": VIDEO, "FVC.csv": TABLE}),
    ],
    ids=["zip", "zip64", "7z-aes", "7z-zipcrypto"],
)
def test_archives_of_other_programs_are_read(
    tmp_path: Path, content: str, names: dict[str, bytes]
) -> None:
    archive = tmp_path / "FVC1.zip"
    archive.write_bytes(base64.b64decode(content))
    result = extract(archive, password="m3v3r!@")
    assert not result.failures
    assert files(archive) == names


@pytest.mark.parametrize("deflate", [True, False])
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 262_143, 262_144, 262_145, 700_001])
def test_both_ciphers_give_back_every_byte(
    tmp_path: Path, write_aes: Write, size: int, deflate: bool
) -> None:
    content = NOISE[:size]
    aes = write_aes([(A, content), (B, content[::-1])], deflate=deflate)
    assert extract(aes).extracted == 2
    assert files(aes) == {A: content, B: content[::-1]}
    crypto = tmp_path / "crypto" / "FVC1.zip"
    crypto.parent.mkdir()
    write_zipcrypto(crypto, [(A, content[:20_000])], password=PASSWORD, deflate=deflate)
    assert extract(crypto).extracted == 1
    assert files(crypto) == {A: content[:20_000]}


@pytest.mark.parametrize("bits", [128, 192, 256])
@pytest.mark.parametrize("version", [1, 2])
def test_every_strength_and_version_of_aes_is_read(
    write_aes: Write, bits: int, version: int
) -> None:
    archive = write_aes([(A, NOISE)], bits=bits, version=version)
    assert not extract(archive).failures
    assert files(archive) == {A: NOISE}


def test_our_zipcrypto_is_what_the_standard_library_reads(tmp_path: Path) -> None:
    archive = tmp_path / "FVC1.zip"
    write_zipcrypto(archive, [(A, NOISE[:5_000])], password=PASSWORD)
    with zipfile.ZipFile(archive) as reader:
        assert reader.read(A, pwd=PASSWORD.encode()) == NOISE[:5_000]


def test_reading_zipcrypto_leaves_the_standard_library_alone(tmp_path: Path) -> None:
    code = (
        "import zipfile; before = (zipfile.ZipExtFile, zipfile._ZipDecrypter)\n"
        "from pathlib import Path; from fvc.dataset.archives import extract_archive\n"
        "from fvc.dataset.zipcrypto import write_zipcrypto\n"
        "a = Path('FVC1.zip'); write_zipcrypto(a, [('a.csv', b'x')], password='p')\n"
        "assert extract_archive(a, Path('out'), password='p').extracted == 1\n"
        "assert before == (zipfile.ZipExtFile, zipfile._ZipDecrypter)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("/tmp/fvc-escaped.mp4", "unsafe_path"),
        ("../escaped.mp4", "unsafe_path"),
        ("youtube/../../escaped.mp4", "unsafe_path"),
        ("C:/escaped.mp4", "unsafe_path"),
        ("..\\escaped.mp4", "unsafe_path"),
        ("inner.zip", "nested_archive"),
        ("../readme.txt", "unsafe_path"),
    ],
)
def test_a_dangerous_member_is_reported_and_the_rest_extracted(
    write_plain: Write, name: str, kind: str
) -> None:
    archive = write_plain([(name, b"evil"), (A, b"good")])
    result = extract(archive)
    assert kinds(result) == {name: kind}
    assert files(archive) == {A: b"good"}
    assert not Path("/tmp/fvc-escaped.mp4").exists()


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010644, 0o140755])
def test_links_and_special_files_are_refused(write_plain: Write, mode: int) -> None:
    link = zipfile.ZipInfo("youtube/link.mp4")
    link.create_system, link.external_attr = 3, mode << 16
    archive = write_plain([(link, b"/etc/passwd"), (A, b"good")])
    assert kinds(extract(archive)) == {"youtube/link.mp4": "link"}
    assert files(archive) == {A: b"good"}


def test_a_folder_that_is_a_link_out_of_the_target_is_not_followed(write_plain: Write) -> None:
    archive = write_plain([(A, b"evil")])
    outside = archive.parent / "outside"
    outside.mkdir()
    (archive.parent / "videos").mkdir()
    (archive.parent / "videos" / "youtube").symlink_to(outside)
    result = extract(archive)
    assert kinds(result) == {A: "unsafe_path"}
    assert [p for p in outside.rglob("*") if p.is_file()] == []


def test_of_members_with_one_name_the_first_is_kept(write_plain: Write) -> None:
    archive = write_plain([(A, b"first"), (A, b"second")])
    result = extract(archive)
    assert kinds(result) == {A: "duplicate"}
    assert files(archive) == {A: b"first"}


def test_names_that_differ_by_unicode_form_do_not_overwrite_each_other(write_plain: Write) -> None:
    composed, decomposed = "youtube/\u00e9/video.mp4", "youtube/e\u0301/video.mp4"
    archive = write_plain([(composed, b"first"), (decomposed, b"second")])
    assert kinds(extract(archive)) == {decomposed: "name_collision"}
    assert files(archive) == {composed: b"first"}


def test_names_that_differ_by_case_do_not_overwrite_each_other(write_plain: Write) -> None:
    upper = A.upper().replace("YOUTUBE", "youtube")
    archive = write_plain([(A, b"first"), (upper, b"second")])
    result = extract(archive)
    # Ids are case-sensitive: both are kept where the file system can tell them apart.
    there = files(archive)
    assert there[A] == b"first"
    assert there.get(upper) == b"second" or kinds(result) == {upper: "name_collision"}


def test_only_wanted_kinds_of_file_are_extracted(write_plain: Write) -> None:
    archive = write_plain([("a.txt", b""), ("b.py", b""), ("c.txt", b""), (A, b"x"), ("f/", b"")])
    result = extract(archive)
    assert result.ignored == {".txt": 2, ".py": 1}
    assert files(archive) == {A: b"x"}


def test_a_wrong_password_is_said_once_and_nothing_is_written(
    tmp_path: Path, write_aes: Write
) -> None:
    aes = write_aes([(A, NOISE), (B, NOISE)])
    crypto = tmp_path / "crypto.zip"
    write_zipcrypto(crypto, [(A, b"x" * 99), (B, b"y" * 99), (C, b"z" * 99)], password="right")
    for archive in (aes, crypto):
        with pytest.raises(ArchiveError, match="password is wrong") as caught:
            extract(archive, password="wrong" * 3)
        assert "wrongwrong" not in str(caught.value)
        assert not list((tmp_path / "videos").rglob("*.mp4"))


def test_a_member_with_a_password_of_its_own_is_reported(tmp_path: Path) -> None:
    archive = tmp_path / "FVC1.zip"
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    write_zipcrypto(first, [(A, b"first")], password=PASSWORD)
    write_zipcrypto(second, [(B, b"second")], password="else")
    archive.write_bytes(_joined(first.read_bytes(), second.read_bytes()))
    first.unlink()
    second.unlink()
    assert kinds(extract(archive)) == {B: "password"}
    assert files(archive) == {A: b"first"}


def _joined(first: bytes, second: bytes) -> bytes:
    """One archive of two that have one member each."""
    cut = [data.index(b"PK\x01\x02") for data in (first, second)]
    ends = [data.index(b"PK\x05\x06") for data in (first, second)]
    entry = bytearray(second[cut[1] : ends[1]])
    entry[42:46] = cut[0].to_bytes(4, "little")
    directory = first[cut[0] : ends[0]] + bytes(entry)
    end = bytearray(first[ends[0] :])
    end[8:12] = b"\x02\x00\x02\x00"
    end[12:16] = len(directory).to_bytes(4, "little")
    end[16:20] = (cut[0] + cut[1]).to_bytes(4, "little")
    return first[: cut[0]] + second[: cut[1]] + directory + bytes(end)


@pytest.mark.parametrize("cipher", ["aes", "aes-stored", "zipcrypto", "plain"])
def test_a_damaged_member_is_reported_and_never_there(
    tmp_path: Path, write_aes: Write, write_plain: Write, cipher: str
) -> None:
    members = [(A, NOISE), (B, b"good")]
    if cipher == "zipcrypto":
        archive = tmp_path / "FVC1.zip"
        write_zipcrypto(archive, [(A, NOISE[:9_000]), (B, b"good")], password=PASSWORD)
    elif cipher == "plain":
        archive = write_plain(members)
    else:
        archive = write_aes(members, deflate=cipher == "aes")
    flip(archive, data_start(archive, A) + 5_000)
    result = extract(archive)
    assert kinds(result) == {A: "corrupt"}
    assert files(archive) == {B: b"good"}


def test_a_wrong_crc_is_found_in_a_stored_member(write_plain: Write) -> None:
    info = zipfile.ZipInfo(A)
    archive = write_plain([(info, NOISE), (B, b"good")])
    patch_directory(archive, A, crc=zlib.crc32(NOISE) ^ 1)
    result = extract(archive)
    assert kinds(result) == {A: "corrupt"}
    assert "CRC" in result.failures[0].reason
    assert files(archive) == {B: b"good"}


def test_an_altered_authentication_code_is_found(write_aes: Write) -> None:
    archive = write_aes([(A, NOISE), (B, b"good")], deflate=False)
    flip(archive, data_start(archive, A) + 18 + len(NOISE) + 3)
    result = extract(archive)
    assert kinds(result) == {A: "corrupt"}
    assert files(archive) == {B: b"good"}


def test_a_bomb_is_refused_by_what_it_declares(write_plain: Write) -> None:
    archive = write_plain([(A, bytes(20 << 20)), (B, b"good")])
    result = extract(archive)
    assert kinds(result) == {A: "bomb"}
    assert files(archive) == {B: b"good"}


def test_a_bomb_that_declares_little_stops_there(write_plain: Write) -> None:
    archive = write_plain([(A, bytes(50 << 20)), (B, b"good")])
    patch_directory(archive, A, size=1_000)
    result = extract(archive)
    assert kinds(result) == {A: "bomb"}
    assert files(archive) == {B: b"good"}


def test_a_declared_size_that_is_too_large_is_corrupt(write_plain: Write) -> None:
    archive = write_plain([(A, NOISE), (B, b"good")])
    patch_directory(archive, A, size=len(NOISE) + 1)
    assert kinds(extract(archive)) == {A: "corrupt"}
    assert files(archive) == {B: b"good"}


def test_members_that_share_their_data_are_a_bomb(write_plain: Write) -> None:
    archive = write_plain([(A, NOISE), (B, NOISE[::-1]), (C, b"good")])
    patch_directory(archive, B, offset=0)
    assert B in kinds(extract(archive))
    assert B not in files(archive)
    assert files(archive)[C] == b"good"


def test_the_sum_of_all_members_is_bounded(write_plain: Write) -> None:
    archive = write_plain([(A, NOISE), (B, NOISE), (C, b"small")])
    result = extract(archive, limits=Limits(total_bytes=len(NOISE) + 10))
    assert kinds(result) == {B: "bomb"}
    assert set(files(archive)) == {A, C}


def test_too_many_members_are_refused(write_plain: Write) -> None:
    archive = write_plain([(A, b""), (B, b""), (C, b"")])
    with pytest.raises(ArchiveError, match="3 members"):
        extract(archive, limits=Limits(members=2))


def test_memory_does_not_grow_with_a_member(write_plain: Write) -> None:
    archive = write_plain([(A, bytes(64 << 20))])
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from fvc.dataset.archives import extract_archive; from fvc.dataset.members import Limits\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "r = extract_archive(Path(sys.argv[1]), Path('o'), password='', limits=Limits(ratio=2e3))\n"
        "assert r.extracted == 1, r\n"
        "assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000\n"
    )
    command = [sys.executable, "-c", code, str(archive)]
    subprocess.run(command, cwd=archive.parent, check=True)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"flags": 0x41}, "encryption"),
        ({"flags": 0x2001}, "encryption"),
        ({"flags": 0x20}, "compression"),
        ({"method": 9}, "compression"),
        ({"method": 99, "flags": 1}, "encryption"),
        ({"offset": 7}, "corrupt"),
    ],
)
def test_what_cannot_be_decoded_is_said(
    write_plain: Write, fields: dict[str, int], kind: str
) -> None:
    archive = write_plain([(A, NOISE), (B, b"good")])
    patch_directory(archive, A, **fields)
    assert kinds(extract(archive))[A] == kind
    assert files(archive) == {B: b"good"}


def test_a_name_that_differs_between_directory_and_header_is_corrupt(write_plain: Write) -> None:
    archive = write_plain([(A, b"evil"), (B, b"good")])
    flip(archive, 30)
    assert kinds(extract(archive)) == {A: "corrupt"}


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_archive_is_refused_whole(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "FVC1.zip"
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match="fetch it again"):
        extract(archive)


def test_a_truncated_archive_is_refused_whole(write_aes: Write) -> None:
    archive = write_aes([(A, NOISE), (B, NOISE)])
    data = archive.read_bytes()
    for length in (len(data) // 2, len(data) - 1, len(data) - 30):
        archive.write_bytes(data[:length])
        with pytest.raises(ArchiveError):
            extract(archive)


def test_a_directory_that_places_members_before_the_file_is_corrupt(write_aes: Write) -> None:
    archive = write_aes([(A, NOISE[:3_000]), (B, NOISE[:3_000])])
    data = bytearray(archive.read_bytes())
    place = data.rindex(b"PK\x05\x06") + 16
    # With a directory said to begin later than it does, the first member begins before the file.
    (start,) = struct.unpack_from("<L", data, place)
    struct.pack_into("<L", data, place, start + 100)
    archive.write_bytes(data)
    assert set(kinds(extract(archive)).values()) == {"corrupt"}
    assert files(archive) == {}


def test_any_damage_ends_in_a_report_or_an_archive_error(tmp_path: Path, write_aes: Write) -> None:
    archive = write_aes([(A, NOISE[:3_000]), (B, NOISE[:3_000])])
    whole = archive.read_bytes()
    rng = random.Random(1)
    contents = {A: NOISE[:3_000], B: NOISE[:3_000]}
    for number in range(150):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            # The directory, which steers everything, is hit half of the time.
            start = 0 if rng.random() < 0.5 else whole.index(b"PK\x01\x02")
            data[rng.randrange(start, len(data))] = rng.randrange(256)
        damaged = tmp_path / f"{number}" / "FVC1.zip"
        damaged.parent.mkdir()
        damaged.write_bytes(data)
        try:
            extract(damaged)
        except ArchiveError:
            continue
        for content in files(damaged).values():
            assert content in contents.values()


def test_a_second_run_extracts_only_what_is_missing_or_changed(write_aes: Write) -> None:
    archive = write_aes([(A, NOISE), (B, b"b"), (C, b"c")], version=1)
    target = archive.parent / "videos"
    assert extract(archive).extracted == 3
    before = (target / A).stat().st_mtime_ns
    (target / B).unlink()
    (target / C).write_bytes(b"x")
    (target / A).with_name(".part-abc.mp4").write_bytes(b"left by a killed run")
    result = extract(archive)
    assert (result.extracted, result.resumed) == (2, 1)
    assert (target / A).stat().st_mtime_ns == before
    assert files(archive) == {A: NOISE, B: b"b", C: b"c"}


def test_a_copied_file_with_another_time_is_recognised_by_its_crc(write_aes: Write) -> None:
    archive = write_aes([(A, NOISE)], version=1)
    extract(archive)
    os.utime(archive.parent / "videos" / A, (1, 1))
    assert extract(archive).resumed == 1
    (archive.parent / "videos" / A).write_bytes(NOISE[::-1])
    assert extract(archive).extracted == 1
    assert files(archive) == {A: NOISE}


def test_a_shortened_file_is_noticed_whatever_its_time(write_aes: Write) -> None:
    archive = write_aes([(A, NOISE)])
    extract(archive)
    path = archive.parent / "videos" / A
    time = path.stat().st_mtime_ns
    path.write_bytes(NOISE[:-1])
    os.utime(path, ns=(time, time))
    assert extract(archive).extracted == 1
    assert files(archive) == {A: NOISE}


def test_another_archive_of_the_same_name_is_extracted_anew(write_aes: Write) -> None:
    extract(write_aes([(A, b"old!")], version=1))
    archive = write_aes([(A, b"new!")], version=1)
    assert extract(archive).extracted == 1
    assert files(archive) == {A: b"new!"}


def test_a_torn_journal_line_costs_one_member_only(write_aes: Write) -> None:
    archive = write_aes([(A, NOISE), (B, b"b")])
    extract(archive)
    journal = archive.parent / "videos" / JOURNAL_NAME
    journal.write_bytes(journal.read_bytes()[:-10])
    assert extract(archive).extracted == 1
    assert extract(archive).resumed == 2


def test_a_disk_without_room_is_said_before_anything_is_written(
    write_plain: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_plain([(A, NOISE)])
    monkeypatch.setattr(
        os, "statvfs", lambda _: os.statvfs_result((4096, 4096, 9, 9, 9) + (0,) * 5)
    )
    with pytest.raises(OutputError, match="make room"):
        extract(archive)
    assert A not in files(archive)
