"""Grids: what the inner folds choose from."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import product
from pathlib import Path
from typing import Any

from fvc.errors import MissingInputError, OptionError
from fvc.models.registry import Grid, ModelSpec, find_model


def expand_grid(grids: Sequence[Grid]) -> list[dict[str, Any]]:
    """List the candidates of a tuple of grids: the union of their products, in order, no doubles.

    Examples
    --------
    >>> expand_grid([{"C": (0.1, 1.0), "kernel": ("linear",)}])
    [{'C': 0.1, 'kernel': 'linear'}, {'C': 1.0, 'kernel': 'linear'}]
    >>> expand_grid([])
    [{}]
    """
    candidates: list[dict[str, Any]] = []
    for grid in grids or ({},):
        for values in product(*grid.values()):
            candidate = dict(zip(grid, values, strict=True))
            if candidate not in candidates:
                candidates.append(candidate)
    return candidates


def candidates_of(spec: ModelSpec, grid: str) -> list[dict[str, Any]]:
    """List a model's candidates under the option ``--grid``.

    Parameters
    ----------
    spec
        A model that is available.
    grid
        ``"none"`` (the entry's settings alone), ``"default"`` (the entry's grid) or a path for
        `load_grid`; a model that the file does not name keeps its default grid.
    """
    if grid == "none":
        return [{}]
    if grid == "default":
        return expand_grid(spec.grid)
    loaded = load_grid(grid)
    return expand_grid(loaded.get(spec.name, spec.grid))


def load_grid(path: Path | str) -> dict[str, tuple[Grid, ...]]:
    """Read grids from a YAML or JSON file.

    The file maps models to grids, and a grid maps parameters to lists of values; a list of grids
    is their union::

        logistic_regression:
          C: [0.1, 1, 10]
        svm:
          - {kernel: [linear], C: [0.01, 0.1]}
          - {kernel: [rbf], C: [1], gamma: [scale, 0.1]}

    Raises
    ------
    MissingInputError
        There is no such file.
    OptionError
        It is not of this shape, or names a model or parameter that does not exist.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingInputError(
            "no grid file", path=path, remedy='--grid takes "none", "default" or a file'
        )
    document = _parse(path)
    if not isinstance(document, Mapping):
        raise OptionError(f"{path}: a mapping from model to grid is expected")
    loaded: dict[str, tuple[Grid, ...]] = {}
    for name, grids in document.items():
        spec = find_model(str(name))
        several = grids if isinstance(grids, list) else [grids]
        if not several:
            raise OptionError(f"{path}: the grid of {spec.name} is empty")
        loaded[spec.name] = tuple(_grid(spec, grid, path) for grid in several)
    return loaded


def _parse(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise OptionError(f"{path} is not JSON: {error}") from error
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise OptionError(f"{path} is not YAML: {error}") from error


def _grid(spec: ModelSpec, grid: Any, path: Path) -> Grid:
    if not isinstance(grid, Mapping) or not grid:
        raise OptionError(f"{path}: the grid of {spec.name} maps parameters to lists of values")
    known = spec.parameter_names()
    checked: dict[str, tuple[Any, ...]] = {}
    for key, values in grid.items():
        if key not in known:
            lower = {name.lower(): name for name in known}
            close = get_close_matches(str(key).lower(), lower, n=1)
            hint = f"did you mean {lower[close[0]]!r}? " if close else ""
            raise OptionError(
                f"{path}: {spec.name} has no parameter {key!r}: {hint}It has {', '.join(known)}"
            )
        if not isinstance(values, list) or not values:
            raise OptionError(f"{path}: {spec.name}.{key} is a list with at least one value")
        checked[str(key)] = tuple(values)
    return checked
