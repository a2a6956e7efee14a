"""What a model reads, by its family; kept while models that read the same follow each other."""

import importlib
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any

from fvc.errors import MissingExtraError
from fvc.models import ModelSpec
from fvc.models.registry import FAMILIES
from fvc.training.clips import Clips, Sources
from fvc.training.parts import read_clips
from fvc.training.request import Request


def training_order(specs: Iterable[ModelSpec]) -> list[ModelSpec]:
    """Put the models that are available in order: what reads the same follows each other.

    An alias comes after the model that it names, of which it is a copy, and an ensemble after all
    of its members.
    """
    known = [spec for spec in specs if spec.available]
    return sorted(
        known,
        key=lambda spec: (FAMILIES.index(spec.family), spec.tables, spec.alias_of is not None),
    )


class ClipReader:
    """Reads the clips of one model after the other.

    Parameters
    ----------
    request
        What the run was asked for.
    sources
        The sources of the split, with all repeats.
    specs
        The models asked for, of which an ensemble is made.
    """

    def __init__(self, request: Request, sources: Sources, specs: Sequence[ModelSpec] = ()) -> None:
        self._request, self._sources, self._specs = request, sources, specs
        self._key: Any = None
        self._clips: Clips | None = None

    def __call__(self, spec: ModelSpec) -> Clips:
        """Read what a model is fitted to.

        Raises
        ------
        MissingInputError
            An earlier stage has not run, or weights are missing.
        NothingLeftError
            There is no clip.
        MissingExtraError
            torch is not installed, and the model needs it.
        """
        backbone = None if spec.embedding is None else spec.embedding.backbone
        key = (spec.family, spec.tables, spec.video, backbone)
        if self._clips is None or key != self._key:
            self._clips = None
            self._clips, self._key = self._read(spec), key
        return self._clips

    def _read(self, spec: ModelSpec) -> Clips:
        request = self._request
        if spec.family in ("video", "embedding"):
            if not all(find_spec(name) for name in ("torch", "lightning")):
                raise MissingExtraError(spec.name, "deep")
            # OpenCV, and for embeddings torch, are loaded for those who need them alone.
            readers = importlib.import_module("fvc.training.video.reading")
            clips: Clips = readers.read_for(spec, request, self._sources)
            return clips
        if spec.family == "ensemble":
            members = importlib.import_module("fvc.training.ensemble_members")
            reader = ClipReader(request, self._sources)
            joined: Clips = members.read_ensemble(request, self._sources, self._specs, reader)
            return joined
        return read_clips(request.workspace, spec.tables, self._sources)
