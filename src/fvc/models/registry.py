"""The registry: every documented model by name, with what is needed to build and describe it.

An entry is data. `ModelSpec.build` imports the estimator's module when it is called, so that
listing the models imports neither scikit-learn nor, later, torch.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal

from fvc.errors import NotAvailableError, OptionError
from fvc.models.video_spec import EmbeddingSpec, VideoInput, VideoModelSettings

Family = Literal["tabular", "embedding", "video", "ensemble"]
FAMILIES: tuple[Family, ...] = ("tabular", "embedding", "video", "ensemble")

TRAINED_FAMILIES: frozenset[Family] = frozenset(FAMILIES)
"""The families that stage 5 of this version trains; `ModelSpec.available` follows it."""

Grid = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True)
class WeightsSpec:
    """Pretrained weights, as data.

    Parameters
    ----------
    source
        Where they come from: a web address, or ``"hf:OWNER/NAME"`` on the Hugging Face hub.
    licence
        Licence of the weights (not of the code), and what they were trained on.
    filename
        Name of the file: at the end of the address, or in the repository of the hub.
    sha256
        How the file's SHA-256 begins, in hexadecimal; empty where none is published.
    input_size
        Height and width in pixels that they were trained with.
    mean, std
        Normalisation of R, G, B in 0…1.
    frames
        Frames a clip that they were trained with; None for image models.
    fps
        Frame rate in Hz that they were trained with; None where it does not matter.
    """

    source: str
    licence: str
    input_size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    frames: int | None = None
    fps: float | None = None
    filename: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class ModelSpec:
    """One entry of the registry.

    Parameters
    ----------
    name
        The documented name; also the folder below ``data/stage5``.
    family
        ``"tabular"``, ``"embedding"``, ``"video"`` or ``"ensemble"``.
    description
        One sentence on what it is.
    tables
        Numbers of the stages whose tables it reads (2 and 4: features; 3: scaled clips).
    settings
        Parameters that differ from the estimator's own defaults.
    grid
        Alternatives that the inner folds choose from: a tuple of grids, each a mapping from a
        parameter to its values; the union of their products, in the order written. Where two do
        equally well the earlier one wins, so the plainer ones stand first.
    estimator
        ``"module:Class"`` of what fits rows of numbers; None for the family "video", whose modules
        `build_video_model` makes.
    alias_of
        The model that this name is another name of.
    layout
        ``"folds"``: a folder a fold and a ``final`` one; ``"flat"``: the files of the final model
        directly in the model's folder.
    repeats
        How often the folds are drawn anew for this model: 5 for cheap models, 1 for video models.
    video
        The frames that it sees, for the families "video" and "embedding".
    training
        How it is trained, for the family "video".
    embedding
        The tokens that it reads, for the family "embedding".
    weights
        Pretrained weights, where there are any.
    parameters
        Of the whole module in its full-size form, or of the frozen backbone.
    gflops
        10⁹ operations of one clip's forward pass; a multiplication and an addition are two.
    notebook
        Number of its notebook, such as ``"5a"``.
    reference
        The paper or documentation that it follows.
    """

    name: str
    family: Family
    description: str
    tables: tuple[int, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    grid: tuple[Grid, ...] = ()
    estimator: str | None = None
    alias_of: str | None = None
    layout: Literal["folds", "flat"] = "folds"
    repeats: int = 5
    video: VideoInput | None = None
    training: VideoModelSettings | None = None
    embedding: EmbeddingSpec | None = None
    weights: WeightsSpec | None = None
    parameters: int | None = None
    gflops: float | None = None
    notebook: str | None = None
    reference: str = ""

    @property
    def available(self) -> bool:
        """Whether this version can train it."""
        return self.family in TRAINED_FAMILIES

    @property
    def tiny_video(self) -> VideoInput | None:
        """The frames that suit its tiny form: those of `video` at 64 pixels, for speed alone."""
        return None if self.video is None else replace(self.video, size=64)

    def estimator_class(self) -> Any:
        """Import the estimator's class.

        Raises
        ------
        NotAvailableError
            This version does not have the model yet, or it is a video model.
        """
        if self.estimator is None:
            raise NotAvailableError(not_available(self.name))
        module, _, name = self.estimator.partition(":")
        return getattr(import_module(module), name)

    def parameters_of_grid(self) -> dict[str, Any]:
        """Give what a grid may vary with its own value: the estimator's parameters, or `training`.

        Raises
        ------
        NotAvailableError
            This version cannot train the model.
        """
        if not self.available:
            raise NotAvailableError(not_available(self.name))
        if self.training is not None:
            return {each.name: getattr(self.training, each.name) for each in fields(self.training)}
        return dict(self.build().get_params())

    def build(self, **settings: Any) -> Any:
        """Make an unfitted detector with the entry's settings, overridden by `settings`.

        Raises
        ------
        NotAvailableError
            This version does not have the model yet.
        """
        return self.estimator_class()(**{**self.settings, **settings})

    def to_dict(self) -> dict[str, Any]:
        """Describe the entry in plain JSON types."""
        return {
            "name": self.name,
            "family": self.family,
            "available": self.available,
            "alias_of": self.alias_of,
            "description": self.description,
            "tables": list(self.tables),
            "settings": dict(self.settings),
            "grid": [{key: list(values) for key, values in grid.items()} for grid in self.grid],
            "repeats": self.repeats,
            "frames": None if self.video is None else self.video.num_frames,
            "size": None if self.video is None else self.video.size,
            "batch_size": None if self.training is None else self.training.batch_size,
            "accumulation": None if self.training is None else self.training.accumulation,
            "video": None if self.video is None else self.video.to_dict(),
            "training": None if self.training is None else self.training.to_dict(),
            "embedding": None if self.embedding is None else self.embedding.to_dict(),
            "weights": None if self.weights is None else vars(self.weights),
            "parameters": self.parameters,
            "gflops": self.gflops,
            "notebook": self.notebook,
            "reference": self.reference,
        }


def not_available(name: str) -> str:
    """Say that a planned model is still to come."""
    return f"{name}: not available in this version"


class _Registry(Mapping[str, ModelSpec]):
    """A read-only mapping that the catalogue fills when it is first looked at."""

    def __init__(self) -> None:
        self._entries: Mapping[str, ModelSpec] = {}

    def _filled(self) -> Mapping[str, ModelSpec]:
        if not self._entries:
            from fvc.models.catalogue import CATALOGUE

            names = [spec.name for spec in CATALOGUE]
            if len(set(names)) != len(names):
                raise ValueError("a name stands twice in the catalogue")
            self._entries = MappingProxyType({spec.name: spec for spec in CATALOGUE})
        return self._entries

    def __getitem__(self, name: str) -> ModelSpec:
        return self._filled()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._filled())

    def __len__(self) -> int:
        return len(self._filled())

    def __repr__(self) -> str:
        return f"MODEL_CONFIGS({', '.join(self)})"


MODEL_CONFIGS: Mapping[str, ModelSpec] = _Registry()
"""Every documented model by name, those that are still to come included."""


def list_models(
    pattern: str = "*", *, available: bool | None = None, family: Family | None = None
) -> list[str]:
    """List the names of models, in the catalogue's order.

    Parameters
    ----------
    pattern
        Shell-style pattern, such as ``"svm*"``.
    available
        True: only those that this version can train; False: only those to come; None: all.
    family
        Only those of one family.

    Examples
    --------
    >>> list_models("svm*")
    ['svm', 'svm_stage2', 'svm_stage2_stage4']
    """
    return [
        name
        for name, spec in MODEL_CONFIGS.items()
        if fnmatchcase(name, pattern)
        and available in (None, spec.available)
        and family in (None, spec.family)
    ]


def find_model(name: str) -> ModelSpec:
    """Look a name up, planned models included.

    Raises
    ------
    OptionError
        No model has this name; the message proposes one that is spelled alike.
    """
    if name in MODEL_CONFIGS:
        return MODEL_CONFIGS[name]
    close = get_close_matches(name, MODEL_CONFIGS, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise OptionError(
        f"unknown model {name!r}: {hint}`fvc models` lists all {len(MODEL_CONFIGS)} names"
    )


def get_model(name: str) -> ModelSpec:
    """Look up a model that this version can train.

    Raises
    ------
    OptionError
        No model has this name; the message proposes one that is spelled alike.
    NotAvailableError
        The name is documented and the model is not in this version.

    Examples
    --------
    >>> get_model("svm").tables
    (2, 4)
    """
    spec = find_model(name)
    if not spec.available:
        raise NotAvailableError(not_available(name))
    return spec
