"""Detectors that look at frames, and ensembles with them: from a measured file to a score.

Weights are read from safetensors alone, into modules that this package builds.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvc.errors import DataError, MissingInputError, StaleError
from fvc.inference.measuring import Measured, Recipe
from fvc.models.linear import LinearForm
from fvc.models.loading import load_detector
from fvc.models.video_spec import VideoInput
from fvc.training.video.frames import FrameSetting, frame_settings

TABULAR = "tabular"


def family_of(document: Mapping[str, Any]) -> str:
    """Give a card's family; cards of earlier versions are of tabular detectors."""
    return str(document.get("family", TABULAR))


def form_of(document: Mapping[str, Any]) -> VideoInput:
    """Read what a net is given from its card."""
    stored = dict(document["video"])
    for name in ("mean", "std"):
        stored[name] = tuple(stored[name])
    return VideoInput(**stored)


def frame_settings_of(document: Mapping[str, Any]) -> dict[str, FrameSetting]:
    """Say which frames, and which flow, a net looks at."""
    return frame_settings(form_of(document))


def final_folder(folder: Path) -> Path:
    """Give the folder in which a detector's card lies."""
    return folder if (folder / "card.json").is_file() else folder / "final"


def member_folders(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Find the folders of an ensemble's members, beside that of the ensemble.

    Raises
    ------
    MissingInputError
        One is not there.
    StaleError
        One was trained anew since the ensemble was.
    """
    found = []
    for member in document["members"]:
        place = (final_folder(folder) / member["folder"]).resolve()
        if not (place / "card.json").is_file():
            raise MissingInputError(
                f"{member['model']}, of which the ensemble is made, is not there",
                path=place,
                remedy=f"Run `fvc train --ensemble --model-types {member['model']} …`",
            )
        # Beside a detector that was handed on alone there are no results.
        results = place.parent / "metrics.json"
        if results.is_file() and _fingerprint(results) != member["fingerprint"]:
            raise StaleError(
                f"{member['model']} was trained anew since the ensemble was",
                path=results,
                remedy="Run `fvc train --model-types ensemble` again",
            )
        found.append(place)
    return found


def _fingerprint(results: Path) -> Any:
    return json.loads(results.read_text(encoding="utf-8")).get("fingerprint")


def read_member(folder: Path) -> dict[str, Any]:
    """Read the card of a member."""
    document: dict[str, Any] = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    return document


def join_recipes(recipes: Sequence[Recipe]) -> Recipe:
    """Measure what all members of an ensemble read; they were trained on the same clips."""
    first = recipes[0]
    tables = {table for recipe in recipes for table in recipe.tables}
    frames = dict.fromkeys(setting for recipe in recipes for setting in recipe.frames)
    of_features = next((r for r in recipes if 2 in r.tables), first)
    scaled = next((r for r in recipes if {3, 4} & set(r.tables)), first)
    of_scaled = next((r for r in recipes if 4 in r.tables), first)
    return replace(
        first,
        tables=tuple(sorted(tables)),
        num_frames=of_features.num_frames,
        target_size=scaled.target_size,
        scaled_num_frames=of_scaled.scaled_num_frames,
        extended=of_features.extended,
        frames=tuple(frames),
    )


class FileDetector:
    """Judges measured files; a member of an ensemble is one, too.

    Parameters
    ----------
    folder
        Where the detector lies.
    document
        Its card.
    trust
        Whether a pickle may be read, of a tabular member.
    """

    def __init__(self, folder: Path, document: Mapping[str, Any], *, trust: bool = False) -> None:
        self.folder, self.document = final_folder(folder), document
        self.trust = trust

    def score(self, measured: Measured) -> float:
        """Give the probability of being fake."""
        raise NotImplementedError

    def predict_proba(self, measured: Sequence[Measured]) -> NDArray[np.float64]:
        """Probabilities of real and fake, shape (n, 2)."""
        fake = np.array([self.score(one) for one in measured], dtype=np.float64)
        return np.column_stack([1 - fake, fake])


class _Tabular(FileDetector):
    def __init__(self, folder: Path, document: Mapping[str, Any], *, trust: bool = False) -> None:
        super().__init__(folder, document, trust=trust)
        self.names = [str(name) for name in document["feature_names"]]
        line = document.get("linear")
        self.detector: Any = (
            LinearForm.from_dict(line, tuple(self.names))
            if line is not None
            else load_detector(self.folder, trust=trust)
        )

    def score(self, measured: Measured) -> float:
        row = np.array([[measured.features[name] for name in self.names]], dtype=np.float32)
        return float(self.detector.predict_proba(row)[0, 1])


class _Net(FileDetector):
    def __init__(self, folder: Path, document: Mapping[str, Any], *, trust: bool = False) -> None:
        from fvc.training.video.saved import open_net

        super().__init__(folder, document, trust=trust)
        self.settings = frame_settings_of(document)
        self.detector = open_net(
            self.folder / "model.safetensors",
            str(document["model"]),
            form_of(document),
            tiny=bool(document["net"]["tiny"]),
        )

    def score(self, measured: Measured) -> float:
        streams = {name: measured.frames[s.name] for name, s in self.settings.items()}
        return self.detector.score(streams)


class _Embedding(FileDetector):
    def __init__(self, folder: Path, document: Mapping[str, Any], *, trust: bool = False) -> None:
        from fvc.models import get_model
        from fvc.training.trained import options_of
        from fvc.training.video.embedding import open_backbone

        super().__init__(folder, document, trust=trust)
        made = document["embedding"]
        (self.setting,) = frame_settings_of(document).values()
        options = options_of(get_model(str(document["model"])), document)
        self.backbone = open_backbone(made["backbone"], form_of(document), options)
        if self.backbone.digest != made["weights_hash"]:
            raise DataError(
                f"the weights of {made['backbone']} are not those that {document['model']} was "
                f"trained with ({made['weights_hash'][:8]}…)"
            )
        self.detector = load_detector(self.folder, trust=trust)

    def score(self, measured: Measured) -> float:
        tokens = self.backbone.tokens(measured.frames[self.setting.name])
        return float(self.detector.predict_proba(tokens.reshape(1, -1))[0, 1])


class _Ensemble(FileDetector):
    def __init__(self, folder: Path, document: Mapping[str, Any], *, trust: bool = False) -> None:
        super().__init__(folder, document, trust=trust)
        self.ensemble = load_detector(self.folder / "ensemble.json")
        self.members = [
            open_detector(member, read_member(member), trust=trust)
            for member in member_folders(document, folder)
        ]

    def score(self, measured: Measured) -> float:
        row = np.array([[member.score(measured) for member in self.members]])
        return float(self.ensemble.predict_proba(row)[0, 1])


_DETECTORS: dict[str, type[FileDetector]] = {
    TABULAR: _Tabular,
    "video": _Net,
    "embedding": _Embedding,
    "ensemble": _Ensemble,
}


def open_detector(
    folder: Path, document: Mapping[str, Any], *, trust: bool = False
) -> FileDetector:
    """Open a detector of any family by its card.

    Parameters
    ----------
    folder
        Where it lies.
    document
        Its card.
    trust
        Whether a pickle may be read.

    Raises
    ------
    MissingInputError
        Weights, or a member of an ensemble, are not there.
    DataError
        Its files are damaged, or do not fit its card.
    MissingExtraError
        torch is not installed.
    """
    return _DETECTORS[family_of(document)](folder, document, trust=trust)


@dataclass(frozen=True)
class Needs:
    """What a detector that is not tabular reads of a file.

    Attributes
    ----------
    tables
        Numbers of feature tables, and 3 for frames of the scaled clip.
    frames
        Which frames and which flow.
    """

    tables: tuple[int, ...]
    frames: tuple[FrameSetting, ...]


def needs_of(document: Mapping[str, Any]) -> Needs:
    """Say what a net or an embedding model reads."""
    return Needs((3,), tuple(frame_settings_of(document).values()))


__all__ = [
    "TABULAR",
    "FileDetector",
    "Needs",
    "family_of",
    "join_recipes",
    "member_folders",
    "needs_of",
    "open_detector",
    "read_member",
]
