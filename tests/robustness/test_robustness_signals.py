"""Kills, signals, full and read-only disks, locks: each with the real command line."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import kill_run
import pytest
from command_line import FVC, SIGNALS, contents, fvc, start, wait_until_it_works

MakeVideo = Callable[..., Path]


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, make_video: MakeVideo
) -> Iterator[kill_run.Undisturbed]:
    folder = tmp_path_factory.mktemp("kills")
    kill_run.make_corpus(folder / "corpus", make_video)
    yield kill_run.run_undisturbed(folder)
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("verb", kill_run.OPTIONS)
def test_killed_and_started_again_a_step_ends_as_if_undisturbed(
    undisturbed: kill_run.Undisturbed, verb: str
) -> None:
    kills = 2 if verb in ("augment", "scale") else 1
    met, differ = kill_run.kill_and_finish(undisturbed, verb, random.Random(verb), kills=kills)
    assert differ == []
    assert met <= kills


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "number"), [("augment", signal.SIGTERM), ("scale", signal.SIGINT)]
)
def test_a_signal_ends_a_step_with_its_code_and_leaves_nothing_half(
    undisturbed: kill_run.Undisturbed, verb: str, number: int
) -> None:
    folder = undisturbed.project.parent
    project = folder / f"signalled-{verb}-{number}"
    shutil.copytree(undisturbed.project, project)
    kill_run.forget(project, verb)
    process = start(project, verb, *kill_run.words(verb, folder))
    stage_folder = project / "data" / kill_run.FOLDERS[verb]
    wait_until_it_works(process, stage_folder / ".journal")
    os.killpg(process.pid, number)
    _, said = process.communicate()
    assert process.returncode == SIGNALS[number], said
    assert "Traceback" not in said
    assert list(stage_folder.rglob(".part-*")) == []
    assert list(stage_folder.glob("*.arrow")) == []
    assert fvc(project, verb, *kill_run.words(verb, folder))[0] in (0, 5)
    assert kill_run.comparable(project) == kill_run.comparable(undisturbed.project)


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "logs"), [("setup", "stage0"), ("train", "stage5")])
def test_steps_without_a_journal_end_with_143_too(
    undisturbed: kill_run.Undisturbed, verb: str, logs: str
) -> None:
    folder = undisturbed.project.parent
    project = folder / f"terminated-{verb}"
    shutil.copytree(undisturbed.project, project, ignore=shutil.ignore_patterns("logs"))
    kill_run.forget(project, verb)
    process = start(project, verb, *kill_run.words(verb, folder))
    while process.poll() is None and not (project / "logs" / logs).exists():
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGTERM)
    _, said = process.communicate()
    assert process.returncode == 143, said
    assert "terminated; what is finished is kept" in said
    assert "Traceback" not in said
    assert fvc(project, verb, *kill_run.words(verb, folder))[0] == 0
    assert kill_run.comparable(project) == kill_run.comparable(undisturbed.project)


@pytest.mark.slow
def test_of_two_runs_at_once_the_second_says_who_is_at_work(
    undisturbed: kill_run.Undisturbed,
) -> None:
    folder = undisturbed.project.parent
    project = folder / "twice"
    shutil.copytree(undisturbed.project, project)
    kill_run.forget(project, "augment")
    first = start(project, "augment", *kill_run.words("augment", folder))
    wait_until_it_works(first, project / "data/augmented_videos/.journal")
    os.kill(first.pid, signal.SIGSTOP)
    try:
        code, said = fvc(project, "augment", *kill_run.words("augment", folder))
        assert code == 7
        assert f"is being run by process {first.pid} on" in said
        assert fvc(project, "features")[0] in (3, 0)
    finally:
        os.kill(first.pid, signal.SIGCONT)
    first.communicate()
    assert first.returncode == 5


def _on_a_small_disk(folder: Path, size: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command with a small tmpfs over a folder, in a mount namespace of its own."""
    mount = f"mount -t tmpfs -o size={size} tmpfs '{folder}' && exec \"$@\""
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "sh", *words],
        capture_output=True,
        text=True,
        check=False,
    )


def _may_mount(folder: Path) -> bool:
    return _on_a_small_disk(folder, "1m", "true").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("size", ["16k", "120k"])
def test_a_disk_that_fills_up_in_stage_1_ends_it_with_9(
    undisturbed: kill_run.Undisturbed, size: str
) -> None:
    folder = undisturbed.project.parent
    project = folder / f"full-{size}"
    shutil.copytree(undisturbed.project, project)
    kill_run.forget(project, "augment")
    small = project / "data/augmented_videos"
    small.mkdir()
    if not _may_mount(small):
        # Without the right to mount there is still a limit on a file's size, in blocks of 512.
        words = ["sh", "-c", 'ulimit -f 4; exec "$@"', "sh"]
        done = subprocess.run(
            [*words, FVC, "augment", "--project", str(project)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode in (5, 6, 9), done.stderr
        return
    options = kill_run.words("augment", folder)
    done = _on_a_small_disk(small, size, FVC, "augment", "--project", str(project), *options)
    assert done.returncode == 9, done.stderr
    assert "the disk is full" in done.stderr or "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    code, said = fvc(project, "augment", *options)
    assert code == 5, said
    assert kill_run.comparable(project) == kill_run.comparable(undisturbed.project)


_WITHOUT_ROOM = """
mount -t tmpfs -o size=16m tmpfs "$0" && cp -r "$1"/. "$0" || exit 1
dd if=/dev/zero of="$0/filler" bs=64k 2> "$0/said"; cat /dev/zero >> "$0/filler" 2> /dev/null
for verb in setup augment features scale scaled-features match duplicates; do
    corpus=; [ $verb = setup ] && corpus="--corpus $2"
    "$3" $verb --project "$0" $corpus; echo "$verb $?"
done
rm "$0/filler"
"$3" features --project "$0"; echo "later $?"
"""


@pytest.mark.slow
def test_a_disk_without_any_room_is_said_by_every_step(undisturbed: kill_run.Undisturbed) -> None:
    folder = undisturbed.project.parent
    project = folder / "no-room"
    project.mkdir()
    if not _may_mount(project):
        # Without the right to mount, the tests of a device that is always full have to do.
        return
    words = [str(project), str(undisturbed.project), str(folder / "corpus"), FVC]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", _WITHOUT_ROOM, *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    codes = dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)
    steps = ("setup", "augment", "features", "scale", "scaled-features", "match", "duplicates")
    assert {step: codes[step] for step in steps} == dict.fromkeys(steps, "9"), done.stderr
    assert codes["later"] == "0"
    assert "fault of the program" not in done.stderr


@pytest.mark.slow
def test_a_read_only_output_is_said_before_any_work(undisturbed: kill_run.Undisturbed) -> None:
    folder = undisturbed.project.parent
    project = folder / "read-only"
    shutil.copytree(undisturbed.project, project)
    kill_run.forget(project, "augment")
    kill_run.forget(project, "scale")
    before = contents(project)
    bind = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    for verb in ("augment", "scale"):
        words = ["unshare", "-m", "sh", "-c", bind, str(project), FVC, verb]
        words += ["--project", str(project)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if "unshare" in done.stderr or "mount:" in done.stderr:
            project.chmod(0o555)
            for path in project.rglob("*"):
                path.chmod(0o555 if path.is_dir() else 0o444)
            done = subprocess.run(words[6:], capture_output=True, text=True, check=False)
        if verb == "augment":
            assert done.returncode == 9, done.stderr
            assert "read-only" in done.stderr or "permission denied" in done.stderr.lower()
        else:
            assert done.returncode in (3, 9), done.stderr
        assert "Traceback" not in done.stderr
    assert contents(project) == before


def test_no_limit_reads_a_clock_that_can_jump() -> None:
    """Time without progress, elapsed time and rates come from the monotonic clock alone."""
    import fvc

    source = Path(fvc.__file__).parent
    users = [p for p in source.rglob("*.py") if "time.time(" in p.read_text("utf-8")]
    assert users == []
    # Dates are for names of logs and for records; the rooms that have limits know none but that.
    rooms = [p for room in ("engines", "stages", "video") for p in (source / room).rglob("*.py")]
    dated = [p.name for p in rooms if "datetime.now(" in p.read_text("utf-8")]
    assert dated == ["progress.py"]


@pytest.mark.slow
def test_a_clock_that_was_wrong_undoes_nothing(undisturbed: kill_run.Undisturbed) -> None:
    """Files from the future and the past: all of them count as done, and nothing changes."""
    folder = undisturbed.project.parent
    project = folder / "other-times"
    shutil.copytree(undisturbed.project, project)
    now = time.time()
    for number, path in enumerate([*project.rglob("*"), *(folder / "corpus").rglob("*")]):
        then = now + (30 if number % 2 else -30) * 365 * 86400
        os.utime(path, (then, then))
    for verb in ("setup", "augment", "scale"):
        code, said = fvc(project, verb, *kill_run.words(verb, folder))
        assert code == (5 if verb == "augment" else 0), said
    assert kill_run.comparable(project) == kill_run.comparable(undisturbed.project)
    journal = "data/augmented_videos/.journal/1of1.ndjson"
    assert (project / journal).read_bytes() == (undisturbed.project / journal).read_bytes()
