"""What metadata alone give away: the scores that a model has to beat.

Each property of the raw file, alone and all together, predicts the label on the same folds as the
models, by a penalised logistic regression. A number enters standardised (its logarithm where it is
a size or a time) and as an indicator of its fifth of the training values, since such traces are
seldom monotone: many generators write one size, not large or small ones. A text enters as one
indicator a value; values met fewer than twice in training share one. What is missing has its own
indicator.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fvc.errors import DataError
from fvc.evaluation.splitter import check_no_leakage
from fvc.evaluation.summary import summarise_folds

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MAJORITY = "majority class"
FILE_TOGETHER = "all file properties together"
TOGETHER = "all metadata together"

# Where a video comes from, as against what its file is like.
_ORIGIN = ("platform", "collection")

# Folds of further repeats add precision that large corpora do not need.
_ALL_REPEATS_UP_TO = 20_000
_MIN_CATEGORY = 2
_FIFTHS = np.arange(1, 5) / 5


@dataclass(frozen=True)
class _Property:
    name: str
    columns: tuple[str, ...]
    expression: Callable[[], pl.Expr]
    is_number: bool
    logarithm: bool = False


def _number(name: str, column: str, *, logarithm: bool) -> _Property:
    return _Property(name, (column,), lambda: pl.col(column).cast(pl.Float64), True, logarithm)


def _text(name: str, column: str) -> _Property:
    return _Property(name, (column,), lambda: pl.col(column).cast(pl.String), False)


PROPERTIES = (
    _Property(
        "size",
        ("width", "height"),
        lambda: pl.col("width").cast(pl.Float64) * pl.col("height"),
        is_number=True,
        logarithm=True,
    ),
    _Property(
        "aspect",
        ("width", "height"),
        lambda: pl.col("width").cast(pl.Float64) / pl.col("height"),
        is_number=True,
        logarithm=True,
    ),
    _number("frame rate", "fps", logarithm=False),
    _number("duration", "duration_sec", logarithm=True),
    _number("bytes", "file_size_bytes", logarithm=True),
    _number("bitrate", "bitrate", logarithm=True),
    _text("codec", "codec_name"),
    _text("audio", "has_audio"),
    _text("platform", "platform"),
    _text("collection", "collection"),
)
"""The properties that are tried; their names are those of the rows."""


def metadata_baselines(
    index: pl.DataFrame, folds: pl.DataFrame, *, resamples: int = 1000, seed: int = 0
) -> list[dict[str, Any]]:
    """Score the majority class, each property of the raw files alone, and all of them together.

    Parameters
    ----------
    index
        The project's index, one row a source.
    folds
        The split, as `load_folds` returns it; every source of it stands in the index.
    resamples
        Bootstrap resamples of the intervals.
    seed
        Of the bootstrap.

    Returns
    -------
    list of dict
        ``baseline`` (name), ``columns``, ``n_sources, n_scored, unit``, ``roc_auc, roc_auc_low,
        roc_auc_high, accuracy, balanced_accuracy`` and ``reason``. A property that is absent or
        has one value has null scores and the reason. The majority class has an accuracy and an AUC
        of 0.5, since it ranks nothing.
    """
    table = _joined(index, folds)
    rows = [_majority(table)]
    usable: list[_Property] = []
    for prop in PROPERTIES:
        reason = _unusable(table, prop)
        if reason is None:
            usable.append(prop)
            rows.append(_score(table, prop.name, [prop], resamples, seed))
        else:
            rows.append(_row(table, prop.name, prop.columns, reason=reason))
    file_only = [prop for prop in usable if prop.name not in _ORIGIN]
    for name, props in ((FILE_TOGETHER, file_only), (TOGETHER, usable)):
        if len(props) > 1:
            rows.append(_score(table, name, props, resamples, seed))
        else:
            rows.append(_row(table, name, (), reason=f"only {len(props)} of them can be used"))
    return rows


def baseline_predictions(index: pl.DataFrame, folds: pl.DataFrame, baseline: str) -> pl.DataFrame:
    """Return the out-of-fold scores behind a row of `metadata_baselines`.

    Parameters
    ----------
    index, folds
        As for `metadata_baselines`.
    baseline
        Name of a row whose ``roc_auc`` is not null; not the majority class, which ranks nothing.

    Returns
    -------
    polars.DataFrame
        ``source, group, label, repeat, fold, score``.

    Raises
    ------
    DataError
        Nothing of that name can be scored on this corpus.
    """
    table = _joined(index, folds)
    usable = [prop for prop in PROPERTIES if _unusable(table, prop) is None]
    props = {
        FILE_TOGETHER: [prop for prop in usable if prop.name not in _ORIGIN],
        TOGETHER: usable,
    }.get(baseline, [prop for prop in usable if prop.name == baseline])
    if not props:
        raise DataError(f"the baseline {baseline!r} cannot be scored on this corpus")
    return _predictions(table, props)


def _joined(index: pl.DataFrame, folds: pl.DataFrame) -> pl.DataFrame:
    if folds["source"].n_unique() > _ALL_REPEATS_UP_TO:
        folds = folds.filter(pl.col("repeat") == folds["repeat"].min())
    table = folds.select("source", "group", "label", "repeat", "fold").join(
        index.drop("group", "label", strict=False), on="source", how="left", maintain_order="left"
    )
    return table.sort("repeat", "source")


def _unusable(table: pl.DataFrame, prop: _Property) -> str | None:
    absent = [column for column in prop.columns if column not in table.columns]
    if absent:
        return f"the index has no column {', '.join(absent)}"
    values = table.select(prop.expression().alias("value"))["value"]
    if values.null_count() == len(values):
        return "no source has a value"
    if values.n_unique() == 1:
        return f"all sources have the value {values[0]}"
    return None


def _row(
    table: pl.DataFrame, name: str, columns: tuple[str, ...], *, reason: str | None = None
) -> dict[str, Any]:
    return {
        "baseline": name,
        "columns": list(columns),
        "unit": "source",
        "n_sources": table["source"].n_unique(),
        "n_scored": 0 if reason else table["source"].n_unique(),
        "roc_auc": None,
        "roc_auc_low": None,
        "roc_auc_high": None,
        "accuracy": None,
        "balanced_accuracy": None,
        "reason": reason,
    }


def _majority(table: pl.DataFrame) -> dict[str, Any]:
    """Predict the class that is the more frequent one in training; the first wins a tie."""
    accuracies, balanced = [], []
    for train, test in _sides(table):
        fake = table["label"].to_numpy() == 1
        guess = fake[train].mean() > 0.5
        accuracies.append(float((fake[test] == guess).mean()))
        balanced.append(0.5)
    scores = {
        "roc_auc": 0.5,
        "accuracy": float(np.mean(accuracies)),
        "balanced_accuracy": float(np.mean(balanced)),
    }
    return {**_row(table, MAJORITY, ()), **scores}


def _sides(table: pl.DataFrame) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    repeat, fold = table["repeat"].to_numpy(), table["fold"].to_numpy()
    sides = []
    for r in np.unique(repeat):
        for k in np.unique(fold[repeat == r]):
            here = repeat == r
            train, test = np.flatnonzero(here & (fold != k)), np.flatnonzero(here & (fold == k))
            check_no_leakage(
                table["group"][train], table["group"][test], where=f"repeat {r}, fold {k}"
            )
            sides.append((train, test))
    return sides


def _score(
    table: pl.DataFrame, name: str, props: list[_Property], resamples: int, seed: int
) -> dict[str, Any]:
    summary = summarise_folds(_predictions(table, props), resamples=resamples, seed=seed)
    row = _row(table, name, tuple(column for prop in props for column in prop.columns))
    return {**row, **{key: summary[key] for key in row if key in summary}}


def file_scores(
    index: pl.DataFrame, train: npt.NDArray[np.intp], test: npt.NDArray[np.intp]
) -> Floats:
    """Score some rows of an index by all file properties together, learnt from other rows.

    Parameters
    ----------
    index
        The project's index, or rows of it.
    train, test
        Row numbers; the two share no group.

    Returns
    -------
    numpy.ndarray
        Probabilities of being fake, shape (len(test),).

    Raises
    ------
    DataError
        No file property can be used.
    LeakageError
        A group stands on both sides.
    """
    check_no_leakage(index["group"][train], index["group"][test], where=FILE_TOGETHER)
    props = [p for p in PROPERTIES if p.name not in _ORIGIN and _unusable(index, p) is None]
    if not props:
        raise DataError("no file property of this corpus can be used")
    return _fit(index, props, [_values(index, prop) for prop in props], train, test)


def _fit(
    table: pl.DataFrame,
    props: list[_Property],
    values: list[npt.NDArray[Any]],
    train: npt.NDArray[np.intp],
    test: npt.NDArray[np.intp],
) -> Floats:
    from sklearn.linear_model import LogisticRegression

    blocks = [_design(prop, value, train, test) for prop, value in zip(props, values, strict=True)]
    x_train = np.hstack([block[0] for block in blocks])
    x_test = np.hstack([block[1] for block in blocks])
    model = LogisticRegression(C=1.0, max_iter=2000).fit(x_train, table["label"].to_numpy()[train])
    scores: Floats = model.predict_proba(x_test)[:, 1]
    return scores


def _predictions(table: pl.DataFrame, props: list[_Property]) -> pl.DataFrame:
    score = np.empty(len(table))
    values = [_values(table, prop) for prop in props]
    for train, test in _sides(table):
        score[test] = _fit(table, props, values, train, test)
    return table.select("source", "group", "label", "repeat", "fold").with_columns(
        score=pl.Series(score)
    )


def _values(table: pl.DataFrame, prop: _Property) -> npt.NDArray[Any]:
    series = table.select(prop.expression().alias("value"))["value"]
    if not prop.is_number:
        return series.fill_null("(missing)").to_numpy()
    values = series.to_numpy().astype(np.float64)
    return np.log(np.maximum(values, 1e-6)) if prop.logarithm else values


def _design(
    prop: _Property,
    values: npt.NDArray[Any],
    train: npt.NDArray[np.intp],
    test: npt.NDArray[np.intp],
) -> tuple[Floats, Floats]:
    """Columns of one property for both sides; everything learnt comes from the training side."""
    if prop.is_number:
        return _number_columns(values[train], values[test])
    known, counts = np.unique(values[train], return_counts=True)
    known = known[counts >= _MIN_CATEGORY]

    def columns(side: npt.NDArray[Any]) -> Floats:
        hot = side[:, None] == known[None, :]
        return np.column_stack([hot, ~hot.any(axis=1)]).astype(np.float64)

    return columns(values[train]), columns(values[test])


def _number_columns(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    there = train[np.isfinite(train)]
    centre = float(np.median(there)) if len(there) else 0.0
    spread = (float(np.std(there)) if len(there) else 0.0) or 1.0
    edges = np.unique(np.quantile(there, _FIFTHS)) if len(there) else np.zeros(0)

    def columns(side: Floats) -> Floats:
        missing = ~np.isfinite(side)
        filled = np.where(missing, centre, side)
        fifth = np.searchsorted(edges, filled, side="left")[:, None] == np.arange(len(edges) + 1)
        fifth[missing] = False
        return np.column_stack([(filled - centre) / spread, fifth, missing]).astype(np.float64)

    return columns(train), columns(test)


def rival_warning(model: dict[str, Any], baselines: list[dict[str, Any]]) -> str | None:
    """Warn where metadata alone score as well as a model does, within its interval or above.

    Parameters
    ----------
    model
        A row of the leaderboard: ``model, roc_auc, roc_auc_low, roc_auc_high``.
    baselines
        As `metadata_baselines` returns them.

    Returns
    -------
    str or None
        The warning; None where the model is clear of every baseline, or has no interval.
    """
    low = model.get("roc_auc_low")
    if low is None:
        return None
    rivals = [
        row
        for row in baselines
        if row["baseline"] != MAJORITY and row["roc_auc"] is not None and row["roc_auc"] >= low
    ]
    if not rivals:
        return None
    rivals.sort(key=lambda row: -row["roc_auc"])
    named = ", ".join(f"{row['baseline']} {row['roc_auc']:.2f}" for row in rivals)
    return (
        f"metadata alone reach the AUC interval of {model['model']} "
        f"({low:.2f}–{model['roc_auc_high']:.2f}): {named}. "
        "Its score may be theirs; it says little about the pixels"
    )
