"""Small pictures of sources: made in a process of their own, kept by content, or a reason."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from fvc.dashboard.thumbnails import Thumbnail, picture_list, thumbnails
from fvc.stages import fingerprint_file
from fvc.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MakeVideo = Callable[..., Path]


def _last(
    workspace: Workspace, paths: dict[str, str], refused: dict[str, str] | None = None
) -> dict[str, Thumbnail]:
    *_, found = thumbnails(workspace, paths, {} if refused is None else refused)
    return found


@pytest.fixture
def project(tmp_path: Path, make_video: MakeVideo) -> Workspace:
    """A wide video, one that is none, and a name without a file."""
    make_video(tmp_path / "videos" / "good.mp4", frames=8, width=320, height=160)
    (tmp_path / "videos" / "junk.mp4").write_bytes(b"\x00" * 4096)
    return Workspace(tmp_path)


PATHS = {"good": "videos/good.mp4", "junk": "videos/junk.mp4", "gone": "videos/gone.mp4", "no": ""}


def test_a_video_has_a_picture_and_what_is_none_a_reason(project: Workspace) -> None:
    first, *_, last = thumbnails(project, PATHS, {})
    # The list is there before anything is decoded.
    assert first["good"] == first["junk"] == Thumbnail()
    picture = cv2.imdecode(np.frombuffer(last["good"].picture or b"", np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (96, 192, 3)
    assert last["junk"].picture is None
    assert last["junk"].reason
    assert last["gone"].reason == "the file is gone"
    assert last["no"].reason == "the file cannot be read"


def test_a_picture_is_kept_by_content_and_one_that_was_refused_is_not_tried_again(
    project: Workspace,
) -> None:
    refused: dict[str, str] = {}
    _last(project, PATHS, refused)
    kept = project.thumbnail(fingerprint_file(project.root / "videos" / "good.mp4"))
    assert [path.name for path in project.thumbnails.iterdir()] == [kept.name]
    kept.write_bytes(b"kept")
    # Nothing is left to make: all is known at once.
    (only,) = thumbnails(project, PATHS, refused)
    assert only["good"].picture == b"kept"
    assert only["junk"].reason == refused[fingerprint_file(project.root / "videos" / "junk.mp4")]
    # Another content under the same name is another picture.
    (project.root / "videos" / "good.mp4").write_bytes(b"\x01" * 4096)
    assert _last(project, PATHS, refused)["good"].picture is None


def test_a_project_that_cannot_be_written_is_shown(project: Workspace) -> None:
    project.data.mkdir()
    project.thumbnails.write_bytes(b"")
    assert _last(project, {"good": PATHS["good"]})["good"].picture


def test_no_video_is_decoded_in_the_process_of_the_server(project: Workspace) -> None:
    code = (
        "import sys\nfrom fvc.dashboard.thumbnails import thumbnails\n"
        "from fvc.workspace import Workspace\n"
        "if __name__ == '__main__':\n"
        "    *_, found = thumbnails(Workspace(sys.argv[1]), {'good': 'videos/good.mp4'}, {})\n"
        "    print(found['good'].picture is not None, 'av' in sys.modules)\n"
    )
    script = project.root / "look.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, str(script), str(project.root)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False"]


def test_names_and_reasons_are_text() -> None:
    bad = "<script>alert(1)</script>"
    shown = picture_list(
        [(bad, "real"), ("b", "fake"), ('"c', "fake")],
        {bad: Thumbnail(reason=bad), "b": Thumbnail(), '"c': Thumbnail(b"x")},
    )
    assert "<script" not in shown
    assert 'alt="A frame of &quot;c, fake"' in shown
    assert shown.count("<li>") == 3
