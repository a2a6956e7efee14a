"""How MLflow loads a detector of this project: ``loader_module`` of its models."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvc.evaluation.calibrators import calibrator_from_dict
from fvc.models.loading import load_detector, read_card


class ServedDetector:
    """A detector that takes a data frame of features.

    Parameters
    ----------
    folder
        With ``model.skops`` or ``model.json``, and ``card.json``; no pickle is read.
    """

    def __init__(self, folder: Path) -> None:
        self.detector = load_detector(folder)
        calibrator = read_card(folder)["calibrator"]
        self.calibrator = calibrator_from_dict(calibrator) if calibrator.get("method") else None

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Score clips.

        Parameters
        ----------
        data : pandas.DataFrame
            A row a clip, a column a feature; a column or value that is missing is taken as one
            that could not be measured.
        params
            Not used; MLflow hands it in.

        Returns
        -------
        pandas.DataFrame
            ``score``, the detector's own, and ``probability``, calibrated; of fake, in 0…1. They
            are equal where there is no calibrator.
        """
        pandas = import_module("pandas")
        names = self.detector.feature_names_
        X = data.reindex(columns=names).to_numpy(dtype=np.float32)
        score: NDArray[np.float64] = self.detector.predict_proba(X)[:, 1]
        probability = score if self.calibrator is None else self.calibrator.predict(score)
        return pandas.DataFrame({"score": score, "probability": probability}, index=data.index)


def _load_pyfunc(path: str) -> ServedDetector:
    return ServedDetector(Path(path))
