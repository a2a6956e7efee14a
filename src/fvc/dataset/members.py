"""What an archive's directory says of its members, checked before anything is written."""

import re
import stat
import struct
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath

from fvc.dataset.ciphers import AES_KEY_BYTES

VIDEO_ENDINGS = frozenset(
    {
        ".mp4",
        ".mkv",
        ".webm",
        ".mov",
        ".avi",
        ".m4v",
        ".flv",
        ".3gp",
        ".mpg",
        ".mpeg",
        ".wmv",
        ".ts",
    }
)
EXTRACTED_ENDINGS = VIDEO_ENDINGS | {".csv"}
ARCHIVE_ENDINGS = frozenset({".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz"})

STORED, DEFLATED, AES_MARK = 0, 8, 99
_METHOD_NAMES = {9: "Deflate64", 12: "BZip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_ENCRYPTED, _PATCHED, _STRONG, _MASKED = 1 << 0, 1 << 5, 1 << 6, 1 << 13
_REPARSE_POINT = 0x400
_NO_OFFSET = 1 << 63
_MAX_NAME_BYTES, _MAX_PATH_BYTES, _MAX_DEPTH = 255, 1024, 16


@dataclass(frozen=True)
class Limits:
    """How much an archive may grow.

    Attributes
    ----------
    member_bytes
        Largest member, unpacked.
    total_bytes
        Largest sum over an archive's members, unpacked.
    ratio
        Largest growth of a member that unpacks to more than `ratio_free_bytes`; video hardly
        shrinks, a deflate bomb grows about a thousandfold.
    ratio_free_bytes
        Size below which growth is not looked at.
    members
        Largest number of members.
    """

    member_bytes: int = 64 << 30
    total_bytes: int = 2 << 40
    ratio: float = 100.0
    ratio_free_bytes: int = 8 << 20
    members: int = 500_000

    def allowed(self, compressed: int) -> int:
        """How many bytes a member of so many compressed bytes may unpack to."""
        return min(self.member_bytes, max(self.ratio_free_bytes, int(self.ratio * compressed)))


DEFAULT_LIMITS = Limits()


class MemberError(Exception):
    """A member that is not extracted; `kind` is the short word that reports count by."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@dataclass(frozen=True)
class Member:
    """A member that may be extracted.

    Attributes
    ----------
    name
        As the archive spells it.
    target
        Where it goes, below the archive's folder.
    method
        Compression: 0 stored, 8 deflated.
    aes_strength, aes_version
        Zero where the member is not AES-encrypted.
    """

    name: str
    target: PurePosixPath
    header_offset: int
    compressed_size: int
    size: int
    crc: int
    method: int
    encrypted: bool
    aes_strength: int
    aes_version: int

    @property
    def identity(self) -> tuple[str, int, int, int, int]:
        """What must be the same for an extracted file to be this member."""
        return (self.name, self.header_offset, self.compressed_size, self.size, self.crc)


def safe_target(name: str, *, archive_stem: str = "") -> PurePosixPath:
    """Where a member of this name belongs, below the archive's folder.

    Parameters
    ----------
    name
        The name as the archive has it.
    archive_stem
        A first folder of this name (in any case) is left out: ``FVC1.zip`` may hold ``FVC1/…``.

    Raises
    ------
    MemberError
        The name is absolute, leaves the folder, has a drive letter, backslash or control
        character, or is too long.
    """
    if not name or not name.strip("/"):
        raise MemberError("unsafe_path", "it has no name")
    if "\\" in name:
        raise MemberError("unsafe_path", "its name has a backslash")
    if name.startswith("/"):
        raise MemberError("unsafe_path", "its path is absolute")
    if re.match(r"[A-Za-z]:", name) or ":" in name:
        raise MemberError("unsafe_path", "its name has a colon, as a drive or a stream would")
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name):
        raise MemberError("unsafe_path", "its name has a control character")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise MemberError("unsafe_path", "its path leaves the folder with '..'")
    if len(parts) > 1 and archive_stem and parts[0].casefold() == archive_stem.casefold():
        parts = parts[1:]
    sizes = [len(part.encode()) for part in parts]
    if not parts:
        raise MemberError("unsafe_path", "it has no name")
    if max(sizes) > _MAX_NAME_BYTES or sum(sizes) > _MAX_PATH_BYTES or len(parts) > _MAX_DEPTH:
        raise MemberError("unsafe_path", "its path is too long or too deep")
    return PurePosixPath(*parts)


def check_member(info: zipfile.ZipInfo, *, archive_stem: str, limits: Limits) -> Member | None:
    """Turn a directory entry into a member that may be extracted.

    Returns
    -------
    Member or None
        None for a folder, and for a file of a kind that is not wanted here.

    Raises
    ------
    MemberError
        The member is not safe, not possible, or an archive within the archive.
    """
    target = safe_target(info.orig_filename, archive_stem=archive_stem)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or info.external_attr & _REPARSE_POINT:
        raise MemberError("link", "it is a link or a special file")
    if info.orig_filename.endswith("/") or kind == stat.S_IFDIR:
        return None
    ending = target.suffix.lower()
    if any(part.startswith(".") or part == "__MACOSX" for part in target.parts):
        return None
    if ending in ARCHIVE_ENDINGS:
        raise MemberError("nested_archive", "it is an archive within the archive: not opened")
    if ending not in EXTRACTED_ENDINGS:
        return None
    return _sized(info, target, limits)


def _sized(info: zipfile.ZipInfo, target: PurePosixPath, limits: Limits) -> Member:
    if not 0 <= info.header_offset < _NO_OFFSET:
        raise MemberError("corrupt", "the archive's directory places it outside of any file")
    flags = info.flag_bits
    if flags & (_STRONG | _MASKED):
        raise MemberError("encryption", "its encryption is neither ZipCrypto nor WinZip AES")
    if flags & _PATCHED:
        raise MemberError("compression", "it holds patch data")
    encrypted, method, strength, version = bool(flags & _ENCRYPTED), info.compress_type, 0, 0
    if method == AES_MARK:
        version, strength, method = _aes_extra(info.extra)
        if not encrypted:
            raise MemberError("encryption", "it claims AES and says that it is not encrypted")
    if method not in (STORED, DEFLATED):
        name = _METHOD_NAMES.get(method, "unknown")
        raise MemberError("compression", f"compression method {method} ({name}) is not supported")
    allowed = limits.allowed(info.compress_size)
    if info.file_size > allowed:
        raise MemberError(
            "bomb",
            f"it would grow from {info.compress_size:,} to {info.file_size:,} bytes; "
            f"at most {allowed:,} are allowed",
        )
    return Member(
        name=info.orig_filename,
        target=target,
        header_offset=info.header_offset,
        compressed_size=info.compress_size,
        size=info.file_size,
        crc=info.CRC,
        method=method,
        encrypted=encrypted,
        aes_strength=strength,
        aes_version=version,
    )


def _aes_extra(extra: bytes) -> tuple[int, int, int]:
    """Version, strength and true compression method from extra field 0x9901."""
    while len(extra) >= 4:
        tag, length = struct.unpack_from("<HH", extra)
        body = extra[4 : 4 + length]
        if tag == 0x9901 and len(body) == 7:
            version, vendor, strength, method = struct.unpack("<H2sBH", body)
            if vendor == b"AE" and version in (1, 2) and strength in AES_KEY_BYTES:
                return version, strength, method
        extra = extra[4 + length :]
    raise MemberError("encryption", "its AES parameters are missing or unknown")


class NameRegister:
    """Remembers targets and refuses those that would fall together.

    Parameters
    ----------
    case_sensitive
        Whether the target's file system tells ``a`` from ``A``. Where it does, names that differ
        by case are different files: video ids are case-sensitive.
    """

    def __init__(self, *, case_sensitive: bool) -> None:
        self._case_sensitive = case_sensitive
        self._seen: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, name: str, target: PurePosixPath) -> None:
        """Take a target, or raise `MemberError` where an earlier member has its place."""
        key = self._key(target)
        earlier = self._seen.get(key)
        if earlier is not None:
            if earlier == name:
                raise MemberError(
                    "duplicate", "a member of this name came before; that one is kept"
                )
            raise MemberError(
                "name_collision",
                f"it would fall together with {earlier!r} (spelling, case or Unicode form)",
            )
        above = [self._key(parent) for parent in target.parents if parent.parts]
        for folder in above:
            if folder in self._seen:
                raise MemberError(
                    "name_collision", f"{self._seen[folder]!r} is a file, not a folder"
                )
        if key in self._folders:
            raise MemberError(
                "name_collision", f"{self._folders[key]!r} needs a folder of this name"
            )
        self._seen[key] = name
        for folder in above:
            self._folders.setdefault(folder, name)

    def _key(self, path: PurePosixPath) -> str:
        text = unicodedata.normalize("NFC", str(path))
        return text if self._case_sensitive else unicodedata.normalize("NFC", text.casefold())
