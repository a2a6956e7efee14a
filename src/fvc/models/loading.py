"""Loading trained detectors without running code from their files."""

import json
import zipfile
from pathlib import Path
from typing import Any

from fvc.errors import DataError, MissingExtraError, MissingInputError, OptionError

_OWN_TYPES = frozenset({
    "fvc.models.collinearity.CollinearityFilter",
    "fvc.models.imputation.WeightedMedianImputer",
    "fvc.models.svm.CalibratedSVM",
    "fvc.models.tabular.LinearSVMBaseline",
    "fvc.models.tabular.LogisticRegressionBaseline",
    "fvc.models.tabular.SklearnLogisticRegression",
})  # fmt: skip

_SAFE_FIRST = ("model.skops", "model.json", "model.safetensors")

_ENSEMBLE = "ensemble.json"


def load_detector(path: Path | str, trust: bool = False) -> Any:
    """Load a trained detector.

    skops files are read when every type in them is scikit-learn's or this package's own; XGBoost
    models are read from JSON, and with a temporal head from safetensors. A ``.joblib`` file is a
    pickle, which runs whatever code it holds, and is read only on request.

    Parameters
    ----------
    path
        A model's folder (``data/stage5/<model>``), its ``final`` folder, or a file in it.
    trust
        Read ``.joblib`` files too. Only for files that you made.

    Returns
    -------
    TabularDetector
        With ``predict_proba`` and ``feature_names_``.

    Raises
    ------
    MissingInputError
        There is no model.
    OptionError
        There is only a pickle and `trust` is False.
    DataError
        The file is damaged, or holds types that are not known to be harmless.
    """
    file = _find(Path(path))
    if file.suffix == ".skops":
        return _load_skops(file)
    if file.name == _ENSEMBLE:
        from fvc.models.ensemble import Ensemble

        return Ensemble.load(file)
    if file.suffix == ".json":
        return _load_xgboost(file)
    if file.suffix == ".safetensors":
        return _load_safetensors(file)
    if file.suffix != ".joblib":
        raise OptionError(f"{file}: a detector ends in .skops, .json, .safetensors or .joblib")
    if not trust:
        raise OptionError(
            f"{file} is a pickle, which can run any code when it is read. If you made it yourself, "
            "say so with --trust (trust=True)"
        )
    import joblib

    return joblib.load(file)


def read_card(path: Path | str) -> dict[str, Any]:
    """Read the ``card.json`` beside a trained detector.

    Raises
    ------
    MissingInputError
        There is none.
    """
    folder = Path(path)
    folder = folder.parent if folder.is_file() else folder
    for candidate in (folder / "card.json", folder / "final" / "card.json"):
        if candidate.is_file():
            card: dict[str, Any] = json.loads(candidate.read_text(encoding="utf-8"))
            return card
    raise MissingInputError(
        "no card of a detector", path=folder / "card.json", remedy="Run `fvc train` first"
    )


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    for folder in (path, path / "final"):
        for name in (*_SAFE_FIRST, _ENSEMBLE, "model.joblib"):
            if (folder / name).is_file():
                return folder / name
    raise MissingInputError("no trained detector", path=path, remedy="Run `fvc train` first")


def _load_skops(file: Path) -> Any:
    from fvc.models.skops_files import skops_io

    skops = skops_io()
    try:
        unknown = set(skops.get_untrusted_types(file=file))
        foreign = sorted(unknown - _OWN_TYPES)
        if foreign:
            raise DataError(f"{file} holds types that are not known to be harmless: {foreign}")
        return skops.load(file, trusted=sorted(unknown))
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError, EOFError) as error:
        raise DataError(f"{file} is damaged: {error}") from error


def _load_xgboost(file: Path) -> Any:
    import xgboost

    from fvc.models.embedding import PooledTokensXGBoost
    from fvc.models.tabular import GradientBoosting

    try:
        booster = xgboost.Booster()
        booster.load_model(file)
        pooled = booster.attr("fvc_class") == PooledTokensXGBoost.__name__
        return (PooledTokensXGBoost if pooled else GradientBoosting).load_native(file)
    except (xgboost.core.XGBoostError, json.JSONDecodeError) as error:
        first = str(error).strip().splitlines()[0]
        raise DataError(f"{file} is not an XGBoost model: {first}") from error


def _load_safetensors(file: Path) -> Any:
    from fvc.models.temporal_embedding import GruTokensXGBoost, TransformerTokensXGBoost

    try:
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(file), "deep") from error
    classes = {each.__name__: each for each in (GruTokensXGBoost, TransformerTokensXGBoost)}
    try:
        with safe_open(file, framework="numpy") as content:
            described = json.loads((content.metadata() or {})["fvc"])
        return classes[described["class"]].load_native(file)
    except (SafetensorError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{file} is not a detector with a temporal head: {error}") from error
