"""A bounded piece of the recorded run of `fuzz_archives`."""

import random
from pathlib import Path

import pytest
from fuzz_archives import make_archives, run_archives, spoilt


def test_spoilt_archives_end_as_members_or_as_a_reason(tmp_path: Path) -> None:
    tally = run_archives(tmp_path, count=40, seed=1)
    assert tally.faults == []
    assert tally.endings.total() == 40
    assert set(tally.endings) == {"refused", "members left out", "whole"}


@pytest.mark.slow
def test_more_spoilt_archives_end_as_members_or_as_a_reason(tmp_path: Path) -> None:
    tally = run_archives(tmp_path, count=400, seed=2)
    assert tally.faults == []
    assert {"corrupt", "bomb", "password"} <= set(tally.kinds)


def test_archives_are_spoilt_the_same_way_for_the_same_seed(tmp_path: Path) -> None:
    for archive in make_archives(tmp_path):
        ways = {spoilt(archive, random.Random(number)) for number in range(30)}
        assert ways == {spoilt(archive, random.Random(number)) for number in range(30)}
        assert len(ways) > 25
