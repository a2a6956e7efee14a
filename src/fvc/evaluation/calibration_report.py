"""``fvc calibration``: how far a model's probabilities can be taken at their word."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fvc.errors import DataError, MissingInputError, OptionError
from fvc.evaluation.bootstrap import ScoredRows, group_draws, widened_interval
from fvc.evaluation.calibration import MIN_ISOTONIC, scores_are_probabilities, why_not_calibrated
from fvc.evaluation.calibration_intervals import (
    MEASURES,
    Measured,
    Probabilities,
    measure_calibration,
)
from fvc.evaluation.calibration_metrics import equal_mass_bins
from fvc.evaluation.calibration_plot import draw_calibration
from fvc.evaluation.calibrators import move_prevalence
from fvc.evaluation.verdict_report import VerdictReport, rows_table, write_results
from fvc.tables import read_table
from fvc.workspace import Workspace

CALIBRATION_VERSION = 1
HISTOGRAM_BINS = 20

_CONFIDENCE = 0.95
_WHEN = {"before": "score", "after": "calibrated"}


class CalibrationReport(VerdictReport):
    """How far probabilities can be taken at their word.

    Attributes
    ----------
    document
        As it is written to ``calibration.json``.
    exit_code
        Always 0.
    """


def model_calibration(
    project: Path = Path("."),
    *,
    model: str,
    prevalence: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> CalibrationReport:
    """Say how far a trained model's probabilities can be taken at their word, before and after.

    Parameters
    ----------
    project
        Folder of the project.
    model
        The trained model.
    prevalence
        Share of fakes that you expect, between 0 and 1: probabilities are moved to it, and sources
        weighed as if they came so. By default as in the corpus.
    resamples
        Bootstrap resamples of groups, at least 100.
    seed
        Seed of the bootstrap.

    Returns
    -------
    CalibrationReport
        Measures with intervals, the reliability curve, a verdict.

    Raises
    ------
    OptionError
        A value that an option cannot take.
    MissingInputError
        The model was not trained.
    DataError
        Nothing was calibrated.
    """
    if resamples < 100 or (prevalence is not None and not 0 < prevalence < 1):
        raise OptionError("resamples are 100 or more, the prevalence lies between 0 and 1")
    workspace = Workspace(project)
    trained, predictions = read_trained(workspace, model)
    document = {
        "model": model,
        **calibration_of(predictions, prevalence=prevalence, resamples=resamples, seed=seed),
        "simulated": bool(trained.get("simulated")),
        "split": trained.get("split"),
        "version": CALIBRATION_VERSION,
    }
    document["final"] = _final(workspace, model)
    document["verdict"] = _verdict(document)
    document["notes"] = _notes(document)
    return CalibrationReport(_write(document, workspace))


def read_trained(workspace: Workspace, model: str) -> tuple[dict[str, Any], pl.DataFrame]:
    """Read a trained model's ``metrics.json`` and its out-of-fold scores.

    Raises
    ------
    MissingInputError
        It was not trained.
    """
    folder = workspace.model(model)
    path = folder / "metrics.json"
    if not path.is_file() or not (folder / "predictions.parquet").is_file():
        raise MissingInputError(
            f"{model} was not trained",
            path=path,
            remedy=f"Run `fvc train --model-types {model}` first",
        )
    return json.loads(path.read_text(encoding="utf-8")), read_table(folder / "predictions.parquet")


def calibration_of(
    predictions: pl.DataFrame,
    *,
    prevalence: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure calibration of out-of-fold scores before and after.

    Parameters
    ----------
    predictions
        ``source, group, label, repeat, fold, score, calibrated``.
    prevalence, resamples, seed
        As in `model_calibration`.

    Returns
    -------
    dict
        ``before`` and ``after`` (by measure value, low, high, reason), ``bins`` (the reliability
        curves), ``histogram``, counts, ``calibrators`` (share of rows by method).

    Raises
    ------
    DataError
        No source has a calibrated score.
    """
    if "calibrated" not in predictions.columns or not predictions["calibrated"].is_not_null().any():
        raise DataError(why_not_calibrated(predictions) or "there are no calibrated scores")
    table = predictions.filter(pl.col("calibrated").is_not_null()).sort("repeat", "source")
    group = table["group"].rank("dense").to_numpy().astype(np.int64) - 1
    fake = table["label"].to_numpy() == 1
    share = float(table.unique("source")["label"].mean())  # type: ignore[arg-type]
    weight = np.ones(len(table))
    if prevalence is not None:
        weight = np.where(fake, prevalence / share, (1 - prevalence) / (1 - share))
    repeat = table["repeat"].to_numpy()
    score = {when: table[column].to_numpy() for when, column in _WHEN.items()}
    if prevalence is not None:
        score["after"] = move_prevalence(score["after"], learnt=share, stated=prevalence)
    rows = ScoredRows(np.zeros(len(group), dtype=np.int64), group, fake, score["after"])
    times = group_draws(rows, resamples=resamples, rng=np.random.default_rng(seed))
    n_splits = int(predictions["fold"].n_unique())
    rarer = min(len(np.unique(group[fake])), len(np.unique(group[~fake])))
    found: dict[str, Any] = {
        "unit": "source",
        "n_sources": predictions["source"].n_unique(),
        "n_scored": table["source"].n_unique(),
        "n_groups": table["group"].n_unique(),
        "n_real": table.filter(pl.col("label") == 0)["source"].n_unique(),
        "n_fake": table.filter(pl.col("label") == 1)["source"].n_unique(),
        "n_splits": n_splits,
        "repeats": table["repeat"].n_unique(),
        "prevalence": {"corpus": share, "stated": prevalence},
        "brier_of_prevalence": (prevalence or share) * (1 - (prevalence or share)),
        "calibrators": _methods(table),
        "isotonic_needs": MIN_ISOTONIC,
        "bins": [],
        "histogram": [],
        "interval": {
            "method": "bootstrap over groups, widened for shared training data (Nadeau & Bengio "
            "2003); bands of the curve: bootstrap over groups, pointwise",
            "confidence": _CONFIDENCE,
            "resamples": len(times),
            "seed": seed,
        },
    }
    for when in _WHEN:
        if when == "before" and not scores_are_probabilities(table):
            nothing = Measured(None, reason="scores do not lie in 0 … 1")
            found[when] = {name: vars(nothing) for name in MEASURES}
            continue
        parts = [
            Probabilities(group[here], fake[here], score[when][here], weight[here])
            for here in (repeat == r for r in np.unique(repeat))
        ]
        measured = measure_calibration(
            parts, times, n_splits=n_splits, groups=rarer, confidence=_CONFIDENCE
        )
        found[when] = {name: vars(one) for name, one in measured.items()}
        found["bins"] += _curve(when, group, fake, score[when], weight, times, found["n_scored"])
        found["histogram"] += _histogram(when, fake, score[when], len(parts))
    return found


def _methods(table: pl.DataFrame) -> dict[str, float]:
    if "calibrator" not in table.columns:
        return {"sigmoid": 1.0}
    counts = table.group_by("calibrator").len().sort("len", "calibrator", descending=[True, False])
    return {str(name): n / len(table) for name, n in counts.iter_rows()}


def _curve(
    when: str,
    group: npt.NDArray[np.int64],
    fake: npt.NDArray[np.bool_],
    p: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    times: npt.NDArray[np.uint16],
    sources: int,
) -> list[dict[str, Any]]:
    """Share of fakes by bins of the probability, all repeats together, with a band over groups."""
    bins = equal_mass_bins(p, sources=sources)
    if isinstance(bins, str):
        return []
    rows = []
    drawn = times.astype(np.float64)
    for b in range(int(bins.max()) + 1):
        here = bins == b
        w = weight[here]
        value = float(np.average(fake[here], weights=w))
        sizes = {"minlength": times.shape[1]}
        fakes = np.bincount(group[here], w * fake[here], **sizes)
        mass = np.bincount(group[here], w, **sizes)
        n = drawn @ mass
        resampled = np.divide(drawn @ fakes, n, out=np.full(len(n), np.nan), where=n > 0)
        groups = len(np.unique(group[here]))
        low, high = widened_interval(
            value, resampled, n_splits=None, groups=groups, confidence=_CONFIDENCE
        )
        rows.append({
            "when": when,
            "bin": b,
            "n_rows": int(here.sum()),
            "n_groups": groups,
            "mean_probability": float(np.average(p[here], weights=w)),
            "share_fake": value,
            "low": low,
            "high": high,
        })  # fmt: skip
    return rows


def _histogram(
    when: str, fake: npt.NDArray[np.bool_], p: npt.NDArray[np.float64], repeats: int
) -> list[dict[str, Any]]:
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    counts = {
        name: np.histogram(p[of], edges)[0] / repeats
        for name, of in (("real", ~fake), ("fake", fake))
    }
    return [
        {
            "when": when,
            "from": float(edges[i]),
            "to": float(edges[i + 1]),
            "real": float(counts["real"][i]),
            "fake": float(counts["fake"][i]),
        }
        for i in range(HISTOGRAM_BINS)
    ]


def _final(workspace: Workspace, model: str) -> dict[str, Any] | None:
    """Give what the final detector's card says of the calibrator that ships."""
    folder = workspace.model(model)
    for path in (folder / "final" / "card.json", folder / "card.json"):
        if path.is_file():
            card = json.loads(path.read_text(encoding="utf-8"))
            return dict(card.get("calibrator") or {}) or None
    return None


def _between(one: Mapping[str, Any]) -> str:
    ends = ["?" if one[end] is None else f"{one[end]:.2f}" for end in ("low", "high")]
    return f"{one['value']:.2f} ({ends[0]} to {ends[1]})"


def _verdict(document: dict[str, Any]) -> list[str]:
    said = []
    for when, words in (("before", "As scored"), ("after", "Calibrated")):
        found = document[when]
        slope, error = found["slope"], found["calibration_error"]
        if slope["value"] is None:
            said.append(f"{words}: no calibration slope ({slope['reason']}).")
            continue
        judged = "no miscalibration is shown"
        if slope["high"] is not None and slope["high"] < 1:
            judged = "too extreme"
        elif slope["low"] is not None and slope["low"] > 1:
            judged = "too timid"
        elif error["low"] is not None and error["low"] > 0:
            judged = "off, though not shown to be too extreme or too timid"
        line = f"{words}: {judged}, slope {_between(slope)}"
        if error["value"] is not None:
            line += f", calibration error {_between(error)}"
        said.append(f"{line}, Brier {_between(found['brier'])}.")
    brier, plain = document["after"]["brier"], document["brier_of_prevalence"]
    if brier["high"] < plain:
        said.append(f"Better than saying the share of fakes of every source (Brier {plain:.2f}).")
    else:
        said.append(
            f"Not shown to be better than saying the share of fakes of every source (Brier "
            f"{plain:.2f})."
        )
    return said


def _notes(document: dict[str, Any]) -> list[str]:
    notes = []
    if document["simulated"]:
        notes.append("The corpus is simulated: these numbers say nothing about real videos.")
    shares = ", ".join(f"{name} {share:.0%}" for name, share in document["calibrators"].items())
    notes.append(
        f"Calibrators chosen inside: {shares.replace('%', ' %')} of the scores; isotonic is a "
        f"candidate from {document['isotonic_needs']} sources on."
    )
    final = document["final"]
    if final is not None and final.get("method"):
        notes.append(f"The calibrator that ships is {final['method']}, on all out-of-fold scores.")
    if document["prevalence"]["stated"] is not None:
        notes.append(
            "With a stated prevalence it is taken that real sources, and fake ones, look as they "
            "do in the corpus."
        )
    return notes


def _write(document: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    measures = [
        {"when": when, "measure": name, **document[when][name]}
        for when in _WHEN
        for name in MEASURES
    ]
    tables = {
        "calibration": rows_table(measures),
        "reliability": rows_table(document["bins"]),
        "histogram": rows_table(document["histogram"]),
    }
    stem = workspace.calibration(document["model"]) / "calibration"
    return write_results(document, stem, tables, draw_calibration, workspace)


__all__ = [
    "CALIBRATION_VERSION",
    "CalibrationReport",
    "calibration_of",
    "model_calibration",
    "read_trained",
]
