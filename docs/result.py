"""Put a demo's leaderboard into README.md and the tutorial.

Run ``make demo`` and then ``python docs/result.py demo``.
"""

import contextlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

README = Path(__file__).parents[1] / "README.md"
TUTORIAL = Path(__file__).with_name("tutorial.md")

TOGETHER = "together"


def result_table(board: dict[str, Any]) -> str:
    """Say in Markdown what the leaderboard of a simulated corpus holds."""
    if not board["simulated"]:
        raise ValueError("only results of the simulated corpus go into the documentation")
    split, models = board["split"], board["models"]
    lines = [
        f"`make demo`, **simulated videos**: {split['n_sources']} sources "
        f"({models[0]['n_real']} real, {models[0]['n_fake']} fake) in {split['n_groups']} groups,",
        f"{split['n_splits']} grouped folds, drawn {split['repeats']} times. One score a source. "
        "ROC AUC and F1 are means over folds, with a",
        "95 % bootstrap interval over groups.",
        "",
        "| model | ROC AUC (95 %) | F1 | scored |",
        "| --- | --- | --- | --- |",
    ]
    lines += [_row(f"`{row['model']}`", row, _two(row["f1"])) for row in models]
    scored = [row for row in board["baselines"] if row["roc_auc"] is not None and row["columns"]]
    alone = [row for row in scored if TOGETHER not in row["baseline"]]
    best = max(alone, key=lambda row: row["roc_auc"])
    lines.append(_row(f"*{best['baseline']} alone, the best of the single ones*", best, ""))
    lines += [_row(f"*{r['baseline']}*", r, "") for r in scored if TOGETHER in r["baseline"]]
    lines += [
        "",
        "Rows in italics are what metadata alone reach; a model has to beat them. With so few",
        "groups the intervals are wide, and models whose intervals overlap cannot be ranked. The",
        "simulated fakes differ from the real clips by construction: these numbers show that the",
        "system works and say nothing about real videos.",
    ]
    warned = sum(bool(row["warning"]) for row in models)
    if warned:
        lines[-1] += (
            f" {warned} of {len(models)} models carry a warning that metadata come near them."
        )
    return "\n".join(lines)


def _row(name: str, row: dict[str, Any], f1: str) -> str:
    interval = f"{_two(row['roc_auc_low'])} to {_two(row['roc_auc_high'])}"
    scored = f"{row['n_scored']} of {row['n_sources']}"
    return f"| {name} | {_two(row['roc_auc'])} ({interval}) | {f1} | {scored} |"


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def replace_block(path: Path, name: str, content: str) -> None:
    """Replace what stands between ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->``."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{path} has no block {name!r}")
    text = pattern.sub(lambda _: f"{begin}\n\n{content}\n\n{end}", text)
    path.write_text(text, encoding="utf-8")


def printed(project: Path, *words: str) -> str:
    """Give what a verb prints, with the project called by its plain name."""
    from fvc.cli.app import run

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        run([*words, "--project", str(project)])
    text = out.getvalue().replace(str(project.absolute()), project.name)
    return "```text\n" + "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n```"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    leaderboard = folder / "data" / "stage5" / "leaderboard.json"
    replace_block(README, "result", result_table(json.loads(leaderboard.read_text("utf-8"))))
    replace_block(TUTORIAL, "setup", printed(folder, "setup"))
    replace_block(TUTORIAL, "leaderboard", printed(folder, "leaderboard"))
