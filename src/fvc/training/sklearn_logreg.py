"""The stand-alone logistic regression of the documents, in the project's folds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from fvc.errors import MissingInputError, OptionError
from fvc.evaluation import build_leaderboard
from fvc.models import get_model
from fvc.stages import log_file
from fvc.tables import find_metadata, read_table
from fvc.tracking.publishing import tracking_of
from fvc.training.clips import Sources, join_clips
from fvc.training.model import train_model
from fvc.training.output import clear, held
from fvc.training.progress import show_progress
from fvc.training.request import Request
from fvc.training.running import one_thread, stop_workers, usable_cores
from fvc.training.split import open_split
from fvc.transcoding.matching import left_out_when_matched, read_matching
from fvc.workspace import Workspace


def train_sklearn_logreg(
    project_root: str | Path = ".",
    scaled_metadata_path: str | Path = "data/stage3/scaled_metadata.parquet",
    features_stage2_path: str | Path = "data/stage2/features_metadata.parquet",
    features_stage4_path: str | Path | None = None,
    output_dir: str | Path = "data/stage5/sklearn_logreg",
    n_splits: int = 5,
    delete_existing: bool = False,
) -> dict[str, Any]:
    """Train ``sklearn_logreg`` (L1, L2 or elastic net, chosen by inner folds) on named tables.

    Folds, selection and scores are those of `stage5_train_models`: the project's one split file,
    made from the index if it is not there. A table is also found under its other documented
    folder and ending.

    Parameters
    ----------
    project_root
        Folder of the project.
    scaled_metadata_path
        Table of stage 3, relative to the project: only clips that were scaled are used.
    features_stage2_path
        Table of stage 2.
    features_stage4_path
        Table of stage 4; None leaves its features out.
    output_dir
        Where ``model.joblib`` (the bare estimator), ``scaler.joblib`` (the fitted steps before
        it), ``metrics.json`` and ``roc_pr_curves.png`` go.
    n_splits
        Folds of whole groups, at least 2.
    delete_existing
        Start the output folder afresh; without it, results that still fit are kept.

    Returns
    -------
    dict
        What stands in ``metrics.json``.

    Raises
    ------
    MissingInputError
        The index or a table is missing.
    StaleError
        The split file does not fit the index or `n_splits`.
    """
    workspace = Workspace(project_root)
    spec = get_model("sklearn_logreg")
    if n_splits < 2:
        raise OptionError(f"n_splits is 2 or more, not {n_splits}")
    output = Workspace(workspace.root / output_dir).root
    kept = (workspace.stage5, workspace.videos, *(files.folder for files in workspace.stages))
    if any(folder == output or output in folder.parents for folder in kept):
        raise OptionError(f"output_dir {output_dir!s} is not a folder of one model alone")
    split = open_split(workspace, n_splits=n_splits, repeats=None, seed=0)
    sources = Sources.from_folds(split.folds, int(split.block["repeats"]))
    scaled = _table(workspace, scaled_metadata_path)[1]
    named = [(2, features_stage2_path), (4, features_stage4_path)]
    tables = []
    for number, path in named:
        if path is not None:
            found, frame = _table(workspace, path)
            usable = frame.join(scaled.select("clip"), on="clip", how="semi")
            tables.append((number, found, usable))
    request = Request(
        workspace=workspace,
        split=split.block,
        folds=split.folds,
        simulated=split.simulated,
        workers=usable_cores(),
    )
    spec = replace(spec, tables=tuple(number for number, _, _ in tables))
    with show_progress() as fits, log_file(workspace.logs(5), "train"), one_thread():
        try:
            matched = read_matching(workspace) is not None
            leave_out = left_out_when_matched if matched else None
            clips = join_clips(tables, sources, leave_out=leave_out)
            with held(output, spec.name):
                if delete_existing:
                    clear(output, everything=True)
                _, document = train_model(spec, clips, sources, request, fits, folder=output)
        finally:
            stop_workers()
        if output.parent == workspace.stage5:
            build_leaderboard(workspace)
        tracking = tracking_of(workspace, "auto")
        if tracking and output == workspace.model(spec.name):
            tracking.model_done(spec.name)
            tracking.finish()
    return document


def _table(workspace: Workspace, path: str | Path) -> tuple[Path, pl.DataFrame]:
    wanted = workspace.root / path
    found = find_metadata(wanted)
    if found is None:
        known = {files.table_stem: files.command for files in workspace.stages}
        verb = known.get(wanted.stem)
        raise MissingInputError(
            "no such table",
            path=wanted,
            remedy=f"Run `fvc {verb}` first" if verb else "Name the table of a stage",
        )
    return found, read_table(found)
