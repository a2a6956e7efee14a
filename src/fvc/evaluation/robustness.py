"""``fvc robustness``: what happens to a detector's scores when a video is altered."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fvc.errors import DataError, MissingInputError, OptionError
from fvc.evaluation.robustness_plot import draw_robustness
from fvc.evaluation.strength import strength, strength_name
from fvc.evaluation.variant_scores import pair_up, robustness_row
from fvc.evaluation.verdict_report import VerdictReport, rows_table, write_results
from fvc.evaluation.weights import weights_notes
from fvc.tables import find_table, read_table
from fvc.workspace import Workspace

ROBUSTNESS_VERSION = 1

ALL = "all variants"
_THIRDS = ("weak", "middle", "strong")
_CONFIDENCE = 0.95


class RobustnessReport(VerdictReport):
    """What variants do to a detector's scores.

    Attributes
    ----------
    document
        As it is written to ``robustness.json``.
    """


def model_robustness(
    project: Path = Path("."),
    *,
    model: str,
    threshold: float = 0.5,
    resamples: int = 1000,
    seed: int = 0,
) -> RobustnessReport:
    """Say what augmentations of each kind and strength do to a trained model's scores.

    Parameters
    ----------
    project
        Folder of the project.
    model
        The trained model.
    threshold
        A score of at least this much is called fake, in 0…1.
    resamples
        Bootstrap resamples of groups, at least 100.
    seed
        Seed of the bootstrap.

    Returns
    -------
    RobustnessReport
        A row a kind, a row a kind and third of its strength, a verdict.

    Raises
    ------
    OptionError
        A value that an option cannot take.
    MissingInputError
        The model was not trained.
    DataError
        There are no variants.
    """
    if resamples < 100 or not 0 <= threshold <= 1:
        raise OptionError("resamples are 100 or more, the threshold lies in 0…1")
    workspace = Workspace(project)
    metrics, variants = _read(workspace, model)
    variants, n_parameters = with_strength(variants, _parameters(workspace))
    settings = {
        "n_splits": int(metrics["split"]["n_splits"]),
        "resamples": resamples,
        "confidence": _CONFIDENCE,
        "seed": seed,
    }
    document: dict[str, Any] = {
        "model": model,
        "kinds": by_kind(variants, threshold=threshold, **settings),
        "strengths": by_strength(variants, threshold=threshold, **settings),
        "unit": "source, mean over its variants",
        "n_clips": variants.height,
        "n_clips_without_strength": variants.height - n_parameters,
        "n_sources": variants["source"].n_unique(),
        "n_groups": variants["group"].n_unique(),
        "threshold": threshold,
        "split": metrics["split"],
        "simulated": bool(metrics.get("simulated")),
        "version": ROBUSTNESS_VERSION,
        **settings,
    }
    document["verdict"] = _verdict(document)
    document["notes"] = _notes(document, metrics.get("feature_names", []))
    document["notes"] += weights_notes(metrics)
    return RobustnessReport(_write(document, workspace))


def _read(workspace: Workspace, model: str) -> tuple[dict[str, Any], pl.DataFrame]:
    folder = workspace.model(model)
    for path in (folder / "metrics.json", folder / "robustness.parquet"):
        if not path.is_file():
            raise MissingInputError(
                f"{model} was not trained",
                path=path,
                remedy=f"Run `fvc train --model-types {model}` first",
            )
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    scores = read_table(folder / "robustness.parquet")
    plain = scores.filter("is_original").select("source", plain="score")
    variants = scores.filter(~pl.col("is_original")).join(plain, on="source", how="inner")
    if variants.is_empty():
        raise DataError(
            f"{folder / 'robustness.parquet'} has no variant of a scored source: run stage 1 with "
            "--num-augmentations above 0, and train again"
        )
    return metrics, variants


def _parameters(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Read the parameters of the variants from stage 1's table, where it is there."""
    path = find_table(workspace.stage1)
    if path is None:
        return {}
    table = read_table(path)
    if "parameters" not in table.columns:
        return {}
    rows = table.select("clip", "parameters").drop_nulls()
    return {clip: json.loads(text) for clip, text in rows.iter_rows()}


def with_strength(
    variants: pl.DataFrame, parameters: dict[str, dict[str, Any]]
) -> tuple[pl.DataFrame, int]:
    """Add ``strength`` and its ``third`` within the kind; null where there is none.

    Parameters
    ----------
    variants
        ``clip, augmentation`` and others.
    parameters
        Parameters by clip.

    Returns
    -------
    (polars.DataFrame, int)
        The table, and how many clips have a strength.
    """
    found = [
        strength(kind, parameters.get(clip))
        for clip, kind in variants.select("clip", "augmentation").iter_rows()
    ]
    table = variants.with_columns(strength=pl.Series(found, dtype=pl.Float64))
    edges = table.group_by("augmentation").agg(
        low=pl.col("strength").quantile(1 / 3, "linear"),
        high=pl.col("strength").quantile(2 / 3, "linear"),
    )
    table = table.join(edges, on="augmentation", how="left", maintain_order="left").with_columns(
        third=pl.when(pl.col("strength").is_null())
        .then(None)
        .when(pl.col("strength") <= pl.col("low"))
        .then(pl.lit(_THIRDS[0]))
        .when(pl.col("strength") <= pl.col("high"))
        .then(pl.lit(_THIRDS[1]))
        .otherwise(pl.lit(_THIRDS[2]))
    )
    known = table.height - table["strength"].null_count()
    return table.drop("low", "high"), known


def by_kind(variants: pl.DataFrame, *, threshold: float, **settings: Any) -> list[dict[str, Any]]:
    """Measure all variants, and those of each augmentation.

    Parameters
    ----------
    variants
        ``source, group, label, fold, augmentation, score, plain``: one row a variant.
    threshold
        A score of at least this much is called fake.
    **settings
        As `robustness_row` takes them.
    """
    kinds = sorted(variants["augmentation"].unique().to_list())
    rows = []
    for kind in (ALL, *kinds):
        here = variants if kind == ALL else variants.filter(augmentation=kind)
        row = robustness_row(pair_up(here, threshold=threshold), **settings)
        rows.append({"augmentation": kind, "n_clips": here.height, **row})
    return rows


def by_strength(
    variants: pl.DataFrame, *, threshold: float, **settings: Any
) -> list[dict[str, Any]]:
    """Measure the variants of each augmentation and third of its strength.

    Parameters
    ----------
    variants
        As for `by_kind`, with ``strength`` and ``third`` of `with_strength`.
    threshold, **settings
        As for `by_kind`.
    """
    rows = []
    known = variants.filter(pl.col("third").is_not_null())
    for kind in sorted(known["augmentation"].unique().to_list()):
        for third in _THIRDS:
            here = known.filter((pl.col("augmentation") == kind) & (pl.col("third") == third))
            if here.is_empty():
                continue
            values = here["strength"].to_numpy()
            row = robustness_row(pair_up(here, threshold=threshold), **settings)
            rows.append({
                "augmentation": kind,
                "third": third,
                "strength": strength_name(kind),
                "strength_low": float(values.min()),
                "strength_median": float(np.median(values)),
                "strength_high": float(values.max()),
                "n_clips": here.height,
                **row,
            })  # fmt: skip
    return rows


def _verdict(document: dict[str, Any]) -> list[str]:
    kinds = [row for row in document["kinds"] if row["roc_auc"] is not None]
    if not kinds:
        return ["No fold holds variants of both classes: nothing can be said about the ranking."]
    every = kinds[0]
    said = [
        f"Over {every['augmentation']} the AUC is {every['roc_auc']:.2f}, against "
        f"{every['roc_auc_unaugmented']:.2f} of the same sources unaugmented "
        f"({_change(every)}); {every['decisions_changed']:.0%} of the decisions change."
    ]
    hurt = [row for row in kinds[1:] if (row["change_of_auc_high"] or 0) < 0]
    hurt.sort(key=lambda row: row["change_of_auc"])
    if hurt:
        named = ", ".join(f"{r['augmentation']} ({r['change_of_auc']:+.2f})" for r in hurt)
        said.append(f"Shown to cost AUC: {named}.")
    else:
        said.append("No kind alone is shown to cost AUC.")
    moved = max(kinds[1:] or kinds, key=lambda row: float(row["absolute_change"]))
    said.append(
        f"{moved['augmentation']} moves scores most, by {moved['absolute_change']:.2f} on average."
    )
    return said


def _change(row: dict[str, Any]) -> str:
    low = row["change_of_auc_low"]
    between = "" if low is None else f", {low:+.2f} to {row['change_of_auc_high']:+.2f}"
    return f"{row['change_of_auc']:+.2f}{between}"


def _notes(document: dict[str, Any], features: list[str]) -> list[str]:
    notes = [
        "Scores are out of fold, of repeat 0; the models were trained with variants of other "
        "sources, so that this is robustness to alterations that training has seen."
    ]
    if any("codec_" in name for name in features):
        notes.append(
            "Codec features of a variant are those of its source's raw file: no alteration reaches "
            "them, and a model that leans on them looks more robust than it is."
        )
    if document["simulated"]:
        notes.insert(0, "The corpus is simulated: these numbers say nothing about real videos.")
    if not document["strengths"]:
        notes.append("Stage 1's table has no parameters, so that there is no table by strength.")
    return notes


def _write(document: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    stem = workspace.robustness / document["model"] / "robustness"
    tables = {name: rows_table(document[name]) for name in ("kinds", "strengths")}
    return write_results(document, stem, tables, draw_robustness, workspace)
