"""Finding, checking and loading pretrained weights; never anything else in their place.

A file is looked for in torch's own cache (``$TORCH_HOME/hub/checkpoints``, by default below
``~/.cache/torch``) and, for weights of the Hugging Face hub, in that library's; then it is fetched.
Files are read as safetensors, or by torch with ``weights_only``: neither runs code from them.
"""

import hashlib
import pickle
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from fvc.errors import DataError, MissingInputError, OptionError
from fvc.models.registry import WeightsSpec
from fvc.models.video.classifier import Backbone
from fvc.models.video_spec import LoadedWeights

_HUB = "hf:"
_WRAPPERS = ("model_state", "state_dict", "model")
_SHOWN = 4


def load_weights(
    backbone: Backbone,
    weights: Literal["pretrained", "none"] | Path,
    spec: WeightsSpec | None,
    *,
    name: str,
) -> LoadedWeights:
    """Load weights into a backbone.

    Parameters
    ----------
    backbone
        Changed in place.
    weights
        ``"pretrained"``, ``"none"`` or a file.
    spec
        The published ones; None where there are none, and ``"pretrained"`` then means random.
    name
        What messages call the backbone.

    Returns
    -------
    LoadedWeights
        What they are.

    Raises
    ------
    MissingInputError
        The file is neither there nor to be had.
    DataError
        It is damaged, or does not fit.
    OptionError
        `weights` is a word that means nothing.
    """
    if isinstance(weights, str) and weights not in ("pretrained", "none"):
        raise OptionError(f'weights must be "pretrained", "none" or a file, not {weights!r}')
    if weights == "none" or (weights == "pretrained" and spec is None):
        return LoadedWeights("none")
    if weights == "pretrained":
        assert spec is not None
        path = fetch(spec, name)
        loaded = LoadedWeights("pretrained", spec.source, spec.licence, _sha256(path))
    else:
        path = Path(weights)
        if not path.is_file():
            raise MissingInputError(
                "no file of weights", path=path, remedy='--weights takes "pretrained", "none", FILE'
            )
        loaded = LoadedWeights("file", str(path), sha256=_sha256(path))
    _fill(backbone, read_state(path), path, name)
    return loaded


def cached_path(spec: WeightsSpec) -> Path:
    """Where a file of published weights is looked for first, and may be put by hand."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    if spec.source.startswith(_HUB):
        repository = spec.source.removeprefix(_HUB).replace("/", "--")
        return folder / f"{repository}--{spec.filename}"
    return folder / spec.filename


def address(spec: WeightsSpec) -> str:
    """Return the web address of a file of published weights."""
    if spec.source.startswith(_HUB):
        repository = spec.source.removeprefix(_HUB)
        return f"https://huggingface.co/{repository}/resolve/main/{spec.filename}"
    return spec.source


def fetch(spec: WeightsSpec, name: str) -> Path:
    """Find published weights in the caches, or fetch them.

    Raises
    ------
    MissingInputError
        They cannot be fetched; the message says from where, and where to put the file.
    DataError
        The file is not the published one.
    """
    path = cached_path(spec)
    if not path.is_file():
        try:
            if spec.source.startswith(_HUB):
                path = _from_hub(spec, path)
            else:
                path = _from_web(spec.source, path)
        # No network, no such host, an HTTP status, a time-out, a full disk: all are OSErrors.
        except OSError as error:
            reason = str(error).strip().splitlines()
            raise MissingInputError(
                f"the pretrained weights of {name} are not on this machine and could not be "
                f"fetched ({reason[0] if reason else type(error).__name__})",
                path=cached_path(spec),
                remedy=f"Fetch {address(spec)} and save it under this name, or give another file "
                "with --weights FILE; --weights none starts from random weights",
            ) from error
    if spec.sha256 and not _sha256(path).startswith(spec.sha256):
        raise DataError(
            f"{path} is not the published file: its SHA-256 begins with {_sha256(path)[:8]}, not "
            f"{spec.sha256}. Delete it and fetch {address(spec)} again"
        )
    return path


def _from_web(url: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.hub.download_url_to_file(url, str(path), progress=False)
    return path


def _from_hub(spec: WeightsSpec, path: Path) -> Path:
    from huggingface_hub import hf_hub_url, try_to_load_from_cache

    repository = spec.source.removeprefix(_HUB)
    cached = try_to_load_from_cache(repository, spec.filename)
    if isinstance(cached, str):
        return Path(cached)
    # The hub's own client tries for half a minute to reach a network that is not there.
    return _from_web(hf_hub_url(repository, spec.filename), path)


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a state dict without running code from the file.

    Raises
    ------
    DataError
        The file is damaged, or holds something else.
    """
    try:
        content = _read(path)
    except (
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        RuntimeError,
        EOFError,
        KeyError,
        ValueError,
        AttributeError,
    ) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path} does not load as weights: {first}") from error
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not content:
        raise DataError(f"{path} holds no state dict, but a {type(content).__name__}")
    foreign = [key for key, value in content.items() if not isinstance(value, Tensor)]
    if foreign:
        raise DataError(f"{path}: {foreign[0]!r} is not a tensor")
    return {str(key): value for key, value in content.items()}


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise ValueError(str(error)) from error
    return torch.load(path, map_location="cpu", weights_only=True)


def _fill(backbone: Backbone, state: dict[str, Tensor], path: Path, name: str) -> None:
    own = backbone.state_dict()
    ours = {
        key.removeprefix("backbone."): value
        for key, value in state.items()
        if key.startswith("backbone.")
    }
    given = ours or backbone.renamed(state)
    # Files older than torch's counter of batches lack it; it plays no part with a fixed momentum.
    missing = [k for k in own if k not in given and not k.endswith("num_batches_tracked")]
    extra = [key for key in given if key not in own]
    wrong = [
        f"{key} of shape {tuple(value.shape)}, not {tuple(own[key].shape)}"
        for key, value in given.items()
        if key in own and value.shape != own[key].shape
    ]
    found = {"are missing": missing, "are not known": extra, "do not fit": wrong}
    if any(found.values()):
        problems = "; ".join(
            f"{len(keys)} {what} ({', '.join(keys[:_SHOWN])}{', …' * (len(keys) > _SHOWN)})"
            for what, keys in found.items()
            if keys
        )
        raise DataError(f"{path} does not fit {name}: of its tensors {problems}")
    backbone.load_state_dict({**own, **given})


def _sha256(path: Path) -> str:
    status = path.stat()
    return _hashed(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=32)
def _hashed(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
