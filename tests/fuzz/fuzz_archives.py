"""Spoilt archives through the extraction of step 0: ``python tests/fuzz/fuzz_archives.py``.

Each ends as an `ArchiveError`, or as members extracted and members reported. Nothing may lie
outside the target, no temporary file may stay, and what was extracted is one of the contents, byte
for byte.
"""

import argparse
import io
import random
import shutil
import sys
import tempfile
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyzipper

from fvc.dataset.archives import extract_archive
from fvc.dataset.journal import JOURNAL_NAME
from fvc.dataset.zipcrypto import write_zipcrypto
from fvc.errors import ArchiveError

PASSWORD = "pw"
RECORDS = (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06")
EXTREMES = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@dataclass
class ArchiveTally:
    """What became of the archives, why members were left out, and what must not be."""

    endings: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0


def contents() -> dict[str, bytes]:
    """Members of a sound archive: noise, with an end that can be compressed."""
    rng = random.Random(0)
    return {f"a/b{i}.mp4": rng.randbytes(600 * i) + bytes(2000) for i in range(5)}


def make_archives(folder: Path) -> list[bytes]:
    """Write the contents plain, with ZipCrypto, and with AES."""
    members = contents().items()
    folder.mkdir(parents=True, exist_ok=True)
    plain, aes, old = io.BytesIO(), io.BytesIO(), folder / "old.zip"
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    options = {"compression": pyzipper.ZIP_DEFLATED, "encryption": pyzipper.WZ_AES}
    with pyzipper.AESZipFile(aes, "w", **options) as archive:
        archive.setpassword(PASSWORD.encode())
        for name, data in members:
            archive.writestr(name, data)
    write_zipcrypto(old, members, password=PASSWORD)
    return [plain.getvalue(), old.read_bytes(), aes.getvalue()]


def spoilt(whole: bytes, rng: random.Random) -> bytes:
    """Spoil an archive in one of several ways."""
    data = bytearray(whole)
    directory = data.index(RECORDS[0])
    match rng.choice(("bits", "bits", "cut", "directory", "parts", "number", "doubled")):
        case "bits":
            for _ in range(rng.randint(1, 8)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        case "cut":
            del data[rng.randrange(len(data)) :]
        case "directory":
            for _ in range(rng.randint(1, 6)):
                data[rng.randrange(directory, len(data))] = rng.randrange(256)
        case "parts":
            a, b = sorted(rng.randrange(len(data)) for _ in range(2))
            data = data[b:] + data[a:b] + data[:a]
        case "number":
            place = data.index(rng.choice(RECORDS)) + rng.randrange(4, 19)
            data[place : place + 4] = rng.choice(EXTREMES).to_bytes(4, "little")
        case "doubled":
            place = rng.randrange(len(data))
            data[place:place] = data[rng.randrange(len(data)) :][: rng.randint(1, 400)]
    return bytes(data)


def run_archives(folder: Path, *, count: int, seed: int, start: int = 0) -> ArchiveTally:
    """Spoil and extract so many archives; the same seed and number give the same archive."""
    archives, tally = make_archives(folder / "sound"), ArchiveTally()
    for number in range(start, start + count):
        rng = random.Random(f"{seed} {number}")
        room = folder / "room"
        room.mkdir()
        archive = room / "FVC1.zip"
        archive.write_bytes(spoilt(rng.choice(archives), rng))
        begun = time.monotonic()
        try:
            extraction = extract_archive(archive, room / "target", password=PASSWORD)
        except ArchiveError:
            tally.endings["refused"] += 1
        except Exception as error:
            tally.endings["fault"] += 1
            tally.faults.append(f"{number}: {type(error).__name__}: {error}")
        else:
            tally.endings["members left out" if extraction.failures else "whole"] += 1
            tally.kinds.update(failure.kind for failure in extraction.failures)
        tally.slowest = max(tally.slowest, time.monotonic() - begun)
        tally.faults += [f"{number}: {fault}" for fault in _wrong_files(room)]
        shutil.rmtree(room)
    return tally


def _wrong_files(room: Path) -> list[str]:
    right = set(contents().values())
    faults = [f"{p.name} lies outside" for p in room.iterdir() if p.name not in _MADE]
    for path in (room / "target").rglob("*"):
        if path.is_file() and path.name != JOURNAL_NAME and path.read_bytes() not in right:
            faults.append(f"{path.name} has another content")
    return faults


_MADE = ("FVC1.zip", "target")


def main() -> int:
    """Run and print; 1 where a fault was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="number of spoilt archives")
    parser.add_argument("--start", type=int, default=0, help="number of the first one")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same archives")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = run_archives(Path(folder), count=given.count, seed=given.seed, start=given.start)
    print(dict(tally.endings), dict(tally.kinds), f"slowest {tally.slowest:.2f} s", sep="\n")
    print(*tally.faults, sep="\n")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
