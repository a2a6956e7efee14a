import io
import logging
import os
from pathlib import Path

import pytest
from rich.progress import Progress
from stage_toy import Inline, run, toy_units

from fvc.stages import progress


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(0, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 05 min"), (-3, "0 s")],
)
def test_durations_are_worded(seconds: float, says: str) -> None:
    assert progress.duration(seconds) == says


def test_a_line_tells_rate_and_remaining_time() -> None:
    line = progress.progress_line("stage 1", 30, 2, 90, 60.0)
    assert line == "stage 1: 30 of 90, 0.50/s, 2 min 00 s left, 2 failed"
    assert progress.progress_line("stage 1", 0, 0, None, 0.0) == "stage 1: 0, 0.00/s"


def test_lines_come_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(tmp_path / "quiet", engine=Inline(), quiet=True)
    run(tmp_path / "few", engine=Inline(), quiet=False)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0.0)
    run(tmp_path / "many", engine=Inline(), quiet=False)
    said = capsys.readouterr()
    assert said.out == ""
    assert [line.split(",")[0] for line in said.err.splitlines()] == [
        f"stage 1 (toy): {n} of 6" for n in range(1, 7)
    ]


def test_what_earlier_runs_did_does_not_count_as_progress(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(tmp_path, toy_units(4), engine=Inline())
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0.0)
    run(tmp_path, engine=Inline(), quiet=False)
    assert "stage 1 (toy): 2 of 2" in capsys.readouterr().err


def test_a_bar_shows_rate_and_failures() -> None:
    from rich.console import Console

    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120)
    with Progress(*progress.bar_columns(), console=console) as bar:
        progress.Bar("stage 1", bar).update(finished=3, failed=1, expected=9)
    assert "3/9" in text.getvalue()
    assert "1 failed" in text.getvalue()


def test_a_log_that_cannot_be_written_any_more_ends_no_run(tmp_path: Path) -> None:
    logger = logging.getLogger("fvc")
    with progress.log_file(tmp_path, "augment") as path, open("/dev/full", "wb") as full:
        (handler,) = (h for h in logger.handlers if isinstance(h, logging.FileHandler))
        os.dup2(full.fileno(), handler.stream.fileno())
        logger.warning("this finds no room")
    assert path.read_text() == ""
    assert handler not in logger.handlers
