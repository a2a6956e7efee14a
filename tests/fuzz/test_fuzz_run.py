"""Bounded pieces of the recorded run: `python -m tests.fuzz` is the whole of it."""

import random
from pathlib import Path

import pytest
from fuzz_mutations import mutated
from fuzz_run import run
from fuzz_seeds import SEEDS, clips_as_seeds, make_seeds

from fvc.video import probe


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_seeds(tmp_path_factory.mktemp("seeds"))


def test_the_seeds_are_sound_and_of_many_kinds(seeds: list[Path]) -> None:
    assert len(seeds) == len(SEEDS)
    codecs = {probe(path).codec_name for path in seeds}
    assert {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "ffv1", "prores"} <= codecs
    assert len({path.suffix for path in seeds}) == 11


def test_mutations_are_many_and_the_same_for_the_same_seed(seeds: list[Path]) -> None:
    rng = random.Random(0)
    ways = set()
    for number in range(300):
        path = rng.choice(seeds)
        data, how = mutated(path, number, 7)
        assert (data, how) == mutated(path, number, 7)
        ways.add(how.split()[0].strip("0123456789:;,"))
        ways.add("other" if data != path.read_bytes() else "same")
    assert {"box", "lies", "packets", "cut", "zeros", "noise", "other"} <= ways


def test_spoilt_files_end_as_rows_or_as_a_reason(seeds: list[Path], tmp_path: Path) -> None:
    tally = run(seeds, tmp_path, count=30, seed=11)
    assert tally.faults == []
    assert tally.files == 30
    assert 7 < tally.kinds["rows"] < 25
    assert len(tally.kinds) > 3
    left = [p for p in tmp_path.rglob("*") if p.is_file() and not p.name.startswith(".part-")]
    assert left == []


@pytest.mark.slow
def test_more_spoilt_files_end_as_rows_or_as_a_reason(seeds: list[Path], tmp_path: Path) -> None:
    tally = run(seeds, tmp_path, count=300, seed=12)
    assert tally.faults == []
    assert tally.slowest < 60


@pytest.mark.slow
@pytest.mark.real_clips
def test_spoilt_real_clips(real_clips: Path, tmp_path: Path) -> None:
    small = [p for p in clips_as_seeds(real_clips) if p.stat().st_size < 400_000]
    tally = run(small, tmp_path, count=16, seed=1)
    assert tally.faults == []
