import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fvc.workspace import Workspace

SPLIT = {"hash": "h", "n_splits": 2, "repeats": 1, "n_sources": 40, "n_groups": 20}


def scored(seed: int) -> pl.DataFrame:
    """Out-of-fold scores of forty sources in twenty groups and two folds."""
    rng = np.random.default_rng(seed)
    label = np.arange(40) % 2
    score = rng.normal(label * 0.8, 1)
    score = 1 / (1 + np.exp(-score))
    return pl.DataFrame(
        {
            "source": [f"s{k}" for k in range(40)],
            "group": [f"g{k // 2}" for k in range(40)],
            "label": label,
            "repeat": np.zeros(40, dtype=np.int64),
            "fold": (np.arange(40) // 2) % 2,
            "score": score,
            "calibrated": score,
        }
    )


def _row(model: str, auc: float) -> dict[str, object]:
    return {
        "model": model,
        "complete": True,
        "n_sources": 40,
        "n_scored": 40,
        "roc_auc": auc,
        "roc_auc_low": auc - 0.1,
        "roc_auc_high": auc + 0.1,
        "f1": 0.7,
        "f1_low": 0.6,
        "f1_high": 0.8,
        "balanced_accuracy": 0.7,
        "average_precision": 0.75,
        "brier": 0.2,
    }


@pytest.fixture
def results(tmp_path: Path) -> Workspace:
    """A project with an index, two models and a leaderboard, and no result of another verb."""
    workspace = Workspace(tmp_path)
    workspace.stage5.mkdir(parents=True)
    pl.DataFrame(
        {
            "source": [f"s{k}" for k in range(40)],
            "label": np.arange(40) % 2,
            "group": [f"g{k // 2}" for k in range(40)],
            "collection": [f"collection_{k % 3}" for k in range(40)],
            "duration_sec": np.linspace(2, 90, 40),
            "height": [240, 360, 720, 1080] * 10,
            "status": ["ok"] * 40,
        }
    ).write_csv(workspace.index_csv)
    board = {
        "models": [_row("svm_stage2", 0.8), _row("100%_&_more", 0.6)],
        "baselines": [
            {"baseline": "majority class", "columns": [], "n_scored": 40, "roc_auc": 0.5},
            {
                "baseline": "frame rate",
                "columns": ["fps"],
                "n_scored": 40,
                "roc_auc": 0.65,
                "roc_auc_low": 0.5,
                "roc_auc_high": 0.75,
            },
        ],
        "selection": {"corrected": 0.77, "winner": "svm_stage2"},
        "split": SPLIT,
        "simulated": True,
    }
    workspace.leaderboard_json.write_text(json.dumps(board))
    for seed, row in enumerate(board["models"]):
        folder = workspace.model(row["model"])
        folder.mkdir()
        scored(seed).write_parquet(folder / "predictions.parquet")
    return workspace


@pytest.fixture
def compared(results: Workspace) -> Workspace:
    """The same with a comparison that tells the two models apart."""
    results.comparison.mkdir()
    document = {
        "models": [
            {"model": "svm_stage2", "roc_auc": 0.8, "rank": 1.2},
            {"model": "100%_&_more", "roc_auc": 0.6, "rank": 1.8},
        ],
        "pairs": [{"a": "100%_&_more", "b": "svm_stage2", "significant": True}],
        "ranks": {"cliques": []},
        "tests": {"bootstrap": "paired bootstrap over groups"},
        "deciding_test": "bootstrap",
        "alpha": 0.05,
    }
    (results.comparison / "comparison.json").write_text(json.dumps(document))
    return results
