"""``fvc doctor``: what is installed, what is missing, and the line that installs it."""

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc import __version__
from fvc.cli.output import print_json
from fvc.cli.verb import app_of, options_of
from fvc.workspace import Workspace

NEEDED_GIB = 2


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: good, missing but optional, or bad; and what mends it."""

    what: str
    state: Literal["good", "optional", "bad"]
    detail: str
    remedy: str = ""


def doctor(project: Path = Path("."), *, json: bool = False) -> int:
    """Say what is installed, what is missing, and the line that installs it.

    Parameters
    ----------
    project
        The project's folder, whose state is shown too.
    json
        Print one JSON document on standard output.
    """
    findings = [*_python(), *_packages(), *_video(), *_machine(project), *_project(project)]
    if json:
        print_json({"version": __version__, "findings": [asdict(f) for f in findings]})
    else:
        _print(findings)
    return 8 if any(f.state == "bad" for f in findings) else 0


def _python() -> list[Finding]:
    version = platform.python_version()
    good = sys.version_info >= (3, 11)
    state: Literal["good", "bad"] = "good" if good else "bad"
    return [Finding("Python", state, version, "" if good else "Install Python 3.11 or newer")]


def _packages() -> list[Finding]:
    findings = []
    missing_extras: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("fvc") or []:
        name, extra = _name_and_extra(requirement)
        if name is None or name == "fvc":
            continue
        try:
            findings.append(Finding(name, "good", importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            if extra:
                missing_extras.setdefault(extra, []).append(name)
            else:
                remedy = f'pip install "{name}"'
                findings.append(Finding(name, "bad", "not installed", remedy))
    for extra, names in missing_extras.items():
        detail = f"not installed: {', '.join(names)}"
        findings.append(Finding(f"[{extra}]", "optional", detail, f'pip install "fvc[{extra}]"'))
    return findings


def _name_and_extra(requirement: str) -> tuple[str | None, str | None]:
    """Give a requirement's name, or None where it is for another machine, and its extra."""
    from packaging.requirements import Requirement

    parsed = Requirement(requirement)
    found = re.search(r"extra == ['\"](\w+)['\"]", str(parsed.marker or ""))
    extra = found.group(1) if found else None
    applies = parsed.marker is None or parsed.marker.evaluate({"extra": extra or ""})
    return (parsed.name if applies else None), extra


def _video() -> list[Finding]:
    if importlib.util.find_spec("av") is None:
        return []
    import av

    findings = []
    for name, mode in (("libx264", "w"), ("h264", "r"), ("vp9", "r"), ("hevc", "r")):
        try:
            av.codec.Codec(name, mode)  # type: ignore[arg-type]
        except ValueError:
            remedy = "Install PyAV's own wheel: pip install --force-reinstall av"
            findings.append(Finding(f"codec {name}", "bad", "missing in this PyAV", remedy))
    if not findings:
        version = ".".join(map(str, av.library_versions["libavcodec"]))
        findings.append(Finding("FFmpeg in PyAV", "good", f"libavcodec {version}"))
    return findings


def _machine(project: Path) -> list[Finding]:
    import psutil

    memory = psutil.virtual_memory().available / 2**30
    there = next(p for p in (project.absolute(), *project.absolute().parents) if p.exists())
    free = shutil.disk_usage(there).free / 2**30
    writable = os.access(there, os.W_OK)
    return [
        Finding("processors", "good", str(len(os.sched_getaffinity(0)))),
        Finding("memory", "good" if memory > NEEDED_GIB else "bad", f"{memory:.1f} GiB free",
                "" if memory > NEEDED_GIB else "Close other programs, or use --workers 1"),
        Finding("disk", "good" if free > NEEDED_GIB and writable else "bad",
                f"{free:.1f} GiB free at {there}" + ("" if writable else ", not writable"),
                "" if free > NEEDED_GIB and writable else "Choose another folder with --project"),
    ]  # fmt: skip


def _project(project: Path) -> list[Finding]:
    workspace = Workspace(project)
    steps = [("step 0, index", workspace.index_csv.is_file(), "fvc setup")]
    for files in workspace.stages:
        from fvc.tables import find_table

        done = find_table(files) is not None
        steps.append((f"stage {files.number}, {files.command}", done, f"fvc {files.command}"))
    steps.append(("stage 5, train", workspace.leaderboard_json.is_file(), "fvc train"))
    return [
        Finding(what, "good" if done else "optional", "done" if done else "not yet run",
                "" if done else command)
        for what, done, command in steps
    ]  # fmt: skip


def _print(findings: list[Finding]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "", "found", "what helps"):
        table.add_column(heading)
    signs = {
        "good": "[green]ok[/]",
        "optional": "[yellow]--[/]",
        "bad": "[red]!![/]",
    }
    for f in findings:
        table.add_row(signs[f.state], escape(f.what), escape(f.detail), escape(f.remedy))
    Console(highlight=False).print(table)


command = app_of(
    doctor, options_of(doctor), name="doctor", example="fvc doctor --project my-project"
)
