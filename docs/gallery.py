"""Make the pictures of the gallery from a finished demo project.

Run ``make demo``, then ``python docs/gallery.py demo --measure`` once, which runs the verbs whose
results are drawn (some minutes); without ``--measure`` the pictures are only taken over. Nothing
but the simulated corpus is shown: another project is refused.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).parent / "images" / "gallery"
LARGEST_BYTES = 150_000
WIDTH = 1000

FIGURES = (
    *("pipeline", "corpus", "leaderboard", "roc_pr", "calibration"),
    *("critical_difference", "audit", "importance", "robustness"),
)


def verbs(project: Path, best: str) -> list[list[str]]:
    """Give the commands whose results the gallery shows."""
    where = ["--project", str(project), "--quiet"]
    return [
        ["confounds", *where],
        ["calibration", best, *where],
        ["decisions", best, *where],
        ["importance", best, *where],
        ["robustness", best, *where],
        ["compare", *where],
        ["audit", "logistic_regression", "--permutations", "20", *where],
        ["figures", "--columns", "two", *where],
    ]


NET = "two_stream"
"""The net whose figure is shown: it looks at frames and at motion."""


def beside(project: Path) -> Path:
    """Give the copy in which the net is trained, so that the leaderboard stays the demo's."""
    return project.with_name(f"{project.name}-net")


def measure_net(project: Path) -> None:
    """Train the net in its smallest form in a copy of the project, and draw what it rests on."""
    copy = beside(project)
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(project, copy)
    where = ["--project", str(copy), "--quiet"]
    for words in (
        ["train", "--model-types", NET, "--tiny", "--weights", "none", "--max-epochs", "2", *where],
        ["importance", NET, *where],
        ["figures", "--only", "alterations", "--model", NET, "--columns", "two", *where],
    ):
        subprocess.run(["fvc", *words], check=True)


def take(source: Path, name: str) -> None:
    """Write a picture of the project into the gallery, as small as it may be."""
    with Image.open(source) as picture:
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
    if flat.width > WIDTH:
        size = (WIDTH, round(flat.height * WIDTH / flat.width))
        flat = flat.resize(size, Image.Resampling.LANCZOS)
    target = IMAGES / f"{name}.png"
    flat.quantize(64, dither=Image.Dither.NONE).save(target, optimize=True)
    size_bytes = target.stat().st_size
    if size_bytes > LARGEST_BYTES:
        raise ValueError(f"{target.name} has {size_bytes} bytes")
    print(f"{target.name}: {size_bytes / 1000:.0f} kB")


def pictures(project: Path, best: str) -> dict[str, Path]:
    """Give the pictures of the gallery by name: figures for a paper, and those of reports."""
    stage5 = project / "data" / "stage5"
    found = {f"figure-{name}": project / "figures" / f"{name}_two_column.png" for name in FIGURES}
    return found | {
        "figure-alterations": beside(project) / "figures" / "alterations_two_column.png",
        "audit": stage5 / "audit" / "logistic_regression" / "audit.png",
        "confounds": stage5 / "confounds" / "confounds.png",
        "robustness": stage5 / "robustness" / best / "robustness.png",
        "importance": stage5 / "importance" / best / "importance.png",
        "critical-difference": stage5 / "comparison" / "critical_difference.png",
        "calibration": stage5 / best / "calibration" / "calibration.png",
        "decisions": stage5 / best / "decisions" / "decisions.png",
        "leaderboard": stage5 / "leaderboard.png",
        "roc-pr": stage5 / best / "plots" / "roc_pr_curves.png",
        "confusion": stage5 / best / "plots" / "confusion_matrix.png",
        "folds": stage5 / best / "plots" / "fold_comparison.png",
        "search": stage5 / best / "plots" / "search_results.png",
    }


def main(project: Path, *, measure: bool = False) -> None:
    """Make the gallery's pictures."""
    board = json.loads((project / "data/stage5/leaderboard.json").read_text(encoding="utf-8"))
    if not board["simulated"]:
        raise ValueError("only results of the simulated corpus go into the documentation")
    best = board["models"][0]["model"]
    if measure:
        for words in verbs(project, best):
            subprocess.run(["fvc", *words], check=True)
        measure_net(project)
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, source in pictures(project, best).items():
        take(source, name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), measure="--measure" in sys.argv[2:])
