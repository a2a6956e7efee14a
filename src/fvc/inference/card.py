"""A detector's card, read and checked: it may come from anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvc.errors import DataError, NotAvailableError, StaleError
from fvc.evaluation.calibrators import Calibrator, calibrator_from_dict
from fvc.evaluation.conformal import CLASSES, PValues
from fvc.evaluation.familiarity import Familiarity
from fvc.features.names import EXTENDED_FEATURE_NAMES, SCALED_FEATURE_NAMES
from fvc.inference.measuring import Recipe
from fvc.inference.nets import (
    TABULAR,
    family_of,
    join_recipes,
    member_folders,
    needs_of,
    read_member,
)
from fvc.inference.words import SCALED_PREFIX
from fvc.models.linear import LinearForm
from fvc.transcoding.matching import Matching

_LEAST_VERSION = 2
_EXPECTED = (
    *("roc_auc", "roc_auc_low", "roc_auc_high", "balanced_accuracy", "f1", "brier"),
    *("n_sources", "n_scored", "n_real", "n_fake", "n_groups", "n_splits", "repeats", "unit"),
)


@dataclass(frozen=True)
class Ranges:
    """Where a feature's values lie among the sources of one class.

    Attributes
    ----------
    n
        Sources with a value.
    levels, values
        Quantiles, both ascending, shape (q,).
    """

    n: int
    levels: NDArray[np.float64]
    values: NDArray[np.float64]

    def share_below(self, value: float) -> float | None:
        """Share of the sources that lie below a value, ties counted half; None without any."""
        if not self.n or np.isnan(value):
            return None
        first = int(np.searchsorted(self.values, value, side="left"))
        last = int(np.searchsorted(self.values, value, side="right"))
        if first < last:
            return float((self.levels[first] + self.levels[last - 1]) / 2)
        return float(np.interp(value, self.values, self.levels, left=0.0, right=1.0))


@dataclass(frozen=True)
class Card:
    """What `fvc predict` needs of a detector's card.

    Attributes
    ----------
    document
        All of it.
    model
        Name of the model.
    feature_names
        Columns of the detector, in order.
    recipe
        How its features were made.
    assumed
        What the card does not say and defaults were taken for.
    calibrator
        What the card says of it; ``method`` is None where there are too few sources, with
        ``reason``.
    fitted
        The calibrator; None where there is none.
    decisions
        P-values of each class.
    out_of_fold
        What decisions came to out of fold, one row an error rate.
    ranges
        By feature and class.
    familiarity
        Distance from the training sources; None for a detector without named features.
    linear
        The detector as plain numbers; None where it is not linear.
    """

    document: Mapping[str, Any]
    model: str
    feature_names: tuple[str, ...]
    recipe: Recipe
    assumed: tuple[str, ...]
    calibrator: Mapping[str, Any]
    fitted: Calibrator | None
    decisions: Mapping[str, PValues]
    out_of_fold: tuple[Mapping[str, Any], ...]
    ranges: Mapping[str, Mapping[str, Ranges]]
    familiarity: Familiarity | None
    linear: LinearForm | None = None

    @property
    def prevalence(self) -> float:
        """Share of fakes among the sources that the calibrator was fitted on."""
        n_real, n_fake = self.calibrator["n_real"], self.calibrator["n_fake"]
        return float(n_fake / (n_real + n_fake))

    def expected(self) -> dict[str, Any]:
        """Give what to expect of the detector on new groups: the outer estimate, in short."""
        performance = self.document["expected_performance"]
        split = self.document.get("split") or {}
        return {
            "what": performance.get("what"),
            **{key: performance.get(key) for key in _EXPECTED},
            "split": split.get("kind"),
            "split_hash": self.document.get("split_hash"),
            "simulated": bool(self.document.get("simulated")),
        }


def parse_card(document: Mapping[str, Any], folder: Path) -> Card:
    """Check a card and take out what predicting needs.

    Raises
    ------
    StaleError
        It was written by an earlier version, or its clips by another encoder.
    NotAvailableError
        The detector reads something that cannot be made from a single file here.
    DataError
        It is not a card.
    """
    if int(document.get("card_version", 0)) < _LEAST_VERSION:
        raise StaleError(
            "the detector's card was written by an earlier version",
            path=folder / "card.json",
            remedy="Run `fvc train` again",
        )
    try:
        names = tuple(str(name) for name in document["feature_names"])
        recipe, assumed = _reading(document, names, folder)
        looks = document["familiarity"]
        blocks = document["decisions"]["classes"]
        calibrator = dict(document["calibrator"])
        line = document.get("linear")
        for key in ("n_real", "n_fake"):
            calibrator[key] = float(calibrator[key])
        fitted = calibrator_from_dict(calibrator) if calibrator["method"] else None
        if calibrator["n_real"] + calibrator["n_fake"] <= 0:
            raise ValueError("the calibrator has no sources")
        document["expected_performance"]["roc_auc"]
        return Card(
            document=document,
            model=str(document["model"]),
            feature_names=names,
            recipe=recipe,
            assumed=assumed,
            calibrator=calibrator,
            fitted=fitted,
            decisions={name: PValues.from_dict(blocks[name]) for name in CLASSES},
            out_of_fold=tuple(document["decisions"]["out_of_fold"]),
            ranges={name: _ranges(document["features"][name]) for name in names},
            familiarity=None if looks is None else Familiarity.from_dict(looks, names),
            linear=None if line is None else LinearForm.from_dict(line, names),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{folder / 'card.json'} is not a detector's card: {error!r}") from error


def _reading(
    document: Mapping[str, Any], names: tuple[str, ...], folder: Path
) -> tuple[Recipe, tuple[str, ...]]:
    """Say what is measured of a file for a detector of any family."""
    family = family_of(document)
    if family == "ensemble":
        members = [read_member(place) for place in member_folders(document, folder)]
        read = [
            _reading(member, tuple(map(str, member["feature_names"])), folder) for member in members
        ]
        recipe = join_recipes([one for one, _ in read])
        return recipe, tuple(dict.fromkeys(verb for _, verbs in read for verb in verbs))
    if family != TABULAR:
        needs = needs_of(document)
        recipe, assumed = recipe_of(document["input"], needs.tables, folder)
        return replace(recipe, frames=needs.frames), assumed
    tables = tuple(int(number) for number in document["tables"])
    _check_features(str(document["model"]), names, tables)
    return recipe_of(document["input"], tables, folder)


def _check_features(model: str, names: tuple[str, ...], tables: tuple[int, ...]) -> None:
    known = {*EXTENDED_FEATURE_NAMES, *(f"{SCALED_PREFIX}{name}" for name in SCALED_FEATURE_NAMES)}
    if not set(tables) <= {2, 4} or not names:
        raise NotAvailableError(
            f"{model} reads tables {list(tables)}; only detectors on features of stages 2 and 4 "
            "can judge a file in this version"
        )
    foreign = [name for name in names if name not in known]
    if foreign:
        raise NotAvailableError(
            f"{model} was trained on features that this version does not compute: "
            f"{', '.join(foreign[:5])}{' …' if len(foreign) > 5 else ''}"
        )


def recipe_of(
    inputs: Mapping[str, Any], tables: tuple[int, ...], folder: Path
) -> tuple[Recipe, tuple[str, ...]]:
    """Say how features were made, and for which stages defaults had to be taken.

    Parameters
    ----------
    inputs
        Settings by verb, as `fvc.training.inputs.input_settings` collects them.
    tables
        Numbers of the feature tables.
    folder
        Where the card lies, for messages.

    Raises
    ------
    StaleError
        The clips were written by another encoder.
    NotAvailableError
        They were scaled by a method that is not here.
    """
    from fvc.video import ENCODER_SETTINGS

    there = {"augment": True, "features": 2 in tables, "scale": bool({3, 4} & set(tables)),
             "scaled-features": 4 in tables}  # fmt: skip
    wanted = tuple(verb for verb, reads in there.items() if reads)
    given = {verb: dict(inputs.get(verb) or {}) for verb in wanted}
    for verb in ("augment", "scale"):
        encoder = given.get(verb, {}).get("encoder")
        if encoder is not None and dict(encoder) != dict(ENCODER_SETTINGS):
            raise StaleError(
                "the detector was trained on clips written with other encoder settings",
                path=folder / "card.json",
                remedy="Run `fvc run` again",
            )
    values = {
        "copy_frames": given["augment"].get("num_frames"),
        "num_frames": given.get("features", {}).get("num_frames"),
        "target_size": given.get("scale", {}).get("target_size"),
        "scaled_num_frames": given.get("scaled-features", {}).get("num_frames"),
    }
    found: dict[str, Any] = {k: int(value) for k, value in values.items() if value is not None}
    method = given.get("scale", {}).get("method", "resolution")
    if method != "resolution":
        raise NotAvailableError(f"scaling by {method!r} is not available in this version")
    match = inputs.get("match")
    matching = None if match is None else Matching.from_dict(match["matching"])
    extended = given.get("features", {}).get("feature_set") == "extended"
    recipe = Recipe(tables=tables, extended=extended, matching=matching, **found)
    return recipe, tuple(verb for verb in wanted if not given[verb])


def _ranges(block: Mapping[str, Any]) -> dict[str, Ranges]:
    out = {}
    for name in CLASSES:
        n, quantiles = int(block[name]["n"]), block[name]["quantiles"]
        levels = sorted(quantiles, key=float)
        values = [quantiles[level] for level in levels] if n else []
        numbers = np.array(values, dtype=np.float64)
        if (np.diff(numbers) < 0).any() or not np.isfinite(numbers).all():
            raise ValueError("quantiles must ascend")
        out[name] = Ranges(n, np.array(levels if n else [], dtype=np.float64), numbers)
    return out
