"""How MLflow loads a detector that judges files: ``loader_module`` of nets and embedding models."""

from importlib import import_module
from pathlib import Path
from typing import Any

from fvc.inference.asking import Asked, as_text
from fvc.inference.finding import load
from fvc.inference.judging import Terms
from fvc.inference.predictor import Predictor


class ServedPredictor:
    """A detector that takes a data frame of paths.

    Parameters
    ----------
    folder
        With weights or trees, and ``card.json``; no pickle is read.
    """

    def __init__(self, folder: Path) -> None:
        self.predictor: Predictor = load(folder)

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Judge files, in processes of their own.

        Parameters
        ----------
        data : pandas.DataFrame
            A row a video, its file in the column ``path``, as the machine that judges sees it.
        params
            Not used; MLflow hands it in.

        Returns
        -------
        pandas.DataFrame
            ``score``, the detector's own, and ``probability``, calibrated, of fake, in 0…1;
            ``decision``; and ``error``, why a file could not be judged, whose numbers are missing.
        """
        pandas = import_module("pandas")
        # A row is a file: what looks like a pattern or a table is one, too.
        asked = [Asked(as_text(str(path)), str(path)) for path in data["path"]]
        answers = dict(self.predictor.stream(asked, Terms()))
        found = [answers[number] for number in range(len(asked))]
        names = ("score", "probability", "decision", "error")
        return pandas.DataFrame(
            {name: [getattr(one, name) for one in found] for name in names}, index=data.index
        )


def _load_pyfunc(path: str) -> ServedPredictor:
    return ServedPredictor(Path(path))
