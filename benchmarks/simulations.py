"""Whether the statistics keep their promises on simulated corpora whose truth is known.

``python -m benchmarks.simulations [NAMES…] --corpora 500 --seed 0 --write PAGE``: one experiment a
name, each a table of what was wanted and what was found with its Monte-Carlo error.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.special import expit
from threadpoolctl import threadpool_limits

from benchmarks import report
from benchmarks.simulated import corpus, equal_models, fit, out_of_fold, true_auc
from fvc.evaluation import (
    GroupedStratifiedKFold,
    compare_predictions,
    cross_fit,
    make_folds,
    summarise_folds,
)
from fvc.evaluation.bootstrap import ScoredRows, bootstrap_means, group_draws, weighted_auc
from fvc.evaluation.calibration_intervals import Probabilities, measure_calibration
from fvc.evaluation.calibration_metrics import equal_mass_bins
from fvc.evaluation.clustered_auc import clustered_aucs, delong
from fvc.evaluation.conformal import fit_p_values, nonconformity
from fvc.evaluation.new_set import new_set_interval
from fvc.evaluation.paired import group_permutation
from fvc.evaluation.refit_bootstrap import refit_interval, refitted_means, resample_corpus

RESAMPLES = 300


@dataclass(frozen=True)
class Row:
    """One promise: what is wanted, what was found in how many corpora, and its error."""

    experiment: str
    setting: str
    quantity: str
    wanted: str
    found: float
    error: float
    corpora: int


class Tally:
    """Collects what was found corpus by corpus, and makes rows of it."""

    def __init__(self, experiment: str, setting: str) -> None:
        self.experiment, self.setting = experiment, setting
        self.found: dict[tuple[str, str], list[float]] = {}

    def add(self, quantity: str, wanted: str, value: float) -> None:
        """Add what was found in one corpus."""
        self.found.setdefault((quantity, wanted), []).append(float(value))

    def rows(self) -> list[Row]:
        """Mean over corpora and its Monte-Carlo standard error."""
        made = []
        for (quantity, wanted), values in self.found.items():
            known = np.array(values)
            error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else 0.0
            made.append(
                Row(self.experiment, self.setting, quantity, wanted, float(known.mean()), error,
                    len(known))
            )  # fmt: skip
        return made


def _of(largest: int) -> str:
    return "groups of one source" if largest == 1 else f"groups of 1 to {largest}"


def auc(corpora: int, seed: int, refits: int = 20) -> list[Row]:
    """Intervals of the AUC: the widened bootstrap, the plain one, and the one that refits."""
    rows = []
    # Refits are dear: one setting has them.
    for effect, groups, refitted in ((0.0, 60, 0), (0.7, 60, refits)):
        tally = Tally("auc", f"{groups} groups of 1 to 3, effect {effect:g}")
        found: list[dict[str, Any]] = []
        for c in range(corpora):
            found.append(_one_auc([seed, 1, int(100 * effect), c], groups, effect, refitted))
        truth = float(np.mean([one["true"] for one in found]))
        for one in found:
            for name, wanted in (
                ("widened", "0.95"),
                ("refitted", "0.95"),
                ("plain percentiles", "below 0.95"),
            ):
                if one[name] is not None:
                    low, high = one[name]
                    tally.add(f"coverage, {name}", wanted, low <= truth <= high)
                    tally.add(f"width, {name}", "", high - low)
            tally.add("estimate minus truth", "0", one["estimate"] - truth)
            tally.add("coverage, new set of 30 groups", "0.95", one["new"])
        rows += tally.rows()
    return rows


def _one_auc(seed: list[int], groups: int, effect: float, refits: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    index, x = corpus(rng, groups=groups, effect=effect)
    folds = make_folds(index, n_splits=5, repeats=2, seed=int(rng.integers(1 << 30)))
    table = out_of_fold(folds, x)
    summary = summarise_folds(table, resamples=RESAMPLES)
    y, group = index["label"].to_numpy(), index["group"].to_numpy()
    fold = folds.filter(pl.col("repeat") == 0)["fold"].to_numpy()
    true = [true_auc(fit(x[fold != k], y[fold != k]), effect) for k in range(5)]
    cell = (table["repeat"] * 5 + table["fold"]).to_numpy().astype(np.int64)
    number = table["group"].rank("dense").to_numpy().astype(np.int64) - 1
    scored = ScoredRows(cell, number, table["label"].to_numpy() == 1, table["score"].to_numpy())
    plain = bootstrap_means(scored, resamples=RESAMPLES, threshold=0.5, rng=rng)["roc_auc"]
    drawn = []
    for b in range(refits):
        means = _refitted(x, y, group, (*seed, b))
        if means is not None:
            drawn.append(means["roc_auc"])
    estimate = summary["roc_auc"]
    repeat = table["repeat"].to_numpy().astype(np.int64)
    _, low, high = new_set_interval(
        scored, repeat, new_groups=30, n_splits=5, resamples=RESAMPLES, seed=0
    )
    others, new_x = corpus(rng, groups=30, effect=effect)
    new = weighted_auc(others["label"].to_numpy() == 1, new_x @ fit(x, y), np.ones(len(others)))
    return {
        "true": float(np.mean(true)),
        "estimate": estimate,
        "widened": (summary["roc_auc_low"], summary["roc_auc_high"]),
        "plain percentiles": tuple(np.quantile(plain, [0.025, 0.975])),
        "refitted": refit_interval(estimate, np.array(drawn), groups=groups // 2)
        if drawn
        else None,
        "new": low <= new <= high,
    }


def _refitted(x: Any, y: Any, group: Any, seed: tuple[int, ...]) -> dict[str, float] | None:
    resample = resample_corpus(group, y == 1, n_splits=5, seed=seed)
    if resample is None:
        return None
    own, label = x[resample.source], y[resample.source]
    return refitted_means(resample, y == 1, lambda test: own[test] @ fit(own[~test], label[~test]))


def calibration(corpora: int, seed: int) -> list[Row]:
    """Intervals of calibration measures, of a fixed scorer and of what is calibrated inside."""
    rows = []
    for groups, largest in ((80, 1), (60, 3), (300, 1)):
        for slope, intercept in ((1.0, 0.0), (0.5, 0.0), (1.0, 1.0)):
            setting = (
                f"fixed scores, {groups} {_of(largest)}, true slope {slope:g}, intercept "
                f"{intercept:g}"
            )
            tally = Tally("calibration", setting)
            population = _scores(np.random.default_rng([seed, 2]), 100_000, 1, slope, intercept)
            for c in range(corpora):
                rng = np.random.default_rng([seed, 2, groups, largest, c])
                _fixed(tally, rng, groups, largest, slope, intercept, population)
            rows += tally.rows()
    return rows + _calibrated(corpora, seed)


def _scores(
    rng: np.random.Generator, groups: int, largest: int, slope: float, intercept: float
) -> tuple[Any, Any, Any, Any]:
    """Group, label, stated and true probability; log odds of truth = slope · stated + intercept."""
    group = np.repeat(np.arange(groups), rng.integers(1, largest + 1, groups))
    fake = group % 2 == 1
    noise = rng.normal(size=groups)[group]
    if largest > 1:
        noise = np.sqrt(0.5) * noise + np.sqrt(0.5) * rng.normal(size=len(group))
    true = 1.5 * (noise + 1.5 * (fake - 0.5))
    return group, fake, expit((true - intercept) / slope), expit(true)


def _fixed(
    tally: Tally, rng: np.random.Generator, groups: int, largest: int, slope: float,
    intercept: float, population: tuple[Any, Any, Any, Any],
) -> None:  # fmt: skip
    group, fake, p, _ = _scores(rng, groups, largest, slope, intercept)
    part = Probabilities(group, fake, p, np.ones(len(p)))
    times = group_draws(
        ScoredRows(np.zeros(len(p), dtype=np.int64), group, fake, p), resamples=RESAMPLES, rng=rng
    )
    found = measure_calibration([part], times, n_splits=None, groups=groups // 2)
    _, _, said, true = population
    bins = equal_mass_bins(p)
    assert not isinstance(bins, str)
    edges = [p[bins == b].max() for b in range(int(bins.max()))]
    place = np.searchsorted(edges, said)
    n = np.bincount(place, minlength=len(edges) + 1)
    gap = np.bincount(place, said - true, minlength=len(n)) / n.clip(1)
    truth = {
        "slope": slope,
        "intercept": intercept,
        "brier": float(np.mean((said - true) ** 2 + true * (1 - true))),
        "calibration_error": float(np.sqrt(np.sum(n / n.sum() * gap**2))),
    }
    for name, value in truth.items():
        low, high = found[name].low, found[name].high
        inside = (low is None or low <= value) and (high is None or value <= high)
        tally.add(f"coverage, {name.replace('_', ' ')}", "0.95", inside)


def _calibrated(corpora: int, seed: int) -> list[Row]:
    """What is calibrated inside is seldom said to be off; and a score without skill stays so."""
    rows = []
    for effect in (0.0, 0.35, 0.7):
        tally = Tally("calibration", f"calibrated inside, 60 groups of 1 to 3, effect {effect:g}")
        for c in range(corpora):
            rng = np.random.default_rng([seed, 3, int(100 * effect), c])
            index, x = corpus(rng, effect=effect)
            folds = make_folds(index, n_splits=5, repeats=1, seed=int(rng.integers(1 << 30)))
            table = out_of_fold(folds, x)
            p = cross_fit(table)["calibrated"].to_numpy()
            fake = table["label"].to_numpy() == 1
            group = table["group"].rank("dense").to_numpy().astype(np.int64) - 1
            part = Probabilities(group, fake, p, np.ones(len(p)))
            times = group_draws(
                ScoredRows(np.zeros(len(p), dtype=np.int64), group, fake, p),
                resamples=RESAMPLES, rng=rng,
            )  # fmt: skip
            found = measure_calibration([part], times, n_splits=5, groups=30)
            slope, error = found["slope"], found["calibration_error"]
            if slope.value is not None:
                off = (slope.high is not None and slope.high < 1) or (
                    slope.low is not None and slope.low > 1
                )
                tally.add("slope shown to differ from 1", "at most 0.05", off)
            if error.value is not None and error.low is not None:
                tally.add("calibration error shown above 0", "at most 0.05", error.low > 0)
            base = float(fake.mean() * (1 - fake.mean()))
            brier = found["brier"]
            assert brier.value is not None
            tally.add("Brier minus that of the share of fakes", "", brier.value - base)
        rows += tally.rows()
    return rows


def conformal(corpora: int, seed: int) -> list[Row]:
    """Conformal sets of the detector that ships, on new groups: coverage and decisions."""
    rows = []
    for groups, largest in ((60, 1), (60, 3)):
        tallies = {
            rate: Tally("conformal", f"{groups} {_of(largest)}, error rate {rate:g}")
            for rate in (0.05, 0.1, 0.2)
        }
        for c in range(corpora):
            rng = np.random.default_rng([seed, 4, largest, c])
            index, x = corpus(rng, groups=groups, largest=largest)
            folds = make_folds(index, n_splits=5, repeats=2, seed=int(rng.integers(1 << 30)))
            table = out_of_fold(folds, x)
            y = index["label"].to_numpy()
            others, new_x = corpus(rng, groups=400, largest=1)
            new_score = 0.5 + new_x @ fit(x, y)
            fake = others["label"].to_numpy() == 1
            label, group = table["label"].to_numpy(), table["group"].to_numpy()
            score = table["score"].to_numpy()
            p = {
                name: fit_p_values(
                    nonconformity(score[label == k], name), group[label == k]
                )(nonconformity(new_score, name))
                for name, k in (("real", 0), ("fake", 1))
            }  # fmt: skip
            for rate, tally in tallies.items():
                for name, of in (("real", ~fake), ("fake", fake)):
                    kept = p[name][of] > rate
                    tally.add(f"coverage of {name}", f"at least {1 - rate:g}", kept.mean())
                both = (p["real"] > rate) == (p["fake"] > rate)
                tally.add("undecided", "", both.mean())
        for tally in tallies.values():
            rows += tally.rows()
    return rows


def tests(corpora: int, seed: int) -> list[Row]:
    """Size of the tests: how often equal models are called different at 0.05."""
    rows = []
    for largest in (1, 3):
        tally = Tally("tests", f"three equal procedures, 60 {_of(largest)}")
        for c in range(corpora):
            models = equal_models(np.random.default_rng([seed, 5, largest, c]), largest=largest)
            pairs = compare_predictions(models, resamples=200, permutations=99, seed=c)["pairs"]
            for test, words in (
                ("bootstrap", "bootstrap, widened (decides)"),
                ("corrected_t", "corrected resampled t (Nadeau–Bengio)"),
            ):
                tally.add(words, "at most 0.05", pairs[0][f"p_{test}"] < 0.05)
                family = min(pair[f"p_{test}_holm"] for pair in pairs)
                tally.add(f"any of three pairs after Holm, {words}", "at most 0.05", family < 0.05)
        rows += tally.rows()
        tally = Tally("tests", f"two fixed scores of equal worth, 60 {_of(largest)}")
        for c in range(corpora):
            rng = np.random.default_rng([seed, 6, largest, c])
            group = np.repeat(np.arange(60), rng.integers(1, largest + 1, 60))
            fake = group % 2 == 1
            n = len(group)
            latent = fake + 0.7 * rng.normal(size=60)[group] + 0.7 * rng.normal(size=n)
            views = np.stack([
                latent + 0.6 * rng.normal(size=60)[group] + 0.3 * rng.normal(size=n) for _ in "ab"
            ])  # fmt: skip
            cell = np.zeros(n, dtype=np.int64)
            p = clustered_aucs(cell, group, fake, views).compare(0, 1)[2]
            tally.add("Obuchowski", "0.05", p < 0.05)
            p = group_permutation(cell, group, fake, views, permutations=199, rng=rng)[0]
            tally.add("permutation of groups", "at most 0.05", p < 0.05)
            p = delong(fake, views).compare(0, 1)[2]
            tally.add(
                "DeLong", "0.05" if largest == 1 else "above 0.05: groups are ignored", p < 0.05
            )
        rows += tally.rows()
    return rows


def canary(
    corpora: int,
    seed: int,
    models: tuple[str, ...] = ("logistic_regression", "svm", "gradient_boosting"),
) -> list[Row]:
    """Labels permuted by group: at chance in grouped folds for every model, above it row-wise."""
    from fvc.models import get_model, training_weights

    tally = Tally("canary", "60 groups of 1 to 3 with a real effect, labels permuted by group")
    for c in range(corpora):
        rng = np.random.default_rng([seed, 7, c])
        index, x = corpus(rng, effect=0.7)
        group = index["group"].rank("dense").to_numpy() - 1
        y = rng.permutation(np.arange(60) % 2)[group]
        # What a group looks like, told exactly: memory has something to hold on to.
        x = np.hstack([x, rng.normal(size=(60, 5))[group]]).astype(np.float32)
        dealt = {
            "grouped": GroupedStratifiedKFold(5, random_state=[seed, c]).assign(y, group),
            "row-wise": rng.permutation(len(y)) % 5,
        }
        for scheme, fold in dealt.items():
            wanted = "0.5" if scheme == "grouped" else "above 0.5: memory"
            scores = {name: np.empty(len(y)) for name in ("ridge", *models)}
            for k in range(5):
                train, test = fold != k, fold == k
                scores["ridge"][test] = x[test] @ fit(x[train], y[train])
                weight = training_weights(np.flatnonzero(train).astype(np.int32), y[train])
                names = [f"f{i}" for i in range(x.shape[1])]
                for name in models:
                    detector = get_model(name).build().fit(
                        x[train], y[train].astype(np.int8), sample_weight=weight,
                        feature_names=names,
                    )  # fmt: skip
                    scores[name][test] = detector.predict_proba(x[test])[:, 1]
            if models:
                scores["ensemble, mean of the models"] = np.mean(
                    [scores[m] for m in models], axis=0
                )
            for name, score in scores.items():
                aucs = [_auc(y[fold == k], score[fold == k]) for k in range(5)]
                known = [value for value in aucs if np.isfinite(value)]
                tally.add(f"mean AUC, {scheme} folds, {name}", wanted, float(np.mean(known)))
    return tally.rows()


def _auc(y: Any, score: Any) -> float:
    return weighted_auc(y == 1, score, np.ones(len(y)))


EXPERIMENTS: dict[str, Callable[[int, int], list[Row]]] = {
    "auc": auc,
    "calibration": calibration,
    "conformal": conformal,
    "tests": tests,
    "canary": canary,
}


def markdown(rows: list[Row]) -> str:
    """Write rows as a table."""
    lines = ["| corpora | quantity | wanted | found |", "| --- | --- | --- | --- |"]
    for row in rows:
        found = f"{row.found:.3f} ± {row.error:.3f}"
        lines.append(f"| {row.setting} | {row.quantity} | {row.wanted} | {found} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> list[Row]:
    """Run the experiments that are asked for and show their rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(EXPERIMENTS))
    parser.add_argument("--corpora", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--write", type=Path, help="renew the tables in this Markdown page")
    options = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    unknown = [name for name in options.names if name not in EXPERIMENTS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are: {', '.join(EXPERIMENTS)}")
    made: list[Row] = []
    for name in options.names or EXPERIMENTS:
        begun = time.process_time()
        with threadpool_limits(1):
            rows = EXPERIMENTS[name](options.corpora, options.seed)
        made += rows
        seconds = time.process_time() - begun
        said = (
            f"`python -m benchmarks.simulations {name} --corpora {options.corpora} --seed "
            f"{options.seed}`, {seconds:.0f} s of CPU; ± is the Monte-Carlo standard error."
        )
        text = f"{said}\n\n{markdown(rows)}"
        print(text, flush=True)
        if options.write:
            report.write_between_markers(options.write, f"simulations-{name}", text)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in made], indent=2))
    return made


__all__ = ["EXPERIMENTS", "Row", "Tally", "main", "markdown"]

if __name__ == "__main__":
    main()
