"""``fvc decisions``: what each way to call videos real, fake or undecided comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fvc.errors import DataError, OptionError
from fvc.evaluation.bootstrap import ScoredRows, group_draws, widened_interval
from fvc.evaluation.calibration_report import read_trained
from fvc.evaluation.calibrators import move_prevalence
from fvc.evaluation.conformal import (
    CLASSES,
    PValues,
    fit_p_values,
    groups_needed,
    nonconformity,
    out_of_fold_p_values,
)
from fvc.evaluation.costs import FAKE, REAL, UNDECIDED, Costs
from fvc.evaluation.decisions_plot import draw_decisions
from fvc.evaluation.verdict_report import VerdictReport, rows_table, write_results
from fvc.workspace import Workspace

DECISIONS_VERSION = 1

_CONFIDENCE = 0.95
# Balanced; a false alarm five times as bad; a miss five times as bad; and with an undecided band.
_USUAL_COSTS = (Costs(), Costs(5, 1), Costs(1, 5), Costs(1, 1, 0.3), Costs(5, 1, 0.5))

Ints = npt.NDArray[np.int8]


class DecisionsReport(VerdictReport):
    """What each way to decide comes to.

    Attributes
    ----------
    document
        As it is written to ``decisions.json``.
    exit_code
        Always 0.
    """


def model_decisions(
    project: Path = Path("."),
    *,
    model: str,
    error_rates: tuple[float, ...] = (0.05, 0.1, 0.2),
    false_positive_rates: tuple[float, ...] = (0.01, 0.05, 0.1),
    cost_false_alarm: float | None = None,
    cost_miss: float | None = None,
    cost_undecided: float | None = None,
    prevalence: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> DecisionsReport:
    """Say what each way to decide comes to on sources that neither model nor rule has seen.

    Parameters
    ----------
    project
        Folder of the project.
    model
        The trained model.
    error_rates
        Error rates of the conformal decision, between 0 and 0.5.
    false_positive_rates
        Wanted shares of real sources that are called fake, between 0 and 0.5.
    cost_false_alarm
        Cost of calling a real video fake; by default a few usual costs are gone through.
    cost_miss
        Cost of calling a fake video real.
    cost_undecided
        Cost of no decision; by default every video is decided.
    prevalence
        Share of fakes that you expect, between 0 and 1; by default as in the corpus.
    resamples
        Bootstrap resamples of groups, at least 100.
    seed
        Seed of the bootstrap.

    Returns
    -------
    DecisionsReport
        One row a rule: what became of real and of fake sources, with intervals.

    Raises
    ------
    OptionError
        A value that an option cannot take.
    MissingInputError
        The model was not trained.
    DataError
        No source was scored.
    """
    if resamples < 100 or (prevalence is not None and not 0 < prevalence < 1):
        raise OptionError("resamples are 100 or more, the prevalence lies between 0 and 1")
    if any(not 0 < rate < 0.5 for rate in (*error_rates, *false_positive_rates)):
        raise OptionError("rates lie between 0 and 0.5, both excluded")
    costs: tuple[Costs, ...] = _USUAL_COSTS
    if any(cost is not None for cost in (cost_false_alarm, cost_miss, cost_undecided)):
        alarm = 1.0 if cost_false_alarm is None else cost_false_alarm
        try:
            costs = (Costs(alarm, 1.0 if cost_miss is None else cost_miss, cost_undecided),)
        except ValueError as error:
            raise OptionError(str(error)) from error
    workspace = Workspace(project)
    trained, predictions = read_trained(workspace, model)
    document = {
        "model": model,
        **decisions_of(
            predictions,
            error_rates=error_rates,
            false_positive_rates=false_positive_rates,
            costs=costs,
            prevalence=prevalence,
            resamples=resamples,
            seed=seed,
        ),
        "simulated": bool(trained.get("simulated")),
        "split": trained.get("split"),
        "version": DECISIONS_VERSION,
    }
    document["verdict"] = _verdict(document)
    document["notes"] = _notes(document)
    return DecisionsReport(_write(document, workspace))


def decisions_of(
    predictions: pl.DataFrame,
    *,
    error_rates: Sequence[float],
    false_positive_rates: Sequence[float],
    costs: Sequence[Costs],
    prevalence: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Decide every source by what the other folds have taught, and count.

    Parameters
    ----------
    predictions
        ``source, group, label, repeat, fold, score, calibrated``.
    error_rates, false_positive_rates, costs, prevalence, resamples, seed
        As in `model_decisions`.

    Returns
    -------
    dict
        ``rows``, one a rule, and counts. Shares are of sources, means over repeats; the columns
        ``…_by_group`` weigh a group one, as the conformal promise does.

    Raises
    ------
    DataError
        No source was scored, or one class only.
    """
    table = predictions.filter(pl.col("score").is_finite()).sort("repeat", "source")
    fake = table["label"].to_numpy() == 1
    if not len(table) or fake.all() or not fake.any():
        raise DataError("decisions are counted on scored sources of both classes")
    group = table["group"].rank("dense").to_numpy().astype(np.int64) - 1
    score, label = table["score"].to_numpy(), table["label"].to_numpy()
    repeat, fold = table["repeat"].to_numpy(), table["fold"].to_numpy()
    p_values = out_of_fold_p_values(score, label, group, repeat, fold)
    share = float(table.unique("source")["label"].mean())  # type: ignore[arg-type]
    n_splits = int(predictions["fold"].n_unique())
    rows_of = ScoredRows(np.zeros(len(group), dtype=np.int64), group, fake, score)
    times = group_draws(rows_of, resamples=resamples, rng=np.random.default_rng(seed))
    counter = _Counter(fake, group, times, n_splits, prevalence or share)
    final = {
        name: fit_p_values(nonconformity(score[label == k], name), group[label == k])
        for name, k in CLASSES.items()
    }
    rows = [
        counter.row("false positive rate", rate, _fpr(p_values, final, rate), **_limit(final, rate))
        for rate in false_positive_rates
    ]
    rows += [
        counter.row("conformal", rate, _conformal(p_values, rate), **_needed(final, rate))
        for rate in error_rates
    ]
    calibrated = (
        table["calibrated"] if "calibrated" in table.columns else pl.Series([None] * len(table))
    )
    if calibrated.null_count() == 0:
        p = calibrated.to_numpy()
        if prevalence is not None:
            p = move_prevalence(p, learnt=share, stated=prevalence)
        rows += [counter.costly(one, one.decide(p)) for one in costs]
    return {
        "unit": "source",
        "n_sources": predictions["source"].n_unique(),
        "n_scored": table["source"].n_unique(),
        "n_groups": table["group"].n_unique(),
        "n_real": table.filter(pl.col("label") == 0)["source"].n_unique(),
        "n_fake": table.filter(pl.col("label") == 1)["source"].n_unique(),
        "n_splits": n_splits,
        "repeats": table["repeat"].n_unique(),
        "groups_real": final["real"].n_groups,
        "groups_fake": final["fake"].n_groups,
        "prevalence": {"corpus": share, "stated": prevalence},
        "rows": rows,
        "interval": {
            "method": "bootstrap over groups, widened for shared training data (Nadeau & Bengio "
            "2003)",
            "confidence": _CONFIDENCE,
            "resamples": len(times),
            "seed": seed,
        },
    }


def _fpr(p: dict[str, npt.NDArray[np.float64]], final: dict[str, PValues], rate: float) -> Ints:
    if final["real"].n_groups < groups_needed(rate):
        return np.full(len(p["real"]), UNDECIDED, dtype=np.int8)
    return np.where(p["real"] <= rate, FAKE, REAL).astype(np.int8)


def _conformal(p: dict[str, npt.NDArray[np.float64]], rate: float) -> Ints:
    real, fake = p["real"] > rate, p["fake"] > rate
    return np.where(real == fake, UNDECIDED, np.where(fake, FAKE, REAL)).astype(np.int8)


def _limit(final: dict[str, PValues], rate: float) -> dict[str, Any]:
    above = final["real"].beyond(rate)
    return {
        "fake_above_score": None if above is None or not np.isfinite(above) else above,
        "groups_needed": groups_needed(rate),
        "possible": final["real"].n_groups >= groups_needed(rate),
    }


def _needed(final: dict[str, PValues], rate: float) -> dict[str, Any]:
    needed = groups_needed(rate)
    least = min(table.n_groups for table in final.values())
    return {"groups_needed": needed, "possible": least >= needed}


@dataclass(frozen=True)
class _Counter:
    """Counts decisions of all repeats, with intervals over groups."""

    fake: npt.NDArray[np.bool_]
    group: npt.NDArray[np.int64]
    times: npt.NDArray[np.uint16]
    n_splits: int
    prevalence: float

    def row(self, rule: str, setting: float, decision: Ints, **more: Any) -> dict[str, Any]:
        """Count what a rule did."""
        row: dict[str, Any] = {
            "rule": rule,
            "setting": setting,
            **dict.fromkeys(("cost_false_alarm", "cost_miss", "cost_undecided")),
            **dict.fromkeys(("real_below", "fake_from", "fake_above_score", "groups_needed")),
            "possible": True,
            **more,
        }
        for name, of in (("real", ~self.fake), ("fake", self.fake)):
            for word, code in (("fake", FAKE), ("real", REAL), ("undecided", UNDECIDED)):
                key = f"{name}_{'' if code == UNDECIDED else 'called_'}{word}"
                flag = (decision == code)[of]
                row[key], low, high = self._share(flag, self.group[of])
                row[f"{key}_low"], row[f"{key}_high"] = low, high
                row[f"{key}_by_group"] = _by_group(flag, self.group[of])
        pi, hit, alarm = self.prevalence, row["fake_called_fake"], row["real_called_fake"]
        missed, cleared = row["fake_called_real"], row["real_called_real"]
        called_fake, called_real = pi * hit + (1 - pi) * alarm, pi * missed + (1 - pi) * cleared
        row["precision_fake"] = pi * hit / called_fake if called_fake else None
        row["precision_real"] = (1 - pi) * cleared / called_real if called_real else None
        row["decided"] = called_fake + called_real
        row["cost"] = None
        return row

    def costly(self, costs: Costs, decision: Ints) -> dict[str, Any]:
        """Count what deciding by costs did, and what it cost a video."""
        low, high = costs.thresholds
        row = self.row(
            "costs",
            high,
            decision,
            cost_false_alarm=costs.false_alarm,
            cost_miss=costs.miss,
            cost_undecided=costs.undecided,
            real_below=low,
            fake_from=high,
        )
        pi = self.prevalence
        nothing = costs.undecided or 0.0
        row["cost"] = pi * (
            costs.miss * row["fake_called_real"] + nothing * row["fake_undecided"]
        ) + (1 - pi) * (
            costs.false_alarm * row["real_called_fake"] + nothing * row["real_undecided"]
        )
        # What it costs to say the same of every video, whichever is cheapest.
        blind = [pi * costs.miss, (1 - pi) * costs.false_alarm]
        row["cost_without_looking"] = min(
            [*blind, *([] if costs.undecided is None else [costs.undecided])]
        )
        return row

    def _share(
        self, flag: npt.NDArray[np.bool_], group: npt.NDArray[np.int64]
    ) -> tuple[float, float, float]:
        sizes = {"minlength": self.times.shape[1]}
        hits, mass = np.bincount(group, flag, **sizes), np.bincount(group, **sizes)
        drawn = self.times.astype(np.float64)
        n = drawn @ mass
        resampled = np.divide(drawn @ hits, n, out=np.full(len(n), np.nan), where=n > 0)
        value = float(flag.mean())
        low, high = widened_interval(
            value,
            resampled,
            n_splits=self.n_splits,
            groups=len(np.unique(group)),
            confidence=_CONFIDENCE,
        )
        return value, low, high


def _by_group(flag: npt.NDArray[np.bool_], group: npt.NDArray[np.int64]) -> float:
    _, member, size = np.unique(group, return_inverse=True, return_counts=True)
    return float((np.bincount(member, weights=flag.astype(np.float64)) / size).mean())


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _verdict(document: dict[str, Any]) -> list[str]:
    said = []
    for row in document["rows"]:
        if row["rule"] == "costs":
            continue
        kind = "an error rate" if row["rule"] == "conformal" else "a false-positive rate"
        at = f"At {kind} of {100 * row['setting']:g} %"
        if not row["possible"]:
            of = "of each class" if row["rule"] == "conformal" else "with real sources"
            said.append(
                f"{at} nothing can be decided: it takes {row['groups_needed']} groups {of}, there "
                f"are {document['groups_real']} real and {document['groups_fake']} fake."
            )
            continue
        ends = (
            f"{_percent(row['real_called_fake_low'])} to {_percent(row['real_called_fake_high'])}"
        )
        line = (
            f"{at}, {_percent(row['real_called_fake'])} of real sources were called fake ({ends}), "
            f"{_percent(row['fake_called_fake'])} of fake ones were found"
        )
        if row["rule"] == "conformal":
            line += (
                f", {_percent(row['fake_called_real'])} of fake ones called real, "
                f"{_percent(1 - row['decided'])} left undecided"
            )
        said.append(f"{line}.")
    return said


def _notes(document: dict[str, Any]) -> list[str]:
    notes = []
    if document["simulated"]:
        notes.append("The corpus is simulated: these numbers say nothing about real videos.")
    costly = [row for row in document["rows"] if row["rule"] == "costs"]
    if not costly:
        notes.append("Not calibrated: costs cannot decide.")
    for row in costly:
        if row["cost"] >= row["cost_without_looking"]:
            given = f"{row['cost_false_alarm']:g} to {row['cost_miss']:g}"
            notes.append(
                f"At costs of {given} the detector saves nothing over treating all videos alike "
                f"({row['cost']:.2f} against {row['cost_without_looking']:.2f} a video)."
            )
    return notes


def _write(document: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    stem = workspace.decisions(document["model"]) / "decisions"
    tables = {"decisions": rows_table(document["rows"])}
    return write_results(document, stem, tables, draw_decisions, workspace)


__all__ = ["DECISIONS_VERSION", "DecisionsReport", "decisions_of", "model_decisions"]
