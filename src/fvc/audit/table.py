"""Auditing a model on a table of features: every scheme, true and permuted labels."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from fvc.audit.refit import Fit, Table, Task, TaskResult, run_tasks, tasks_of
from fvc.audit.rows import memory, permutation_p, permuted_scores, row, true_scores
from fvc.audit.schemes import SCHEMES, Scheme
from fvc.audit.verdict import FEWEST, memory_share, verdict_on_schemes
from fvc.evaluation import check_no_leakage
from fvc.evaluation.bootstrap import ScoredRows

UNITS: dict[Scheme, str] = {"grouped": "source", "source-wise": "source", "row-wise": "clip"}


def audit_table(
    table: Table,
    fit: Fit,
    *,
    n_splits: int = 5,
    repeats: int = 5,
    permutations: int = 200,
    resamples: int = 2000,
    seed: int = 0,
    workers: int = 1,
    grouped: npt.NDArray[np.int32] | None = None,
    begin: Callable[[int], None] | None = None,
    done: Callable[[TaskResult], None] | None = None,
) -> dict[str, Any]:
    """Refit a model in every scheme and say what its score is worth.

    Parameters
    ----------
    table
        Features, labels, sources and groups.
    fit
        Fits the model to the rows it is given.
    n_splits, repeats
        Folds, and how often they are drawn anew for true labels.
    permutations
        Times that labels are dealt anew to groups, in one draw of the folds each.
    resamples
        Bootstrap resamples of groups.
    seed
        Of folds, permutations and bootstrap.
    workers
        Processes, one thread each.
    grouped
        Folds of the sources for the grouped scheme, shape (repeats, s); None draws them.
    begin, done
        Called with the number of tasks, and with every task that has come back.

    Returns
    -------
    dict
        ``rows`` (columns of `fvc.audit.rows.COLUMNS`), ``memory`` with ``share``, ``verdict``,
        ``cannot`` (what could not be computed), ``permuted_aucs`` by scheme, ``complete``.

    Raises
    ------
    LeakageError
        A group stands in several of the folds that were given.
    """
    _check_given(grouped, table)
    tasks = tasks_of(
        n_splits=n_splits, repeats=repeats, permutations=permutations, seed=seed, grouped=grouped
    )
    if begin is not None:
        begin(len(tasks))
    results = []
    for result in run_tasks(tasks, table, fit, workers=workers):
        results.append(result)
        if done is not None:
            done(result)
    # Workers finish in any order; the numbers must not depend on it.
    order = {_key(task): place for place, task in enumerate(tasks)}
    results.sort(key=lambda r: order[_key(r.task)])
    return _document(results, table, n_splits=n_splits, resamples=resamples, seed=seed)


def _check_given(grouped: npt.NDArray[np.int32] | None, table: Table) -> None:
    for repeat, fold in enumerate([] if grouped is None else grouped):
        for k in np.unique(fold):
            check_no_leakage(
                table.groups[fold != k],
                table.groups[fold == k],
                where=f"the audit's grouped folds, repeat {repeat}, fold {k}",
            )


def _key(task: Task) -> tuple[str, int | None, int]:
    return task.scheme, task.permutation, task.repeat


def _document(
    results: list[TaskResult], table: Table, *, n_splits: int, resamples: int, seed: int
) -> dict[str, Any]:
    group = np.unique(table.groups.astype(str), return_inverse=True)[1].astype(np.int64)
    scored: dict[str, ScoredRows] = {}
    rows: list[dict[str, Any]] = []
    nulls: dict[str, list[float]] = {}
    for scheme in SCHEMES:
        true = [r for r in results if r.task.scheme == scheme and r.task.permutation is None]
        dealt = [r for r in results if r.task.scheme == scheme and r.task.permutation is not None]
        good = [r for r in dealt if r.failure is None]
        nulls[scheme] = [r.means["roc_auc"] for r in good]
        common = _counts(table, group, scheme) | {"n_splits": n_splits}
        first = row(**common, labels="true", repeats=len(true), permutations=len(good))
        _note_failures(first, true)
        if first["complete"]:
            scored[scheme] = _scored_rows(true, table, group)
            first |= true_scores(scored[scheme], n_splits=n_splits, resamples=resamples, seed=seed)
            if good:
                first["p_value"] = permutation_p(first["auc"], nulls[scheme])
        rows.append(first)
        if dealt:
            second = row(**common, labels="permuted", repeats=1, permutations=len(good))
            _note_failures(second, dealt)
            if good:
                second |= permuted_scores([r.means for r in good])
            rows.append(second)
    found = None
    if len(scored) == len(SCHEMES):
        found = memory(scored, n_splits=n_splits, resamples=resamples, seed=seed)
        by = {r["folds"]: r for r in rows if r["labels"] == "true"}
        found["share"] = memory_share(by["row-wise"], by["grouped"])
    single = len(np.unique(group)) == len(group)
    return {
        "rows": rows,
        "memory": found,
        "verdict": verdict_on_schemes(rows, found, one_source_groups=single),
        "cannot": _few_permutations(max((len(aucs) for aucs in nulls.values()), default=0)),
        "permuted_aucs": nulls,
        "complete": all(r["complete"] for r in rows),
    }


def _few_permutations(n: int) -> list[str]:
    """Say what so few permutations cannot show."""
    if not 0 < n < FEWEST:
        return []
    return [
        f"Only {n} permutation(s): the range of the permuted rows is that of {n} draw(s), and a "
        f"leak would have to be large to show. --permutations {FEWEST} is the least for p = 0.05."
    ]


def _counts(table: Table, group: npt.NDArray[np.int64], scheme: Scheme) -> dict[str, Any]:
    unit = UNITS[scheme]
    chosen = np.ones(len(table.source), bool) if unit == "clip" else table.original
    source = table.source[chosen]
    fake = table.labels[source] == 1
    return {
        "folds": scheme,
        "unit": unit,
        "n": len(source),
        "n_real": int((~fake).sum()),
        "n_fake": int(fake.sum()),
        "n_sources": len(np.unique(source)),
        "n_groups": len(np.unique(group[source])),
    }


def _note_failures(line: dict[str, Any], results: Iterable[TaskResult]) -> None:
    failures = [r.failure for r in results if r.failure is not None]
    if failures:
        line["complete"] = False
        line["reason"] = f"{len(failures)} draw(s) failed: {failures[0]}"


def _scored_rows(
    results: list[TaskResult], table: Table, group: npt.NDArray[np.int64]
) -> ScoredRows:
    rows = np.concatenate([r.rows for r in results])
    cell = np.concatenate([r.folds + r.task.repeat * r.task.n_splits for r in results])
    source = table.source[rows]
    return ScoredRows(
        cell=cell.astype(np.int64),
        group=group[source],
        fake=table.labels[source] == 1,
        score=np.concatenate([r.scores for r in results]),
    )
