"""``python -m tests.fuzz --count 2000 --seed 0``: the recorded run."""

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

# Workers find these modules by name, as they do under pytest.
sys.path.insert(0, str(Path(__file__).parent))

from fuzz_run import Tally, run
from fuzz_seeds import clips_as_seeds, make_seeds

SHOWN = 40


def main() -> int:
    """Run and print; 1 where a fault was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="number of spoilt files")
    parser.add_argument("--start", type=int, default=0, help="number of the first one")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same files")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clips", type=Path, help="spoil the videos of this folder instead")
    parser.add_argument("--keep", type=Path, help="keep the files that killed a worker here")
    parser.add_argument("--add-to", type=Path, help="add the counts to those of this JSON file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seeds = make_seeds(Path(folder, "seeds"))
        if given.clips is not None:
            seeds = clips_as_seeds(given.clips)
        tally = run(
            seeds,
            Path(folder, "project"),
            count=given.count,
            seed=given.seed,
            start=given.start,
            workers=given.workers,
            keep=given.keep,
        )
    if given.add_to is not None:
        add_to(given.add_to, tally)
    show(tally)
    return 1 if tally.faults else 0


def add_to(path: Path, tally: Tally) -> None:
    """Add a piece of a run to the pieces before it."""
    before = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(
        json.dumps(
            {
                "files": before.get("files", 0) + tally.files,
                "kinds": Counter(before.get("kinds", {})) + tally.kinds,
                "endings": Counter(before.get("endings", {})) + tally.endings,
                "died": before.get("died", []) + tally.died,
                "faults": before.get("faults", []) + tally.faults,
                "slowest": max(before.get("slowest", 0.0), tally.slowest),
                "seconds": before.get("seconds", 0.0) + tally.seconds,
                "reasons": {**tally.reasons, **before.get("reasons", {})},
            },
            indent=2,
            ensure_ascii=False,
        )
    )


def show(tally: Tally) -> None:
    """Print the counts."""
    print(f"{tally.files} files in {tally.seconds:.0f} s, the slowest {tally.slowest:.1f} s")
    for counts in (tally.kinds, tally.endings):
        print("  ", ", ".join(f"{name} {number}" for name, number in counts.most_common()))
    for title, lines in (("workers lost", tally.died), ("FAULTS", tally.faults)):
        print(f"{title}: {len(lines)}")
        for line in lines[:SHOWN]:
            print("  ", line)


if __name__ == "__main__":
    sys.exit(main())
