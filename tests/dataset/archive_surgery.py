"""Making an archive lie, and breaking it."""

import struct
import zipfile
from pathlib import Path


def patch_directory(path: Path, member: str, **fields: int) -> None:
    """Make an archive's directory lie about a member; fields as in APPNOTE 4.3.12."""
    places = {"flags": ("<H", 8), "method": ("<H", 10), "crc": ("<L", 16)}
    places |= {"compressed": ("<L", 20), "size": ("<L", 24), "offset": ("<L", 42)}
    data = bytearray(path.read_bytes())
    entry = data.find(b"PK\x01\x02")
    while data[entry + 46 : entry + 46 + len(member)] != member.encode():
        entry = data.find(b"PK\x01\x02", entry + 4)
        assert entry >= 0, member
    for name, value in fields.items():
        form, place = places[name]
        struct.pack_into(form, data, entry + place, value)
    path.write_bytes(data)


def data_start(path: Path, member: str) -> int:
    """Where a member's bytes begin in an archive."""
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo(member).header_offset
    name, extra = struct.unpack_from("<HH", path.read_bytes(), offset + 26)
    return int(offset + 30 + name + extra)


def flip(path: Path, position: int) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[position] ^= 0x5A
    path.write_bytes(data)
