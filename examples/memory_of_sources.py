"""What memory looks like: features that know nothing about the label, scored three ways.

298 sources in 149 scenes, eleven clips each. The 26 features of a clip say which source and which
scene it comes from, and nothing about whether it is fake: labels are drawn apart from them. An
honest score is that of a coin. Row by row, gradient boosting looks like a detector all the same.

    python examples/memory_of_sources.py

Everything here is simulated; it takes about a minute.
"""

import argparse
import functools
from typing import Any

import numpy as np

from fvc.audit import Table, audit_table
from fvc.models import get_model
from fvc.training.selection import fit_detector

SOURCES, CLIPS, FEATURES, A_SCENE = 298, 11, 26, 2

SPREAD = 0.3
"""How much the clips of a source differ, in standard deviations between sources."""

SETTINGS = {"n_estimators": 120, "max_depth": 4, "learning_rate": 0.25}


def simulate(sources: int = SOURCES, seed: int = 0) -> Table:
    """Draw clips whose features tell sources and scenes apart, and labels apart from them."""
    rng = np.random.default_rng(seed)
    scene = np.arange(sources) // A_SCENE
    scenes = int(scene.max()) + 1
    of_scene = rng.normal(size=(scenes, FEATURES))[scene]
    of_source = np.sqrt(0.8) * of_scene + np.sqrt(0.2) * rng.normal(size=(sources, FEATURES))
    source = np.repeat(np.arange(sources), CLIPS)
    features = of_source[source] + SPREAD * rng.normal(size=(len(source), FEATURES))
    return Table(
        X=features.astype(np.float32),
        source=source,
        original=np.tile(np.arange(CLIPS) == 0, sources),
        labels=rng.permutation(np.arange(scenes) % 2)[scene].astype(np.int8),
        groups=np.array([f"scene {k}" for k in scene], dtype=object),
        feature_names=[f"identity_{k}" for k in range(FEATURES)],
    )


def lesson(
    sources: int = SOURCES, *, seed: int = 0, permutations: int = 6, workers: int = 1
) -> dict[str, Any]:
    """Audit gradient boosting on features that know nothing about the label.

    Parameters
    ----------
    sources
        Sources to simulate.
    seed
        Seed of the corpus and of the folds.
    permutations
        Times that labels are dealt anew to whole scenes.
    workers
        Processes.
    """
    fit = functools.partial(fit_detector, get_model("gradient_boosting"), SETTINGS)
    return audit_table(
        simulate(sources, seed),
        fit,
        repeats=1,
        permutations=permutations,
        resamples=500,
        seed=seed,
        workers=workers,
    )


def main() -> None:
    """Print the lesson."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=int, default=SOURCES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    found = lesson(options.sources, seed=options.seed, workers=options.workers)
    print(f"SIMULATED: {options.sources} sources, features that know nothing about the label\n")
    print(f"{'folds':<12} {'labels':<9} {'unit':<7} {'n':>5} {'ROC AUC':>8} {'F1':>6}")
    for row in found["rows"]:
        print(
            f"{row['folds']:<12} {row['labels']:<9} {row['unit']:<7} {row['n']:>5} "
            f"{row['auc']:>8.3f} {row['f1']:>6.3f}"
        )
    print(f"\n{found['verdict']}")


if __name__ == "__main__":
    main()
