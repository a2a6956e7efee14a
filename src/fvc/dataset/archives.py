"""Password-protected ZIP archives: streamed out, checked, and never half there."""

import contextlib
import os
import struct
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fvc.dataset.ciphers import WrongPasswordError
from fvc.dataset.journal import ExtractionJournal
from fvc.dataset.members import (
    DEFAULT_LIMITS,
    Limits,
    Member,
    MemberError,
    NameRegister,
    check_member,
)
from fvc.dataset.streaming import LOCAL_HEADER, copy_member, open_member
from fvc.errors import ArchiveError, OutputError
from fvc.tables import TEMPORARY_MARK, atomic_write, output_error

_PROBES = 8
_BAD_DIRECTORY = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, struct.error, NotImplementedError, EOFError),
    *(ValueError, OverflowError, IndexError, MemoryError),
)


@dataclass(frozen=True)
class MemberFailure:
    """A member that was not extracted, and why."""

    member: str
    kind: str
    reason: str


@dataclass
class Extraction:
    """What became of one archive.

    Attributes
    ----------
    archive, target
        The file, and the folder it was extracted to.
    extracted, resumed
        Members written now, and members that an earlier run had written and that are intact.
    bytes_written
        Unpacked size of the members written now.
    failures
        Members left out, with the reason.
    ignored
        Number of files of kinds that are not wanted, by ending.
    """

    archive: Path
    target: Path
    extracted: int = 0
    resumed: int = 0
    bytes_written: int = 0
    failures: list[MemberFailure] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


def extract_archive(
    archive: Path,
    target: Path,
    *,
    password: str,
    limits: Limits = DEFAULT_LIMITS,
    on_progress: Callable[[int, int], None] | None = None,
) -> Extraction:
    """Extract the videos and CSVs of a ZIP archive.

    A member is streamed through decryption, decompression and CRC in blocks of 256 KiB to a
    temporary file that gets its name only when size, CRC and authentication code are right. A
    member that is unsafe, damaged or too large is left out and reported; the others are extracted.
    What an earlier run extracted and recorded is not extracted again.

    Parameters
    ----------
    archive
        A ZIP file: ZipCrypto, WinZip AES or plain; stored or deflated; Zip64 too.
    target
        The folder that receives the members; nothing is written outside it.
    password
        For encrypted members.
    limits
        How far members may grow.
    on_progress
        Called with the compressed bytes dealt with and their total.

    Raises
    ------
    ArchiveError
        The file is not a whole ZIP archive, or the password is wrong.
    OutputError
        The disk is full or cannot be written.
    """
    result = Extraction(archive, target)
    secret = password.encode()
    with _opened(archive) as (stream, entries):
        if len(entries) > limits.members:
            raise ArchiveError(archive, f"has {len(entries):,} members; {limits.members:,} at most")
        _make_folder(target)
        members = _select(entries, result, archive.stem, limits)
        _check_password(archive, stream, members, secret)
        journal = ExtractionJournal(target)
        todo = []
        for member in members:
            if journal.holds(member):
                result.resumed += 1
            else:
                todo.append(member)
        _check_space(target, todo)
        total = sum(m.compressed_size for m in members)
        done = total - sum(m.compressed_size for m in todo)
        left = limits.total_bytes
        for member in todo:
            if on_progress is not None:
                on_progress(done, total)
            done += member.compressed_size
            try:
                size, crc = _extract(stream, member, target, secret, limits, left)
            except MemberError as error:
                result.failures.append(MemberFailure(member.name, error.kind, error.reason))
                continue
            journal.add(member, size=size, crc=crc)
            left -= size
            result.extracted += 1
            result.bytes_written += size
        if on_progress is not None:
            on_progress(total, total)
    return result


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[tuple[BinaryIO, list[zipfile.ZipInfo]]]:
    try:
        stream = archive.open("rb")
    except OSError as error:
        raise ArchiveError(archive, f"cannot be opened: {error.strerror or error}") from error
    with stream:
        try:
            # Only the directory is read through the standard library; members are read here.
            with zipfile.ZipFile(stream) as directory:
                entries = directory.infolist()
        except _BAD_DIRECTORY as error:
            raise ArchiveError(
                archive,
                f"is not a whole ZIP archive ({error}). It is damaged or was cut off on its way: "
                "fetch it again",
            ) from error
        except OSError as error:
            raise ArchiveError(archive, f"cannot be read: {error.strerror or error}") from error
        yield stream, entries


def _make_folder(target: Path) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error, target) or OutputError(
            f"cannot make {target}: {error}"
        ) from error
    for left in target.rglob(f"{TEMPORARY_MARK}*"):
        left.unlink(missing_ok=True)


def _case_sensitive(folder: Path) -> bool:
    probe = folder / f"{TEMPORARY_MARK}case-probe"
    try:
        probe.touch()
        return not probe.with_name(probe.name.upper()).exists()
    except OSError as error:
        raise output_error(error, folder) or OutputError(f"{folder}: {error}") from error
    finally:
        probe.unlink(missing_ok=True)


def _select(
    entries: list[zipfile.ZipInfo], result: Extraction, stem: str, limits: Limits
) -> list[Member]:
    members = []
    names = NameRegister(case_sensitive=_case_sensitive(result.target))
    taken_to = -1
    for info in sorted(entries, key=lambda entry: entry.header_offset):
        try:
            member = check_member(info, archive_stem=stem, limits=limits)
            if info.header_offset < taken_to:
                raise MemberError("bomb", "its data overlap those of another member")
            taken_to = info.header_offset + LOCAL_HEADER.size + info.compress_size
            if member is None:
                if not info.orig_filename.endswith("/"):
                    result.ignored[Path(info.orig_filename).suffix.lower() or "(none)"] += 1
                continue
            names.add(member.name, member.target)
        except MemberError as error:
            result.failures.append(MemberFailure(info.orig_filename, error.kind, error.reason))
            continue
        members.append(member)
    return members


def _check_password(archive: Path, stream: BinaryIO, members: list[Member], secret: bytes) -> None:
    """Say once that the password is wrong, instead of once a member."""
    encrypted = [member for member in members if member.encrypted][:_PROBES]
    refused = 0
    for member in encrypted:
        try:
            open_member(stream, member, secret)
            return
        except WrongPasswordError:
            refused += 1
        except MemberError:
            continue
        except OSError as error:
            raise ArchiveError(archive, f"cannot be read: {error.strerror or error}") from error
    if refused:
        raise ArchiveError(
            archive,
            "the password is wrong. Put the right one into FVC_ARCHIVE_PASSWORD or a file for "
            "--password-file",
        )


def _check_space(target: Path, todo: list[Member]) -> None:
    needed = sum(member.size for member in todo)
    disk = os.statvfs(target)
    free = disk.f_bavail * disk.f_frsize
    if needed > free:
        raise OutputError(
            f"{target} needs {needed / 1e9:.1f} GB and has {free / 1e9:.1f} GB free. Nothing was "
            "extracted: make room and run the same command again."
        )


def _extract(
    stream: BinaryIO, member: Member, target: Path, secret: bytes, limits: Limits, left: int
) -> tuple[int, int | None]:
    """Write one member; return its size, and its CRC where it has one."""
    if member.size > left:
        raise MemberError("bomb", "the archive would grow beyond the total allowed")
    path = target.joinpath(*member.target.parts)
    try:
        decrypter, trailer_bytes = open_member(stream, member, secret)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.parent.resolve().is_relative_to(target.resolve()):
            raise MemberError("unsafe_path", "its folder is a link that leads out of the target")
        if path.is_dir():
            raise MemberError("name_collision", "a folder of its name is there")
        with atomic_write(path) as temporary, temporary.open("wb", buffering=0) as sink:
            size, crc = copy_member(stream, sink, member, decrypter, trailer_bytes)
    except WrongPasswordError:
        raise MemberError("password", "its password differs from that of the others") from None
    except OSError as error:
        known = output_error(error, path)
        if known is not None:
            raise known from error
        raise MemberError("unreadable", f"reading or writing failed: {error}") from error
    return size, crc
