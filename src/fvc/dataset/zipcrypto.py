"""Writing ZIP archives with traditional encryption, which no library at hand does.

For the simulated corpus and the tests: real corpora are shipped in this form. It is a loop over
bytes, about 2 MB/s, and the encryption is weak (Biham & Kocher 1994): not for secrets.
"""

import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

from fvc.tables import atomic_write

_CRC_TABLE = tuple(zlib.crc32(bytes([255 - i])) ^ 0xFF000000 for i in range(256))
_TIME, _DATE = 0, (2018 - 1980) << 9 | 1 << 5 | 1
_VERSION = 20
_UTF8 = 1 << 11


def encrypt(data: bytes, password: bytes, *, check: int, salt: bytes) -> bytes:
    """Encrypt a member's compressed bytes, its 12-byte header included (APPNOTE 6.3.10, 6.1).

    Parameters
    ----------
    data
        Compressed bytes.
    password
        As bytes.
    check
        Last byte of the header, which readers compare: the CRC's highest.
    salt
        Eleven random bytes.
    """
    key0, key1, key2 = 0x12345678, 0x23456789, 0x34567890
    table = _CRC_TABLE
    out = bytearray()
    append = out.append
    for position, byte in enumerate(password + salt + bytes([check]) + data):
        if position >= len(password):
            mask = key2 | 2
            append(byte ^ ((mask * (mask ^ 1)) >> 8 & 0xFF))
        key0 = key0 >> 8 ^ table[(key0 ^ byte) & 0xFF]
        key1 = ((key1 + (key0 & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        key2 = key2 >> 8 ^ table[(key2 ^ key1 >> 24) & 0xFF]
    return bytes(out)


def write_zipcrypto(
    path: Path, members: Iterable[tuple[str, bytes]], *, password: str, deflate: bool = True
) -> None:
    """Write an archive encrypted the traditional way.

    Parameters
    ----------
    path
        The archive.
    members
        Names and contents; archives below 4 GiB only.
    password
        For all members.
    deflate
        Compress; otherwise store.
    """
    directory = bytearray()
    count = 0
    with atomic_write(path) as temporary, temporary.open("wb") as sink:
        for name, content in members:
            crc = zlib.crc32(content)
            body = content
            if deflate:
                deflater = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
                body = deflater.compress(content) + deflater.flush()
            body = encrypt(body, password.encode(), check=crc >> 24, salt=os.urandom(11))
            raw = name.encode()
            shared = struct.pack(
                "<5H3L2H",
                *(_VERSION, 1 | _UTF8, 8 if deflate else 0, _TIME, _DATE),
                *(crc, len(body), len(content), len(raw), 0),
            )
            offset = sink.tell()
            sink.write(b"PK\x03\x04" + shared + raw + body)
            attributes = (0o100644 << 16, offset)
            made_by = struct.pack("<H", 3 << 8 | _VERSION)
            rest = struct.pack("<3H2L", 0, 0, 0, *attributes)
            directory += b"PK\x01\x02" + made_by + shared + rest + raw
            count += 1
        start = sink.tell()
        sink.write(directory)
        sink.write(
            b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, count, count, len(directory), start, 0)
        )
