"""A detector's card for people says what the one for programs says."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from fvc.training import stage5_train_models
from fvc.training.card_page import card_page
from fvc.workspace import Workspace

MODELS = ("logistic_regression", "logistic_regression_stage2_stage4", "sklearn_logreg")
NET = {
    "family": "video",
    "feature_names": [],
    "video": {"num_frames": 16, "size": 224},
    "net": {"tiny": False, "parameters": 2_976_723},
    "full_size": {"parameters": 2_976_723, "gflops": 9.5},
    "training": {"epochs_done": 7, "effective_batch_size": 16, "memory": None},
    "weights": {
        "random": False, "kind": "pretrained", "source": "hf:some/one",
        "licence": "CC-BY-NC-4.0; trained on Kinetics-400", "sha256": "ab12",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, simulated: Callable[..., Workspace]
) -> Workspace:
    workspace = simulated(tmp_path_factory.mktemp("card"), sources=24, variants=1, failed=(3,))
    stage5_train_models(
        workspace.root, model_types=MODELS, n_splits=2, repeats=1, grid="none", workers=1
    )
    return workspace


@pytest.fixture(scope="module")
def card(project: Workspace) -> dict[str, Any]:
    path = project.model("logistic_regression") / "final" / "card.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def page_of(workspace: Workspace, model: str) -> str:
    folder = workspace.model(model)
    folder = folder if (folder / "card.json").is_file() else folder / "final"
    return (folder / "card.md").read_text(encoding="utf-8")


def test_numbers_and_names_are_those_of_the_card(project: Workspace, card: dict[str, Any]) -> None:
    page = page_of(project, "logistic_regression")
    assert page == card_page(card)
    expected = card["expected_performance"]
    value, low, high = (expected[key] for key in ("roc_auc", "roc_auc_low", "roc_auc_high"))
    assert f"| ROC AUC | {value:.3f} | {low:.2f} to {high:.2f} |" in page
    assert "23 of 24 sources were scored" in page
    assert "could not be scored, and are in no metric: 1." in page
    assert f"{len(card['feature_names'])} features: f0, " in page
    assert f"hash {card['split_hash']}" in page
    for heading in ("What to expect of it", "What it is", "What it was fitted to", "Limits"):
        assert f"\n## {heading}\n" in page
    # A table has a row of dashes, and none has a cell too many.
    for table in re.findall(r"(?:^\|.*\n)+", page, flags=re.M):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_aliases_and_flat_folders_have_one(project: Workspace) -> None:
    alias = page_of(project, "logistic_regression_stage2_stage4")
    assert alias.startswith(
        "# logistic_regression_stage2_stage4 (another name of `logistic_regression`)"
    )
    assert page_of(project, "sklearn_logreg").startswith("# sklearn_logreg\n")
    document = json.loads((project.model("sklearn_logreg") / "metrics.json").read_text())
    assert any(file.endswith("sklearn_logreg/card.md") for file in document["files"])


def test_a_net_names_its_size_weights_and_licence(card: dict[str, Any]) -> None:
    page = card_page({**card, **NET})
    assert "| parameters | 2,976,723 |" in page
    assert "| operations | 9.5 GFLOPs a clip" in page
    assert "hf:some/one; licence CC-BY-NC-4.0" in page
    assert "SHA-256 ab12" in page
    assert "not for commercial use" in page
    assert "16 frames of 224 pixels a side" in page
    assert "random weights" not in page
    free = {**NET["weights"], "licence": "MIT"}  # type: ignore[dict-item]
    assert "commercial" not in card_page({**card, **NET, "weights": free})


def test_what_must_not_be_missed_stands_on_top(card: dict[str, Any]) -> None:
    tiny = {**NET, "net": {"tiny": True, "parameters": 5593}, "random_weights": True}
    page = card_page({**card, **tiny, "simulated": True})
    top = page.split("## What to expect")[0]
    for words in ("corpus is simulated", "smallest form", "began with random weights, not"):
        assert words in top
    # Operations are known of the full size alone.
    assert "GFLOPs" not in page
    assert "| parameters | 5,593 |" in page
    failed = {"complete": False, "incomplete_reason": "fold 1: failed"}
    expected = {**card["expected_performance"], **failed, "roc_auc_low": None}
    page = card_page({**card, "expected_performance": expected})
    assert "**Incomplete: fold 1: failed.**" in page
    assert "| none: too few groups or folds |" in page


@pytest.mark.parametrize(("low", "said"), [(0.3, True), (0.5, True), (0.51, False), (None, True)])
def test_a_score_that_may_be_chance_is_said_to_be(
    card: dict[str, Any], low: float | None, said: bool
) -> None:
    expected = {**card["expected_performance"], "roc_auc_low": low}
    page = card_page({**card, "expected_performance": expected})
    assert ("not shown to be better than chance" in page) == said
    assert ("groups are few" in page) != said
