"""The words follow from the numbers."""

from typing import Any

import pytest

from fvc.audit.rows import row
from fvc.audit.verdict import in_words, memory_share, verdict_on_schemes


def rows(grouped: float, source_wise: float, row_wise: float, **more: Any) -> list[dict[str, Any]]:
    aucs = {"grouped": grouped, "source-wise": source_wise, "row-wise": row_wise}
    return [
        row(
            folds=folds,
            labels="true",
            auc=auc,
            auc_low=auc - 0.04,
            auc_high=auc + 0.04,
            p_value=0.2,
            permutations=200,
            **more,
        )
        for folds, auc in aucs.items()
    ]


def step(auc: float) -> dict[str, float]:
    return {"auc": auc, "low": auc - 0.05, "high": auc + 0.05, "p": 0.01}


def test_the_example_of_the_issue() -> None:
    memory = {"clips": step(0.3), "scenes": step(0.11), "together": step(0.41)}
    verdict = verdict_on_schemes(rows(0.54, 0.65, 0.95), memory, one_source_groups=False)
    assert verdict.startswith(
        "0.95 row-wise, 0.54 grouped: nine tenths of the gain over chance is memory. Memory of "
        "clips (other clips of a source were seen): +0.30 AUC, +0.25 to +0.35. Memory of scenes"
    )
    assert "cannot be told from that of permuted labels (p = 0.200" in verdict


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "next to nothing"),
        (0.05, "a tenth"),
        (0.21, "a fifth"),
        (0.5, "half"),
        (0.94, "nine tenths"),
        (0.96, "nearly all"),
        (1.0, "all"),
    ],
)
def test_shares_in_words(share: float, words: str) -> None:
    assert in_words(share) == words


def test_shares_stay_between_nothing_and_all() -> None:
    low, mid, high = (
        {"auc": 0.45, "auc_low": 0.4},
        {"auc": 0.7, "auc_low": 0.6},
        {"auc": 0.9, "auc_low": 0.8},
    )
    assert memory_share(high, mid) == pytest.approx(0.5)
    assert memory_share(high, low) == 1
    assert memory_share(mid, high) == 0
    assert memory_share(low, low) is None


def test_no_gain_is_nothing_to_explain() -> None:
    memory = {"clips": step(0.01), "scenes": step(0.0), "together": step(0.01)}
    verdict = verdict_on_schemes(rows(0.5, 0.5, 0.51), memory, one_source_groups=False)
    assert "there is no gain over chance to explain" in verdict
    assert "No significant memory of clips" in verdict
