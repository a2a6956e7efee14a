"""The benchmarks run, count what child processes use, and judge ratios as they say."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.clips import make_clip, repeat_clip
from benchmarks.fidelity import ssim
from benchmarks.measure import ChildFailedError, run
from benchmarks.quality import movements
from benchmarks.rows import Results, Row, Target, ratio_row

from benchmarks import report

BURN = "import time\nwhile time.process_time() < {}: pass"


def test_a_ratio_is_the_median_of_ratios_of_pairs() -> None:
    row = ratio_row("a", "b", [(1.0, 2.0), (30.0, 10.0), (8.0, 10.0)], Target("≤", 0.8))
    assert row.figures == (0.5, 3.0, 0.8)
    assert (row.median, row.spread, row.verdict) == (0.8, (0.5, 3.0), "met")
    assert (row.ours, row.reference) == (8.0, 10.0)


@pytest.mark.parametrize(
    ("sign", "figure", "verdict"),
    [
        ("≤", 2.0, "met"),
        ("≤", 2.01, "missed"),
        ("<", 2.0, "missed"),
        ("≥", 2.0, "met"),
        ("≥", 1.99, "missed"),
    ],
)
def test_a_verdict_follows_the_sign(sign: str, figure: float, verdict: str) -> None:
    assert Row("a", "b", (figure,), Target(sign, 2.0)).verdict == verdict  # type: ignore[arg-type]


def test_a_missing_reference_is_no_failure() -> None:
    row = Row("a", "b", target=Target("≤", 1.0), missing="reference not installed: get it")
    assert row.verdict == "not measured"
    assert "get it" in report.markdown(Results([row]))


def test_rows_of_several_runs_are_put_together(tmp_path: Path) -> None:
    one = ratio_row("a", "b", [(1.0, 2.0), (3.0, 4.0)], Target("≤", 0.8), note="warm")
    two = Row("c", "–", missing="reference not installed: get it")
    for number, row in enumerate((one, two)):
        stored = {"rows": [row.to_dict()], "tables": {f"t{number}": "|"}, "runs": [f"r{number}"]}
        (tmp_path / f"{number}.json").write_text(json.dumps(stored))
    results = main(["--show", *(str(tmp_path / f"{n}.json") for n in range(2))])
    assert results == Results([one, two], {"t0": "|", "t1": "|"}, ["r0", "r1"])


def test_cpu_seconds_of_grandchildren_count() -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN.format(0.5)!r}])"
    assert run([sys.executable, "-c", child]).cpu > 0.5


def test_cpu_seconds_of_processes_left_behind_count() -> None:
    """As of a server of worker processes, for which nobody waits."""
    child = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN.format(0.5)!r}])"
    )
    assert run([sys.executable, "-c", child]).cpu > 0.5


def test_peak_memory_is_that_of_the_child() -> None:
    held = [run([sys.executable, "-c", f"x = b'x' * {n << 20}"]).peak_mib for n in (1, 200)]
    assert 180 < held[1] - held[0] < 220


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(ChildFailedError, match="no such thing"):
        run([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_a_page_keeps_what_is_outside_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n")
    report.write_between_markers(page, "x", r"new \1")
    assert page.read_text() == "before\n<!-- x: begin -->\n\nnew \\1\n\n<!-- x: end -->\nafter\n"
    with pytest.raises(ValueError, match="no marks"):
        report.write_between_markers(page, "y", "new")


def test_the_machine_is_described_without_names() -> None:
    text = report.machine()
    assert "cores" in text
    assert "PyAV" in text
    assert not re.search(r"\s/|\w+@|(home|tmp|usr)/", text)


def test_a_repeated_clip_is_as_long_as_it_says(tmp_path: Path) -> None:
    from fvc.video import decode, probe

    clip = make_clip(tmp_path / "a.mp4", frames=12, width=64, height=48, interval=12)
    long = repeat_clip(clip, tmp_path / "b.mp4", 5, slower=3)
    info = probe(long)
    assert (info.frame_count, round(info.duration_seconds, 2)) == (60, 6.0)
    assert sum(1 for _ in decode(long)) == 60


def test_ssim_is_one_for_the_same_and_less_for_a_noisy_picture() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (40, 50)).astype(np.uint8)
    assert ssim(picture, picture) == pytest.approx(1.0)
    # Constant pictures: only the term of the means is left.
    one, other = np.full((40, 50), 100, np.uint8), np.full((40, 50), 120, np.uint8)
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 120 + c1) / (100**2 + 120**2 + c1)
    assert ssim(one, other) == pytest.approx(expected)


def test_movements_are_in_standard_deviations_between_sources() -> None:
    results = [
        {"before": {"f": value}, "after": {"f": value + step}}
        for value, step in ((0.0, 1.0), (2.0, -1.0), (4.0, 3.0))
    ]
    (moved,) = movements(results)
    assert moved["spread"] == 2.0
    assert (moved["median"], moved["largest"], moved["shift"]) == (0.5, 1.5, 0.5)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="accounts of processes left behind")
@pytest.mark.parametrize("name", ["stage3", "stage2", "quality"])
def test_a_benchmark_runs_on_tiny_clips(name: str, tmp_path: Path) -> None:
    main([name, "--tiny", "--repeats", "1", "--json", str(tmp_path / "rows.json")])
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert rows
    for row in rows:
        assert row["missing"] or row["median"] > 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="accounts of processes left behind")
@pytest.mark.parametrize("name", sorted(set(BENCHMARKS) - {"stage3", "stage2", "quality"}))
def test_each_benchmark_runs_on_tiny_clips(name: str, tmp_path: Path) -> None:
    results = main([name, "--tiny", "--repeats", "1"])
    for row in results.rows:
        assert row.missing or row.median is not None
    if shutil.which("ffmpeg") and name == "stage1":
        assert all(row.figures for row in results.rows)
