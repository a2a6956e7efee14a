"""``fvc importance``: what a trained detector's score rests on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fvc.errors import DataError, NotAvailableError, OptionError, StaleError
from fvc.evaluation.bootstrap import ScoredRows, weighted_means
from fvc.evaluation.common_rows import common_rows
from fvc.evaluation.importance_plot import draw_importance
from fvc.evaluation.paired import corrected_resampled_t, paired_bootstrap
from fvc.evaluation.verdict_report import VerdictReport, rows_table, write_results
from fvc.models import ModelSpec, get_model
from fvc.tables import read_table
from fvc.training.clips import Clips, Sources
from fvc.training.explaining import Explained, ExplainTask, explain_fold
from fvc.training.feature_families import STAGE_2, STAGE_4, families, family_of
from fvc.training.net_importance import net_importance
from fvc.training.parallel import spread
from fvc.training.parts import read_clips
from fvc.training.progress import show_progress
from fvc.training.running import worker_count
from fvc.training.split import trained_split
from fvc.training.trained import read_trained
from fvc.workspace import Workspace

IMPORTANCE_VERSION = 1

# A detector fitted again gives the scores that were written down, up to rounding.
_SAME_SCORE = 1e-4
_CONFIDENCE = 0.95
_PERMUTATIONS, _DRAWS = 10, 3


class ImportanceReport(VerdictReport):
    """What a score rests on.

    Attributes
    ----------
    document
        As it is written to ``importance.json``.
    exit_code
        5 where a refit without some features failed.
    """


def model_importance(
    project: Path = Path("."),
    *,
    model: str,
    repeats: int = 5,
    permutations: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
    workers: int | None = None,
) -> ImportanceReport:
    """Say what a trained model's score rests on, on sources that it has not seen.

    Parameters
    ----------
    project
        Folder of the project.
    model
        The trained model.
    repeats
        Repeats of the folds that are gone through, at most as many as it was trained on; of nets
        and embedding models always the first.
    permutations
        How often each feature and family is permuted in each fold, by default 10; of nets and
        embedding models, how often the frames of a clip are put in a random order, by default 3.
    resamples
        Bootstrap resamples of groups for intervals, at least 100.
    seed
        Seed of permutations and bootstrap.
    workers
        Folds side by side, one thread each; by default one a core.

    Returns
    -------
    ImportanceReport
        Features, families, a verdict; exit code 5 where a refit failed. Of nets and embedding
        models, what it costs to take time, colour, detail or parts of the picture away.

    Raises
    ------
    OptionError
        A value that an option cannot take, or a name that no model has.
    NotAvailableError
        The model is an ensemble: its members are to be explained.
    MissingInputError
        The model was not trained, or an earlier step has not run.
    StaleError
        Index, folds or feature tables have changed since it was trained.
    DataError
        A fold of the model had failed.
    """
    counts = [count for count in (repeats, permutations) if count is not None]
    if min(counts) < 1 or resamples < 100:
        raise OptionError("repeats and permutations are 1 or more, resamples 100")
    cores = worker_count(workers)
    spec, workspace = get_model(model), Workspace(project)
    if spec.family == "ensemble":
        raise NotAvailableError(
            f"{spec.name}: what it rests on is its members, weighed as `metrics.json` says "
            "(member_weights). Ask for the importance of these, by their names"
        )
    if spec.family != "tabular":
        draws = _DRAWS if permutations is None else permutations
        return ImportanceReport(
            net_importance(workspace, spec, draws=draws, resamples=resamples, seed=seed)
        )
    permutations = _PERMUTATIONS if permutations is None else permutations
    trained = _trained(workspace, spec)
    split = trained_split(workspace, spec.name, trained)
    repeats = min(repeats, int(trained["settings"]["repeats"]))
    sources = Sources.from_folds(split.folds, repeats)
    clips = read_clips(workspace, spec.tables, sources)
    sets = families(clips.feature_names)
    tasks = _tasks(spec, trained, sources, sets, permutations, int(split.block["n_splits"]))
    shared = (
        clips.X,
        clips.source,
        clips.original,
        sources.labels,
        sources.groups,
        clips.feature_names,
    )
    found: list[Explained] = []
    with show_progress() as fits:
        fits.begin(f"importance of {spec.name}", len(tasks))
        for result in spread(explain_fold, tasks, shared, cores):
            found.append(result)
            fits.done(1)
    if len(found) < len(tasks):
        raise DataError("a worker process died, most often for want of memory: fewer --workers")
    found.sort(key=lambda r: (r.repeat, r.fold))
    _check_same(workspace, spec, found, sources)
    document: dict[str, Any] = {
        "model": spec.name,
        "features": _features(found, clips, sources),
        "families": _families(found, sets, clips, sources, resamples, seed),
        "roc_auc": _base_auc(found, sources),
        "unit": "source",
        "n_sources": len(np.unique(clips.source[clips.original])),
        "n_groups": len(set(sources.groups)),
        "n_splits": int(split.block["n_splits"]),
        "repeats": repeats,
        "permutations": permutations,
        "resamples": resamples,
        "seed": seed,
        "split": split.block,
        "simulated": split.simulated,
        "version": IMPORTANCE_VERSION,
    }
    document["failures"] = sorted({f"{k}: {v}" for r in found for k, v in r.failures.items()})
    document["verdict"] = _verdict(document)
    document["notes"] = _notes(document)
    return ImportanceReport(_write(document, workspace), exit_code=5 if document["failures"] else 0)


def _trained(workspace: Workspace, spec: ModelSpec) -> dict[str, Any]:
    document = read_trained(workspace, spec)
    failed = [row for row in document["fold_results"] if row["status"] != "ok"]
    if failed:
        row = failed[0]
        raise DataError(
            f"{spec.name}: repeat {row['repeat']}, fold {row['fold']} had failed "
            f"({row['reason']}); importance needs all folds"
        )
    return document


def _tasks(
    spec: ModelSpec,
    trained: dict[str, Any],
    sources: Sources,
    sets: dict[str, list[int]],
    permutations: int,
    n_splits: int,
) -> list[ExplainTask]:
    chosen = {(row["repeat"], row["fold"]): row["settings"] for row in trained["fold_results"]}
    return [
        ExplainTask(
            spec=spec,
            settings=chosen[repeat, fold],
            repeat=repeat,
            fold=fold,
            test=assigned == fold,
            inner_splits=int(trained["settings"]["inner_splits"]),
            seed=int(trained["settings"]["seed"]),
            sets=sets,
            permutations=permutations,
        )
        for repeat, assigned in enumerate(sources.fold)
        for fold in range(n_splits)
    ]


def _check_same(
    workspace: Workspace, spec: ModelSpec, found: Sequence[Explained], sources: Sources
) -> None:
    """Make sure that what is explained is what was trained."""
    path = workspace.model(spec.name) / "predictions.parquet"
    there = {
        (row["repeat"], row["source"]): row["score"]
        for row in read_table(path).iter_rows(named=True)
    }
    for result in found:
        for source, score in zip(result.source, result.scores["all"], strict=True):
            written = there.get((result.repeat, sources.names[source]))
            if written is None or abs(written - score) > _SAME_SCORE:
                raise StaleError(
                    f"fitted again, {spec.name} scores {sources.names[source]} differently: the "
                    "feature tables have changed since it was trained",
                    path=path,
                    remedy=f"Run `fvc train --model-types {spec.name}` again",
                )


def _spread_of(values: NDArray[np.float64], test_share: float) -> dict[str, float | None]:
    """Mean, sd over folds and the interval of Nadeau & Bengio; None where a fold lacks a class."""
    if not np.isfinite(values).all():
        return {"drop": None, "drop_sd": None, "drop_low": None, "drop_high": None}
    test = corrected_resampled_t(values, test_share=test_share, confidence=_CONFIDENCE)
    return {
        "drop": test.difference,
        "drop_sd": float(np.std(values, ddof=1)),
        "drop_low": test.low,
        "drop_high": test.high,
    }


def _features(found: Sequence[Explained], clips: Clips, sources: Sources) -> list[dict[str, Any]]:
    drops = np.stack([r.feature_drops for r in found])
    share = _test_share(sources)
    rows = []
    for j, name in enumerate(clips.feature_names):
        row: dict[str, Any] = {"feature": name, "family": family_of(name)}
        row |= _spread_of(drops[:, j], share) | _coefficient(found, name)
        row |= {"contribution": None, "contribution_sd": None}
        if found[0].contributions is not None:
            own = np.array([r.contributions[j] for r in found if r.contributions is not None])
            row["contribution"] = float(own.mean())
            row["contribution_sd"] = float(own.std(ddof=1))
        rows.append(row)
    rows.sort(key=lambda row: -(row["drop"] if row["drop"] is not None else -1))
    # A linear model also weighs that a value is missing; such a column is not permuted by itself.
    named = sorted({name for r in found for name in r.coefficients or ()})
    for name in named:
        if name not in clips.feature_names:
            family = family_of(name.removesuffix("_missing"))
            row = {**dict.fromkeys(rows[0]), "feature": name, "family": family}
            rows.append(row | _coefficient(found, name))
    return rows


def _coefficient(found: Sequence[Explained], name: str) -> dict[str, Any]:
    """Mean and sd over the folds in which a linear detector kept the feature."""
    if found[0].coefficients is None:
        return {"coefficient": None, "coefficient_sd": None, "folds_kept": None}
    own = [r.coefficients[name] for r in found if r.coefficients and name in r.coefficients]
    return {
        "coefficient": float(np.mean(own)) if own else None,
        "coefficient_sd": float(np.std(own, ddof=1)) if len(own) > 1 else None,
        "folds_kept": len(own),
    }


def _test_share(sources: Sources) -> float:
    return 1 / int(sources.fold.max())


def _families(
    found: Sequence[Explained],
    sets: dict[str, list[int]],
    clips: Clips,
    sources: Sources,
    resamples: int,
    seed: int,
) -> list[dict[str, Any]]:
    variants = [name for name in found[0].scores if all(name in r.scores for r in found)]
    common = common_rows({name: _predictions(found, name, sources) for name in variants})
    share = _test_share(sources)
    rows = []
    for name, columns in sets.items():
        drops = np.array([r.family_drops[name] for r in found])
        row: dict[str, Any] = {"family": name, "n_features": len(columns)}
        row |= _spread_of(drops, share)
        for key in ("without", "only"):
            row |= dict.fromkeys((f"{key}_roc_auc", f"{key}_loss", f"{key}_low", f"{key}_high"))
            variant = f"{key} {name}"
            if variant not in common.models:
                continue
            lost = paired_bootstrap(
                common.models["all"],
                common.models[variant],
                n_splits=common.n_splits,
                resamples=resamples,
                confidence=_CONFIDENCE,
                rng=np.random.default_rng(seed),
            )
            row[f"{key}_roc_auc"] = _auc(common.models[variant])
            row[f"{key}_loss"] = float(lost.difference)
            row[f"{key}_low"], row[f"{key}_high"] = float(lost.low), float(lost.high)
        rows.append(row)
    return sorted(rows, key=lambda row: -(row["without_loss"] or 0.0))


def _predictions(found: Sequence[Explained], name: str, sources: Sources) -> pl.DataFrame:
    parts = [
        pl.DataFrame({
            "source": [sources.names[i] for i in r.source],
            "group": [str(sources.groups[i]) for i in r.source],
            "label": sources.labels[r.source],
            "repeat": np.full(len(r.source), r.repeat, dtype=np.int32),
            "fold": np.full(len(r.source), r.fold, dtype=np.int32),
            "score": r.scores[name],
        })
        for r in found
    ]  # fmt: skip
    return pl.concat(parts)


def _auc(rows: ScoredRows) -> float:
    ones = np.ones((1, int(rows.group.max()) + 1), dtype=np.uint16)
    return float(weighted_means(rows, ones, threshold=0.5)["roc_auc"][0])


def _base_auc(found: Sequence[Explained], sources: Sources) -> float:
    return _auc(common_rows({"all": _predictions(found, "all", sources)}).models["all"])


def _verdict(document: dict[str, Any]) -> list[str]:
    said = []
    clear = [r for r in document["features"] if r["drop_low"] is not None and r["drop_low"] > 0]
    if clear:
        named = ", ".join(f"{row['feature']} ({row['drop']:+.3f})" for row in clear[:5])
        said.append(f"Permuting one feature costs AUC beyond its interval for: {named}.")
    else:
        said.append(
            "No single feature's permutation costs AUC beyond its interval: what the model knows "
            "is spread over features that stand in for each other, or there is little of it."
        )
    needed = [r for r in document["families"] if r["without_low"] is not None]
    needed = [row for row in needed if row["without_low"] > 0]
    if needed:
        named = ", ".join(f"{row['family']} ({row['without_loss']:+.3f})" for row in needed)
        said.append(f"Retrained without them, the model is shown to lose by: {named}.")
    else:
        said.append("No family is shown to be needed: retrained without any one, it does as well.")
    alone = [
        row
        for row in document["families"]
        if row["only_roc_auc"] is not None and row["family"] not in (STAGE_2, STAGE_4)
    ]
    if alone:
        best = max(alone, key=lambda row: float(row["only_roc_auc"]))
        said.append(
            f"Alone, the features of {best['family']} reach the most: AUC "
            f"{best['only_roc_auc']:.2f} against {document['roc_auc']:.2f} of all."
        )
    return said


def _notes(document: dict[str, Any]) -> list[str]:
    notes = [
        "Importance is of this model on this corpus; it does not say that a feature shows a fake.",
    ]
    if document["simulated"]:
        notes.insert(0, "The corpus is simulated: these numbers say nothing about real videos.")
    return [*notes, *document["failures"]]


def _write(document: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    stem = workspace.importances / document["model"] / "importance"
    tables = {name: rows_table(document[name]) for name in ("features", "families")}
    return write_results(document, stem, tables, draw_importance, workspace)
