"""``fvc robustness``: a detector's scores on altered videos; here, after what platforms do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from fvc.errors import DataError, OptionError
from fvc.evaluation.platforms import platform_rows, platform_verdict
from fvc.evaluation.platforms_plot import draw_platforms
from fvc.evaluation.robustness import RobustnessReport, model_robustness
from fvc.evaluation.verdict_report import rows_table, write_results
from fvc.evaluation.weights import weights_notes
from fvc.inference.platform_features import platform_files
from fvc.inference.platform_scores import every_clip, score_files
from fvc.models import ModelSpec, get_model
from fvc.stages import RunOptions, StageReport
from fvc.tables import read_table
from fvc.training.refitting import FoldDetectors, fold_detectors
from fvc.training.split import read_index
from fvc.transcoding.matching import read_matching
from fvc.transcoding.platform_stage import transform_sources
from fvc.transcoding.platforms import PLATFORMS, Transformation
from fvc.workspace import Workspace

PLATFORM_VERSION = 1

_CONFIDENCE = 0.95
# A raw file measured now gives the score that training wrote down, up to float32.
_SAME_SCORE = 0.01


@dataclass(frozen=True)
class PlatformReport(RobustnessReport):
    """What platforms do to a detector's scores; exit code 5 where some clips failed."""


def robustness(
    project: Path = Path("."),
    *,
    model: str,
    after: Literal["variants", "platforms"] = "variants",
    sources: int | None = None,
    longest: float | None = None,
    threshold: float = 0.5,
    resamples: int = 1000,
    seed: int = 0,
    run: RunOptions = RunOptions(),
) -> RobustnessReport:
    """Say what alterations do to a trained model's scores on sources that it has not seen.

    Parameters
    ----------
    project
        Folder of the project.
    model
        The trained model.
    after
        What is done to the videos: variants are those of stage 1, by kind and strength; platforms
        makes what platforms do (H.264 and VP9 at three qualities each, downscaling and back, 15
        frames a second, a crop, a caption) of the raw files and judges it as `fvc predict` would.
    sources
        With --after platforms: so many sources, drawn from both classes; by default all.
    longest
        With --after platforms: leave out sources of more seconds than this; by default none.
    threshold
        A score of at least this much is called fake, in 0…1.
    resamples
        Bootstrap resamples of groups, at least 100.
    seed
        Seed of the bootstrap and of the draw.
    run
        How the clips of platforms are made and measured.

    Returns
    -------
    RobustnessReport
        Rows with intervals and paired differences, and a verdict.

    Raises
    ------
    OptionError
        A value that an option cannot take.
    MissingInputError
        The model was not trained, or the raw files are not there.
    StaleError
        Folds, feature tables or weights have changed since it was trained.
    DataError
        There are no variants.
    """
    if resamples < 100 or not 0 <= threshold <= 1:
        raise OptionError("resamples are 100 or more, the threshold lies in 0…1")
    if after == "variants":
        if sources is not None or longest is not None:
            raise OptionError("--sources and --longest go with --after platforms")
        return model_robustness(
            project, model=model, threshold=threshold, resamples=resamples, seed=seed
        )
    if after != "platforms":
        raise OptionError(f"after must be variants or platforms, not {after!r}")
    return platform_robustness(
        Workspace(project),
        get_model(model),
        sources=sources,
        longest=longest,
        threshold=threshold,
        resamples=resamples,
        seed=seed,
        run=run,
    )


def platform_robustness(
    workspace: Workspace,
    spec: ModelSpec,
    *,
    sources: int | None = None,
    longest: float | None = None,
    transformations: Sequence[Transformation] = PLATFORMS,
    threshold: float = 0.5,
    resamples: int = 1000,
    seed: int = 0,
    run: RunOptions = RunOptions(),
) -> PlatformReport:
    """Say what platforms do to a trained model's scores; see `robustness`.

    Each source is scored by the detector of the fold that has not seen its group, untouched and
    after each transformation, in the way in which `fvc predict` measures a file.

    Parameters
    ----------
    workspace
        The project.
    spec
        The trained model.
    transformations
        What is done, each alone.
    sources, longest, threshold, resamples, seed, run
        As for `robustness`.
    """
    _check_run(run)
    detectors = fold_detectors(workspace, spec)
    index = _draw(_raw_files(workspace, detectors, longest), sources, seed)
    made = transform_sources(workspace, index, transformations=transformations, run=run)
    if made.table is None:
        raise DataError("the clips of platforms are not finished: run the same command again")
    files = platform_files(workspace, index, transformations, made.table)
    scored = score_files(workspace, spec, detectors, files, index, run)
    scores = every_clip(scored.table, index, transformations)
    scores = scores.join(_reasons((made, *scored.reports)), on="clip", how="left")
    settings = {
        "n_splits": len(detectors.detectors),
        "resamples": resamples,
        "confidence": _CONFIDENCE,
        "seed": seed,
    }
    names = [vars(t) for t in transformations]
    rows = platform_rows(scores, names, threshold=threshold, **settings)
    matching = read_matching(workspace)
    document: dict[str, Any] = {
        "model": spec.name,
        "after": "platforms",
        "transformations": rows,
        "roc_auc_untouched": rows[0]["roc_auc_unaugmented"],
        "settings_of_transformations": {t.name: t.to_dict() for t in transformations},
        "unit": "source",
        "n_sources": index.height,
        "n_sources_in_folds": sum(len(one.test_groups) for one in detectors),
        "n_groups": index["group"].n_unique(),
        "n_failed": sum(row["n_failed"] for row in rows[1:]),
        "longest": longest,
        "threshold": threshold,
        "matched": None if matching is None else matching.words,
        "split": detectors.split,
        "simulated": detectors.simulated,
        "version": PLATFORM_VERSION,
        **settings,
    }
    document["verdict"] = platform_verdict(rows)
    document["notes"] = _notes(document, detectors, _moved(workspace, spec, scores))
    document["notes"] += weights_notes(detectors.trained)
    _write(document, scores, workspace)
    return PlatformReport(document, exit_code=5 if document["n_failed"] else 0)


def _check_run(run: RunOptions) -> None:
    if not run.part.is_whole:
        raise OptionError("robustness is not done in parts: leave out --shard and --start-idx")


def _raw_files(
    workspace: Workspace, detectors: FoldDetectors, longest: float | None
) -> pl.DataFrame:
    """Give source, label, group, fold and raw file of the sources of the folds.

    In a matched project these are the files from before the matching, which then follows the
    platform, as it does when a file is judged.
    """
    fold = {source: one.fold for one in detectors for source in one.test_groups}
    index = read_index(workspace).filter(pl.col("source").is_in(list(fold)))
    if longest is not None:
        index = index.filter(pl.col("duration_sec") <= longest)
        if index["label"].n_unique() < 2:
            raise OptionError(
                f"of {longest:g} seconds or less there are not sources of both classes"
            )
    path = "matched_from" if "matched_from" in index.columns else "video_path"
    return index.select(
        "source",
        "label",
        "group",
        pl.col("source").replace_strict(fold, return_dtype=pl.Int32).alias("fold"),
        pl.col(path).alias("video_path"),
    ).sort("source")


def _draw(index: pl.DataFrame, sources: int | None, seed: int) -> pl.DataFrame:
    """Draw sources, the classes as evenly as they can be had; all if there are no more."""
    if sources is not None and sources < 2:
        raise OptionError(f"sources must be 2 or more, not {sources}")
    if sources is None or sources >= index.height:
        return index
    rng = np.random.default_rng(seed)
    order = rng.permutation(index.height)
    labels = index["label"].to_numpy()[order]
    real, fake = order[labels == 0], order[labels == 1]
    n_fake = min(len(fake), max(sources // 2, sources - len(real)))
    chosen = [*fake[:n_fake], *real[: sources - n_fake]]
    return index[sorted(int(i) for i in chosen)]


def _reasons(reports: Sequence[StageReport]) -> pl.DataFrame:
    """Say of each clip that failed why."""
    failed = {f["unit"]: f["reason"] for report in reports for f in report.failures}
    schema = {"clip": pl.String, "reason": pl.String}
    return pl.DataFrame({"clip": list(failed), "reason": list(failed.values())}, schema=schema)


def _moved(workspace: Workspace, spec: ModelSpec, scores: pl.DataFrame) -> int:
    """Count sources whose untouched file scores otherwise than in training."""
    table = read_table(workspace.model(spec.name) / "predictions.parquet")
    written = table.filter(pl.col("repeat") == 0).select("source", written="score")
    both = scores.unique("source").join(written, on="source", how="inner").drop_nulls("plain")
    return both.filter((pl.col("plain") - pl.col("written")).abs() > _SAME_SCORE).height


def _notes(document: dict[str, Any], detectors: FoldDetectors, moved: int) -> list[str]:
    notes = ["Each interval is of one transformation; they are not adjusted for their number."]
    if document["simulated"]:
        notes.insert(0, "The corpus is simulated: these numbers say nothing about real videos.")
    longest = document["longest"]
    if document["n_sources"] < document["n_sources_in_folds"]:
        notes.append(
            f"{document['n_sources']} of {document['n_sources_in_folds']} sources were drawn"
            + ("." if longest is None else f", of those of {longest:g} seconds or less.")
        )
    if document["matched"]:
        notes.append(
            f"The detector's clips are matched ({document['matched']}): so is what platforms made."
        )
    codec = [name for name in detectors.feature_names if "codec_" in name]
    if codec:
        notes.append(
            f"{len(codec)} of the model's {len(detectors.feature_names)} features are read from "
            "the file's packets, and a platform rewrites all of them."
        )
    if moved:
        notes.append(
            f"{moved} source(s) score otherwise now than in training, untouched: raw files or this "
            "program have changed since."
        )
    return notes


def _write(document: dict[str, Any], scores: pl.DataFrame, workspace: Workspace) -> None:
    folder = workspace.robustness / document["model"] / document["after"]
    tables = {"transformations": rows_table(document["transformations"]), "scores": scores}
    write_results(document, folder / "platforms", tables, draw_platforms, workspace)


__all__ = ["PlatformReport", "platform_robustness", "robustness"]
