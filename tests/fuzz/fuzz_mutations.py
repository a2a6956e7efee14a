"""Spoil a video file, each time in another way: damage, surgery on its boxes, headers that lie."""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

INTERESTING = (
    *(0, 1, 2, 3, 7, 16, 255, 256, 1000, 8192, 8193, 16384, 32767, 32768, 65535, 65536, 90_000),
    *(
        1_000_000,
        10**9,
        2**31 - 1,
        2**31,
        2**32 - 2,
        2**32 - 1,
        10**12,
        2**62,
        2**63 - 1,
        2**64 - 1,
    ),
)

_MP4_MASTERS = frozenset(b"moov trak mdia minf stbl dinf edts mvex moof traf udta mfra".split())
_MP4_TABLES = frozenset(
    b"mvhd tkhd mdhd elst stsd stts ctts stsc stsz stco co64 stss trex tfhd tfdt trun".split()
)
_EBML_IDS = """
    1A45DFA3 18538067 1549A966 1654AE6B AE E0 1F43B675 A0 1C53BB6B BB B7 114D9B74 4DBB 1254C367
    7373 6D80 6240 55B0
"""
_EBML_MASTERS = frozenset(map(bytes.fromhex, _EBML_IDS.split()))
_RIFF_LISTS = (b"RIFF", b"LIST")
_TS_PACKET = 188


@dataclass
class Box:
    """A box of MP4, an element of EBML or a chunk of RIFF: bytes, or other boxes."""

    tag: bytes
    body: bytes = b""
    children: list["Box"] | None = None
    claimed: int | None = None
    prefix: bytes = b""
    above: "Box | None" = field(default=None, repr=False)


def mutate(data: bytes, ending: str, rng: random.Random) -> tuple[bytes, str]:
    """Give a spoilt copy of a file, and say in a few words how it was spoilt."""
    kinds: list[Callable[[bytes, random.Random], tuple[bytes, str]]] = [_flip, _generic]
    tree = {
        ".mp4": (_read_mp4, _write_mp4),
        ".mov": (_read_mp4, _write_mp4),
        ".mkv": (_read_ebml, _write_ebml),
        ".webm": (_read_ebml, _write_ebml),
        ".avi": (_read_riff, _write_riff),
    }.get(ending)
    if tree is not None:
        read, write = tree
        kinds += [
            lambda d, r: _surgery(read(d), write, r),
            lambda d, r: _lie(read(d), write, r),
        ] * 2
        if ending in (".mp4", ".mov"):
            kinds.append(_billion)
    elif ending == ".ts":
        kinds += [_packets] * 3
    chosen = rng.choice(kinds)
    data, how = chosen(data, rng)
    if rng.random() < 0.15:
        data, more = rng.choice((_flip, _generic))(data, rng)
        how += f"; {more}"
    return data, how


def mutated(path: Path, number: int, seed: int) -> tuple[bytes, str]:
    """Give mutation `number` of a run, the same for the same seed."""
    rng = random.Random(f"{seed}/{number}/{path.name}")
    return mutate(path.read_bytes(), path.suffix.lower(), rng)


def _flip(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    spoilt = bytearray(data)
    count = rng.choice((1, 1, 2, 5, 20, 100, max(1, len(data) // 200)))
    # Headers steer everything, and are a small part of the file: hit them as often.
    end = len(spoilt) if rng.random() < 0.6 else min(len(spoilt), 2048)
    start = max(0, len(spoilt) - 2048) if end == len(spoilt) and rng.random() < 0.3 else 0
    for _ in range(count):
        spoilt[rng.randrange(start, end)] ^= 1 << rng.randrange(8)
    return bytes(spoilt), f"{count} bits flipped"


def _generic(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    a, b = sorted((rng.randrange(len(data)), rng.randrange(len(data))))
    b = min(b, a + rng.choice((4, 64, 1024, len(data))))
    match rng.randrange(7):
        case 0:
            return data[: max(1, a)], "cut off"
        case 1:
            return data[:a] + bytes(b - a) + data[b:], "zeros"
        case 2:
            return data[:a] + data[b:], "bytes left out"
        case 3:
            return data[:b] + data[a:b] + data[b:], "bytes doubled"
        case 4:
            return data[:a] + rng.randbytes(b - a) + data[b:], "noise"
        case 5:
            value = rng.choice(INTERESTING) & 0xFFFFFFFF
            return data[:a] + struct.pack(">I", value) + data[a + 4 :], "a word replaced"
        case _:
            return data + rng.randbytes(rng.choice((1, 1000))), "bytes appended"


def _surgery(root: Box, write: Callable[[Box], bytes], rng: random.Random) -> tuple[bytes, str]:
    boxes = [box for box in _all(root) if box.above is not None]
    if not boxes:
        return write(root), "nothing to cut"
    box = rng.choice(boxes)
    assert box.above is not None
    siblings = box.above.children or []
    place = next(i for i, other in enumerate(siblings) if other is box)
    match rng.randrange(6):
        case 0:
            del siblings[place]
            how = "removed"
        case 1:
            siblings[place:place] = [box] * rng.choice((1, 1, 3, 50))
            how = "doubled"
        case 2:
            other = rng.randrange(len(siblings))
            siblings[place], siblings[other] = siblings[other], siblings[place]
            how = "swapped"
        case 3:
            box.claimed = rng.choice(INTERESTING)
            how = f"claims {box.claimed} bytes"
        case 4:
            box.tag = rng.choice(boxes).tag
            how = f"renamed {box.tag!r}"
        case _:
            size = len(box.body)
            box.body = box.body[: rng.randrange(size)] if size else rng.randbytes(8)
            how = "cut short"
    return write(root), f"box {box.tag!r} {how}"


def _lie(root: Box, write: Callable[[Box], bytes], rng: random.Random) -> tuple[bytes, str]:
    leaves = [box for box in _all(root) if box.children is None and box.body]
    headers = [box for box in leaves if box.tag in _MP4_TABLES or len(box.body) <= 64]
    if not (headers or leaves):
        return write(root), "nothing to lie about"
    told = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        box = rng.choice(headers or leaves)
        told.append(f"{box.tag!r} {_lie_in(box, rng)}")
    return write(root), f"lies: {', '.join(told)}"


def _lie_in(box: Box, rng: random.Random) -> str:
    body = bytearray(box.body)
    value = rng.choice(INTERESTING)
    if box.tag == b"stsd" and len(body) > 44 and rng.random() < 0.5:
        place, width = rng.choice((40, 42)), 2
    elif box.tag in _MP4_TABLES or len(body) > 16:
        place, width = 4 * rng.randrange(min(len(body) // 4, 24)), rng.choice((2, 4, 4, 8))
    else:
        place, width = 0, len(body)
        if width in (4, 8) and rng.random() < 0.3:
            number = rng.choice((0.0, -1.0, 1e-30, 1e30, float("inf"), float("nan")))
            box.body = struct.pack(">f" if width == 4 else ">d", number)
            return f"says {number}"
    order = "little" if box.tag in (b"avih", b"strh", b"strf", b"idx1") else "big"
    body[place : place + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, order)
    box.body = bytes(body)
    return f"says {value} at {place}"


def _billion(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Have the index promise huge numbers of frames, of one byte each, in few bytes."""
    root = _read_mp4(data)
    count = rng.choice((10**5, 10**7, 10**9, 2**32 - 1))
    bodies = {
        b"stsz": struct.pack(">III", 0, rng.choice((1, 1, 100)), count),
        b"stts": struct.pack(">IIII", 0, 1, count, 1),
        b"stsc": struct.pack(">IIIII", 0, 1, 1, count, 1),
    }
    for box in _all(root):
        if box.tag in bodies and rng.random() < 0.9:
            box.body = bodies[box.tag]
        elif box.tag in (b"ctts", b"stss") and rng.random() < 0.5:
            box.tag = b"free"
    return _write_mp4(root), f"{count} frames in the header"


def _packets(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    packets = [data[i : i + _TS_PACKET] for i in range(0, len(data), _TS_PACKET)]
    for _ in range(rng.choice((1, 2, 10))):
        a, b = rng.randrange(len(packets)), rng.randrange(len(packets))
        match rng.randrange(4):
            case 0 if len(packets) > 1:
                del packets[a]
            case 1:
                packets.insert(b, packets[a])
            case 2:
                packets[a], packets[b] = packets[b], packets[a]
            case _:
                packets[a], _ = _flip(packets[a], rng)
    return b"".join(packets), "packets moved"


def _all(root: Box) -> list[Box]:
    found = []
    for child in root.children or []:
        found += [child, *_all(child)]
    return found


def _adopt(parent: Box) -> Box:
    for child in parent.children or []:
        child.above = parent
    return parent


def _read_mp4(data: bytes) -> Box:
    def boxes(start: int, end: int) -> list[Box]:
        found = []
        while start + 8 <= end:
            size, tag = struct.unpack_from(">I4s", data, start)
            head = 8
            if size == 1 and start + 16 <= end:
                (size,) = struct.unpack_from(">Q", data, start + 8)
                head = 16
            stop = min(end, start + size) if size >= head else end
            if tag in _MP4_MASTERS:
                found.append(_adopt(Box(tag, children=boxes(start + head, stop))))
            else:
                found.append(Box(tag, data[start + head : stop]))
            start = stop
        return found

    return _adopt(Box(b"", children=boxes(0, len(data))))


def _write_mp4(root: Box) -> bytes:
    def written(box: Box) -> bytes:
        body = box.body if box.children is None else b"".join(map(written, box.children))
        size = len(body) + 8 if box.claimed is None else box.claimed & 0xFFFFFFFF
        return struct.pack(">I", size & 0xFFFFFFFF) + box.tag + body

    return b"".join(map(written, root.children or []))


def _read_ebml(data: bytes) -> Box:
    def length(byte: int) -> int:
        return 9 - byte.bit_length() if byte else 9

    def elements(start: int, end: int) -> list[Box]:
        found = []
        while start < end:
            tag_size = length(data[start])
            place = start + tag_size
            if tag_size > 4 or place >= end:
                break
            width = length(data[place])
            if width > 8:
                break
            size = int.from_bytes(data[place : place + width], "big") & ((1 << 7 * width) - 1)
            body = place + width
            stop = end if size == (1 << 7 * width) - 1 else min(end, body + size)
            tag = data[start:place]
            if tag in _EBML_MASTERS:
                found.append(_adopt(Box(tag, children=elements(body, stop))))
            else:
                found.append(Box(tag, data[body:stop]))
            start = stop
        return found

    return _adopt(Box(b"", children=elements(0, len(data))))


def _write_ebml(root: Box) -> bytes:
    def written(box: Box) -> bytes:
        body = box.body if box.children is None else b"".join(map(written, box.children))
        size = len(body) if box.claimed is None else box.claimed & ((1 << 56) - 1)
        return box.tag + ((1 << 56) | size).to_bytes(8, "big") + body

    return b"".join(map(written, root.children or []))


def _read_riff(data: bytes) -> Box:
    def chunks(start: int, end: int) -> list[Box]:
        found = []
        while start + 8 <= end:
            tag, size = struct.unpack_from("<4sI", data, start)
            stop = min(end, start + 8 + size)
            if tag in _RIFF_LISTS:
                prefix = data[start + 8 : start + 12]
                found.append(_adopt(Box(tag, children=chunks(start + 12, stop), prefix=prefix)))
            else:
                found.append(Box(tag, data[start + 8 : stop]))
            start = stop + size % 2
        return found

    return _adopt(Box(b"", children=chunks(0, len(data))))


def _write_riff(root: Box) -> bytes:
    def written(box: Box) -> bytes:
        body = box.body
        if box.children is not None:
            body = box.prefix + b"".join(map(written, box.children))
        size = len(body) if box.claimed is None else box.claimed & 0xFFFFFFFF
        return box.tag + struct.pack("<I", size) + body + b"\0" * (len(body) % 2)

    return b"".join(map(written, root.children or []))
