"""``fvc audit``: what a claimed score is worth."""

import contextlib
import functools
import importlib
import re
import time
from pathlib import Path
from typing import Any

from fvc.audit.given import audit_scores
from fvc.audit.progress import Progress
from fvc.audit.reading import read_predictions, read_scores
from fvc.audit.refit import Table
from fvc.audit.report import AuditReport, write_audit
from fvc.audit.table import audit_table
from fvc.errors import NotAvailableError, OptionError
from fvc.evaluation import is_simulated
from fvc.evaluation.weights import weights_notes
from fvc.models import ModelSpec, get_model
from fvc.stages import RunOptions
from fvc.tables import read_table
from fvc.training.clips import Clips, Sources
from fvc.training.output import held
from fvc.training.progress import show_progress
from fvc.training.reading import ClipReader
from fvc.training.request import Request
from fvc.training.running import stop_workers, worker_count
from fvc.training.selection import fit_detector
from fvc.training.split import project_split
from fvc.training.video.options import VideoOptions
from fvc.workspace import Workspace

_PERMUTATIONS = {"tabular": 200, "embedding": 20, "video": 5, "ensemble": 0}
_REPEATS = {"tabular": 5, "embedding": 5, "video": 1, "ensemble": 1}


def audit_model(
    project: Path = Path("."),
    *,
    target: str | None = None,
    predictions: Path | None = None,
    trained: bool = False,
    permutations: int | None = None,
    repeats: int | None = None,
    resamples: int = 2000,
    seed: int = 0,
    workers: int | None = None,
    weights: str = "pretrained",
    tiny: bool = False,
    max_epochs: int | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    devices: int = 1,
) -> AuditReport:
    """Say how much of a score is skill, how much memory of clips and how much memory of scenes.

    Parameters
    ----------
    project
        Folder of the project.
    target
        A model type, refitted in every scheme with its entry's settings (no search); ``fvc models``
        lists them. With ``--predictions``, the name under which the audit is written.
    predictions
        Someone else's scores: a table (CSV, Parquet, Arrow) with clip, source, label, score and,
        where known, group, fold and repeat.
    trained
        Audit the trained model's out-of-fold predictions as they are, without refitting.
    permutations
        Times that labels are dealt anew to whole groups, in each scheme; 0 leaves them out. By
        default 200, of embedding models 20, of nets 5: each costs a fit for every fold and scheme.
    repeats
        Times that the folds are drawn anew for true labels, at most as many as the split file has;
        by default 5, of nets 1.
    resamples
        Bootstrap resamples of groups, at least 100.
    seed
        Seed of folds, permutations and bootstrap.
    workers
        Draws of folds fitted side by side, one thread each; by default one a core. Nets are fitted
        one after the other, on so many threads where there is no GPU; what is done is kept.
    weights
        What nets begin with: ``pretrained``, ``none`` (random weights) or a file of weights.
    tiny
        Build nets in their smallest form: to try the way, not for results.
    max_epochs
        Epochs of a net at most; by default the model's own number.
    batch_size
        Clips that a net takes in a step; by default the model's own number.
    device
        Where nets are fitted: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:1``.
    devices
        GPUs (or, without one, processes) that fit a net together.

    Returns
    -------
    AuditReport
        The table, the memory of clips and of scenes, the verdict; exit code 5 where a draw failed.

    Raises
    ------
    OptionError
        A value that an option cannot take, or a name that no model has.
    NotAvailableError
        The model cannot be refitted here.
    MissingInputError
        An earlier step has not run, or a file is not there.
    StaleError
        The split file does not fit the index.
    LockedError
        Another run audits the same net.
    DataError
        The predictions are not what they should be.
    """
    if (
        (permutations is not None and permutations < 0)
        or (repeats is not None and repeats < 1)
        or resamples < 100
    ):
        raise OptionError("permutations are 0 or more, repeats 1, resamples 100")
    cores = worker_count(workers)
    if trained and (target is None or predictions is not None):
        raise OptionError("--trained needs a model type, and no --predictions")
    if target is None and predictions is None:
        raise OptionError("what is to be audited? a model type, or --predictions FILE")
    workspace = Workspace(project)
    begun = time.perf_counter()
    dealt = _PERMUTATIONS["tabular"] if permutations is None else permutations
    if predictions is not None:
        name = _file_name(target or predictions.stem)
        document = _audit_file(predictions, workspace, dealt, resamples, seed)
    elif trained:
        assert target is not None
        name = f"{_file_name(target)}-trained"
        document = _audit_trained(target, workspace, dealt, resamples, seed)
    else:
        assert target is not None
        spec = get_model(target)
        name = spec.name
        nets = VideoOptions.asked(weights, tiny, max_epochs, batch_size, device, devices, cores)
        document = _audit_type(
            spec,
            workspace,
            _PERMUTATIONS[spec.family] if permutations is None else permutations,
            _REPEATS[spec.family] if repeats is None else repeats,
            resamples,
            seed,
            cores,
            nets,
        )
    document = {
        "target": name,
        **document,
        "seed": seed,
        "resamples": resamples,
        "seconds": round(time.perf_counter() - begun, 3),
    }
    return write_audit(document, name, workspace)


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[:80] or "predictions"


def _audit_type(
    spec: ModelSpec,
    workspace: Workspace,
    permutations: int,
    repeats: int,
    resamples: int,
    seed: int,
    workers: int,
    nets: VideoOptions,
) -> dict[str, Any]:
    if spec.family == "ensemble":
        raise NotAvailableError(
            f"{spec.name}: each scheme would want every member fitted inside every fold. Audit its "
            f"members, by their names, and its predictions: `fvc audit {spec.name} --trained`"
        )
    split = project_split(workspace)
    repeats = min(repeats, int(split.block["repeats"]))
    sources = Sources.from_folds(split.folds, repeats)
    request = Request(
        workspace=workspace,
        split=split.block,
        folds=split.folds,
        simulated=split.simulated,
        workers=workers,
        nets=nets,
        run=RunOptions(workers=workers),
    )
    clips = ClipReader(request, sources)(spec)
    table = Table(
        X=clips.inputs,
        source=clips.source,
        original=clips.original,
        labels=sources.labels,
        groups=sources.groups,
        feature_names=clips.feature_names,
    )
    kept, fit = None, functools.partial(fit_detector, spec, dict[str, Any]())
    alone: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if spec.family == "video":
        # A net takes a whole device, and a fit that was ended is taken up by one run alone.
        workers, alone = 1, held(workspace.audit(spec.name), spec.name)
        kept, fit = _net_fits(spec, clips, workspace, nets, seed)
    try:
        with alone, show_progress() as fits:
            progress = Progress(spec.name, fits)
            document = audit_table(
                table,
                fit,
                n_splits=int(split.block["n_splits"]),
                repeats=repeats,
                permutations=permutations,
                resamples=resamples,
                seed=seed,
                workers=workers,
                grouped=sources.fold,
                begin=progress.begin,
                done=progress.done,
            )
    finally:
        if workers > 1:
            stop_workers()
    if kept is not None and document["complete"]:
        kept.tidy()
    described: dict[str, Any] = {}
    if spec.family in ("video", "embedding"):
        described = {"nets": nets.to_dict()}
        document["cannot"] += weights_notes(described["nets"])
    return {
        "kind": "model type, refitted in every scheme with one setting",
        "settings": dict(spec.settings),
        **described,
        "split": split.block,
        "simulated": split.simulated,
        "data": clips.notes,
        **document,
    }


def _net_fits(
    spec: ModelSpec, clips: Clips, workspace: Workspace, nets: VideoOptions, seed: int
) -> tuple[Any, Any]:
    """Give what keeps the fits of a net, and what does them."""
    folder = workspace.audit(spec.name) / ".fits"
    kept = importlib.import_module("fvc.training.video.kept").KeptFits(folder, spec, clips)
    refits = importlib.import_module("fvc.training.video.refits")
    return kept, refits.NetFits(kept, spec, nets, seed=seed)


def _audit_trained(
    target: str, workspace: Workspace, permutations: int, resamples: int, seed: int
) -> dict[str, Any]:
    table, notes = read_predictions(target, workspace)
    document = audit_scores(table, permutations=permutations, resamples=resamples, seed=seed)
    return {
        "kind": "a trained model's out-of-fold predictions",
        "simulated": _simulated(workspace),
        "unscored": notes["unscored"],
        **document,
    }


def _audit_file(
    path: Path, workspace: Workspace, permutations: int, resamples: int, seed: int
) -> dict[str, Any]:
    table, notes = read_scores(path, workspace)
    document = audit_scores(
        table,
        permutations=permutations,
        resamples=resamples,
        seed=seed,
        group_note=notes["group_note"],
    )
    return {
        "kind": "scores from a file",
        "predictions": workspace.relative(path),
        "simulated": _simulated(workspace) if "index" in (notes["group_note"] or "") else False,
        "unscored": notes["unscored"],
        **document,
    }


def _simulated(workspace: Workspace) -> bool:
    return workspace.index_csv.is_file() and is_simulated(read_table(workspace.index_csv))
