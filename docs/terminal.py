"""Record what verbs print in a terminal, as pictures for the documentation.

Run ``make demo`` and then ``python docs/terminal.py demo``. Each command runs in a pseudo-terminal
of 100 columns; what it printed, colours included, is drawn as SVG. Only the simulated corpus is
shown.
"""

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

IMAGES = Path(__file__).with_name("images")
WIDTH = 100

# Rich's own template names fonts that a browser would fetch.
_FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" role="img" aria-label="TITLE"
 xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace;
 font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def record(words: list[str], folder: Path) -> str:
    """Run a command in a terminal of `WIDTH` columns in a folder, and give what it printed."""
    here, there = pty.openpty()
    environment = {
        **os.environ,
        "COLUMNS": str(WIDTH),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        words, cwd=folder, stdin=there, stdout=there, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        os.close(there)
        parts = []
        while True:
            try:
                part = os.read(here, 65536)
            except OSError:  # how Linux says that the other side has closed
                break
            if not part:
                break
            parts.append(part)
    os.close(here)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}")
    return b"".join(parts).decode().replace("\r\n", "\n")


def draw(commands: list[list[str]], folder: Path, title: str) -> str:
    """Record commands one after the other and draw them as one terminal."""
    console = Console(
        width=WIDTH,
        record=True,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
    )
    for number, words in enumerate(commands):
        if number:
            console.print()
        console.print(Text.assemble(("$ ", "bold green"), (" ".join(words), "bold")))
        printed = record(words, folder).replace(f"{folder.absolute()}/", "")
        console.print(Text.from_ansi(printed.rstrip()), soft_wrap=False)
    return console.export_svg(
        title=title,
        theme=DIMMED_MONOKAI,
        code_format=_FORMAT.replace("TITLE", title),
        unique_id="fvc-" + re.sub(r"[^a-z]+", "-", title.lower()),
    )


def main(project: Path) -> None:
    """Record the pictures of a finished demo project."""
    board = json.loads((project / "data/stage5/leaderboard.json").read_text(encoding="utf-8"))
    if not board["simulated"]:
        raise ValueError("only results of the simulated corpus go into the documentation")
    folder, name = project.absolute().parent, project.name
    videos = sorted((project / "videos").rglob("video.*"))
    wide = next(path for path in videos if path.suffix == ".webm")
    video = wide.absolute().relative_to(folder).as_posix()
    table = f"{name}/data/features_stage2/features_metadata.arrow"
    pictures = {
        "terminal-leaderboard": (
            "Detectors of the demo, on simulated videos",
            [["fvc", "leaderboard", "--project", name]],
        ),
        "terminal-predict": (
            "Judging simulated videos",
            [["fvc", "predict", video, videos[-1].absolute().relative_to(folder).as_posix(),
              "--project", name]],
        ),
        "terminal-show": (
            "Looking into files",
            [["fvc", "show", video, "--num-frames", "2"], ["fvc", "show", table, "--rows", "3"]],
        ),
    }  # fmt: skip
    for stem, (title, commands) in pictures.items():
        path = IMAGES / f"{stem}.svg"
        path.write_text(draw(commands, folder, title), encoding="utf-8")
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
