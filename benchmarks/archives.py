"""Extraction of encrypted archives against 7-Zip."""

import subprocess
from pathlib import Path

from benchmarks.context import Bench
from benchmarks.measure import cpu_pairs, python
from benchmarks.rows import Target, ratio_row

PASSWORD = "benchmark"


def archives(bench: Bench) -> None:
    """ZipCrypto and AES archives of video against ``7z x``."""
    size = 4 << 20 if bench.tiny else 1 << 30 if bench.full else 256 << 20
    for cipher, option, limit in (("ZipCrypto", "ZipCrypto", 1.2), ("AES", "AES256", 2.0)):
        target = Target("≤", limit)
        work, against = f"archive extraction, {cipher}", "`7z x`"
        if bench.lacks("7z", work, against, target):
            continue
        folder = bench.room("archive")
        archive = _archive(folder, option, size)
        pairs = []
        for _ in range(min(3, bench.repeats)):
            ours = python("unzip", archive=archive, target=bench.room("ours"), password=PASSWORD)
            reference = ["7z", "x", "-y", "-mmt1", f"-p{PASSWORD}", f"-o{bench.room('theirs')}"]
            pairs += cpu_pairs(ours, [*reference, archive], 1)
        note = f"{size >> 20} MiB in files of 16 MiB"
        bench.add(ratio_row(work, against, pairs, target, unit="CPU s", note=note))


def _archive(folder: Path, option: str, size: int) -> Path:
    """Store what cannot be compressed, as video cannot."""
    import numpy as np

    rng = np.random.default_rng(0)
    content = folder / "content"
    content.mkdir()
    step = min(size, 16 << 20)
    for number in range(size // step):
        (content / f"{number:03d}.mp4").write_bytes(rng.bytes(step))
    archive = folder / "videos.zip"
    command = ["7z", "a", "-tzip", "-mx0", f"-mem={option}", f"-p{PASSWORD}", archive, "."]
    subprocess.run(command, cwd=content, check=True, capture_output=True)
    return archive
