"""What a training run came to."""

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from fvc.errors import EXIT_SOME_FAILED, NotAvailableError, NothingLeftError
from fvc.models import ModelSpec
from fvc.workspace import Workspace

Status = Literal["trained", "kept", "fitted", "incomplete", "not available"]


@dataclass(frozen=True)
class ModelOutcome:
    """What became of one model that was asked for.

    Parameters
    ----------
    name
        As asked for.
    status
        ``"trained"``; ``"kept"``: settings, tables and split are those of the files that are
        there; ``"fitted"``: this part's folds are there, others are not;
        ``"incomplete"``: a fold or the final fit failed; ``"not available"``.
    folder
        Its folder, relative to the project; None where there is none.
    reason
        Why it is incomplete or not available.
    roc_auc, roc_auc_low, roc_auc_high
        Mean over folds and repeats, and the ends of its interval.
    n_scored, n_sources
        Coverage.
    seconds
        Time that it took.
    """

    name: str
    status: Status
    folder: str | None = None
    reason: str = ""
    roc_auc: float | None = None
    roc_auc_low: float | None = None
    roc_auc_high: float | None = None
    n_scored: int | None = None
    n_sources: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class TrainReport:
    """What a training run came to.

    Parameters
    ----------
    models
        One outcome for each model asked for.
    split
        The split that all of them share.
    leaderboard
        All trained models of the project beside the baselines.
    log
        Log file, relative to the project.
    seconds
        Time of the whole run.
    """

    models: tuple[ModelOutcome, ...]
    split: dict[str, Any]
    leaderboard: dict[str, Any] = field(default_factory=dict)
    log: str = ""
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """Say in a number how it went.

        8 where a model that was asked for is not available (the others are trained all the same:
        a script must not take it for done); 6 where every available one is incomplete; 5 where
        some are; else 0.
        """
        status = [outcome.status for outcome in self.models]
        tried = [one for one in status if one != "not available"]
        if tried and all(one == "incomplete" for one in tried):
            return NothingLeftError.exit_code
        if "not available" in status:
            return NotAvailableError.exit_code
        return EXIT_SOME_FAILED if "incomplete" in status else 0

    def to_dict(self) -> dict[str, Any]:
        """Give the report in plain JSON types."""
        return {
            "stage": 5,
            "exit_code": self.exit_code,
            "models": [asdict(outcome) for outcome in self.models],
            "split": self.split,
            "leaderboard": self.leaderboard,
            "log": self.log,
            "seconds": round(self.seconds, 3),
        }

    def summary(self) -> str:
        """Give the report in a few lines."""
        lines = [self._title()]
        width = max(len(outcome.name) for outcome in self.models)
        for outcome in self.models:
            lines.append(f"  {outcome.name:<{width}}  {_line(outcome)}")
        return "\n".join(lines)

    def _title(self) -> str:
        split = self.split
        return (
            f"Stage 5: ROC AUC on sources (95 % interval), {split.get('n_sources')} sources in "
            f"{split.get('n_groups')} groups, {split.get('n_splits')} grouped folds"
        )


def _line(outcome: ModelOutcome) -> str:
    if outcome.status == "not available":
        return "not available in this version"
    if outcome.status == "fitted":
        return f"the folds of this part are fitted; others are still to be  {outcome.folder}"
    score = "no score"
    if outcome.roc_auc is not None:
        score = f"{outcome.roc_auc:.3f}"
        if outcome.roc_auc_low is not None and outcome.roc_auc_high is not None:
            score += f" ({outcome.roc_auc_low:.3f} to {outcome.roc_auc_high:.3f})"
    text = f"{score}  scored {outcome.n_scored}/{outcome.n_sources}  {outcome.status}"
    if outcome.reason:
        text += f": {outcome.reason}"
    return f"{text}  {outcome.folder}"


def outcome_of(
    spec: ModelSpec,
    status: Any,
    folder: Path,
    document: dict[str, Any],
    workspace: Workspace,
    begun: float,
) -> ModelOutcome:
    """Say what became of a model, as its ``metrics.json`` has it."""
    aggregate = document["aggregate"]
    return ModelOutcome(
        name=spec.name,
        status=status,
        folder=workspace.relative(folder),
        reason=document["incomplete_reason"] or "",
        roc_auc=aggregate["roc_auc"],
        roc_auc_low=aggregate["roc_auc_low"],
        roc_auc_high=aggregate["roc_auc_high"],
        n_scored=aggregate["n_scored"],
        n_sources=aggregate["n_sources"],
        seconds=round(time.perf_counter() - begun, 3),
    )
