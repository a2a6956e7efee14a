"""Answers as a document, a table, lines that grow, CSV and a page."""

import csv
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from inference_project import Project

from fvc.cli.app import run
from fvc.errors import OptionError
from fvc.features.names import SCALED_FEATURE_NAMES
from fvc.inference.asking import printable
from fvc.inference.lines import Lines, read_lines
from fvc.inference.report import predict_videos
from fvc.inference.words import WORDS, feature_words, place_in_words

EVIL = "<script>alert(1)<&\"' x.mp4"


@pytest.fixture
def clips(project: Project, tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    shutil.copy(project.video(0), folder / "a.mp4")
    shutil.copy(project.video(1), folder / EVIL.replace("/", ""))
    (folder / "bad.mp4").write_text("this is text")
    return folder


def test_json_is_one_document(
    project: Project, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(project.workspace.root)
    assert run(["predict", str(clips), "--project", root, "--json", "--workers", "2"]) == 5
    document = json.loads(capsys.readouterr().out)
    by_name = {Path(p["path"]).name: p for p in document["predictions"]}
    assert set(by_name) == {"a.mp4", EVIL, "bad.mp4"}
    good, bad = by_name["a.mp4"], by_name["bad.mp4"]
    assert 0 <= good["probability"] <= 1
    assert good["decision"] in ("real", "fake", "undecided")
    assert good["error"] is None
    assert bad["probability"] is None
    assert bad["decision"] is None
    assert bad["error"]
    model = document["model"]
    expected = model["expected_performance"]
    assert expected["roc_auc_low"] <= expected["roc_auc"] <= expected["roc_auc_high"]
    assert good["expected"]["roc_auc"] == expected["roc_auc"]
    assert expected["n_sources"] == 24
    assert model["decision"]["out_of_fold"]["error_rate"] == 0.1
    assert model["chosen_by"] == "best on the leaderboard"


def test_a_table_for_people(
    project: Project, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(project.workspace.root)
    words = ["predict", str(clips / "a.mp4"), "--project", root, "--model", "svm"]
    assert run(words) == 0
    out = capsys.readouterr().out
    assert "svm" in out
    assert "ROC AUC" in out
    assert "24 sources" in out
    assert run(["predict", str(clips / "bad.mp4"), "--project", root]) == 6
    assert "not judged" in capsys.readouterr().out
    assert run(["predict", "--project", root]) == 2
    assert "which videos" in capsys.readouterr().err
    for wrong in (["--error-rate", "0.7"], ["--prevalence", "0"], ["--threshold", "2"]):
        assert run([*words, *wrong]) == 2
    assert run([*words, "--output", "answers.xyz"]) == 2


def test_lines_go_on_where_they_were(project: Project, clips: Path, tmp_path: Path) -> None:
    root, out = project.workspace.root, tmp_path / "answers.jsonl"
    asked = (str(clips / "a.mp4"), str(clips / "bad.mp4"))
    first = predict_videos(root, paths=asked, model="svm", output=out, workers=1, quiet=True)
    assert (first.n_asked, first.n_failed, first.n_kept) == (2, 1, 0)
    assert first.exit_code == 5
    rows = {row["path"]: row for row in read_lines(out)}
    assert rows[asked[0]]["probability"] is not None
    assert rows[asked[1]]["error"]
    # A mark that only a kept line can carry, another detector's answer, and a line cut short.
    marked = {**rows[asked[0]], "mark": 1}
    foreign = {"path": "elsewhere.mp4", "probability": 0.3, "judged_with": "x"}
    text = json.dumps(marked) + "\n" + json.dumps(foreign) + "\n" + '{"path": "torn'
    out.write_text(text)
    everything = (*asked, str(clips / EVIL))
    again = predict_videos(root, paths=everything, model="svm", output=out, workers=1, quiet=True)
    assert (again.n_asked, again.n_failed, again.n_kept) == (3, 1, 1)
    rows = {row["path"]: row for row in read_lines(out)}
    assert rows[asked[0]]["mark"] == 1
    assert rows["elsewhere.mp4"] == foreign
    assert set(rows) == {*everything, "elsewhere.mp4"}
    assert [row["path"] for row in again.to_dict()["predictions"]] == list(everything)
    # Other content under the same name, or other terms: judged anew.
    shutil.copy(project.video(5), asked[0])
    assert "mark" not in _row(root, asked, out, asked[0])
    out.write_text(json.dumps({**_row(root, asked, out, asked[0]), "mark": 2}) + "\n")
    assert _row(root, asked, out, asked[0])["mark"] == 2
    assert "mark" not in _row(root, asked, out, asked[0], threshold=0.4)


def _row(root: Path, asked: tuple[str, ...], out: Path, name: str, **terms: float) -> dict:
    predict_videos(root, paths=asked, model="svm", output=out, workers=1, quiet=True, **terms)
    return next(row for row in read_lines(out) if row["path"] == name)


def test_a_file_that_holds_something_else_is_left_alone(project: Project, tmp_path: Path) -> None:
    other = tmp_path / "notes.jsonl"
    other.write_text('{"name": 1}\n')
    with pytest.raises(OptionError, match="does not hold answers"):
        predict_videos(
            project.workspace.root, paths=("x.mp4",), model="svm", output=other, quiet=True
        )
    assert other.read_text() == '{"name": 1}\n'


def test_lines_are_there_as_soon_as_they_are_added(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Lines(path, set()) as lines:
        lines.add('{"path": "x", "probability": null}\n')
        assert [row["path"] for row in read_lines(path)] == ["x"]


def test_csv_has_a_line_a_file(
    project: Project, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(project.workspace.root)
    assert run(["predict", str(clips), "--project", root, "--format", "csv", "--quiet"]) == 5
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 3
    by_name = {Path(row["path"]).name: row for row in rows}
    assert 0 <= float(by_name["a.mp4"]["probability"]) <= 1
    assert float(by_name["a.mp4"]["roc_auc"]) > 0
    assert by_name["bad.mp4"]["probability"] == ""
    assert "sources" in by_name["a.mp4"]["for_fake"] + by_name["a.mp4"]["for_real"]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_escapes_names(
    project: Project, clips: Path, tmp_path: Path
) -> None:
    out = tmp_path / "answers.html"
    report = predict_videos(
        project.workspace.root, paths=(str(clips),), output=out, workers=2, quiet=True
    )
    assert report.exit_code == 5
    text = out.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;&amp;&quot;&#x27; x.mp4" in text
    page = _Page()
    page.feed(text)
    assert page.open == []
    pictures = [attrs["src"] or "" for tag, attrs in page.tags if tag == "img"]
    assert len(pictures) == 12
    assert all(src.startswith("data:image/jpeg;base64,/9j/") for src in pictures)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "form"}
    assert not re.search(r"https?:|@import|url\(", text)
    assert "prefers-color-scheme:dark" in text
    expected = report.model["expected_performance"]
    beside = f"{expected['roc_auc']:.2f} ({expected['roc_auc_low']:.2f}–"
    # Once for all, and once beside each answer: in words and for screen readers.
    assert text.count(beside) >= 2 * 3
    assert "could not be judged" in text


def test_every_feature_has_words() -> None:
    for name in SCALED_FEATURE_NAMES:
        assert name in WORDS
        assert feature_words(f"scaled_{name}").startswith(WORDS[name])


def test_places_in_words() -> None:
    assert place_in_words("blockiness", 1.2, 0.92, 0.4) == (
        "blockiness at the 8×8 grid higher than in 92 % of real and 40 % of fake sources"
    )
    assert "lower than in 92 % of real and fake sources alike" in place_in_words(
        "blockiness", 1.2, 0.08, 0.08
    )
    assert "could not be measured" in place_in_words("blockiness", float("nan"), None, None)
    assert place_in_words("scaled_is_upscaled", 1.0, 0.5, 0.5).endswith(": yes")


def test_names_cannot_act_on_a_terminal() -> None:
    assert printable("a\x1b[2J\n\u202eb") == "a\\x1b[2J\\n\\u202eb"
    assert printable("视频 é.mp4") == "视频 é.mp4"
