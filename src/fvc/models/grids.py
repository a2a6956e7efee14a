"""Grids and ranges: what the inner folds choose from."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, get_args, get_type_hints

from fvc.errors import MissingExtraError, MissingInputError, OptionError
from fvc.models.registry import Grid, ModelSpec, find_model
from fvc.models.spaces import DEFAULT_TRIALS, TRIALS, Range, Space, number, read_range, read_trials


def expand_grid(grids: Sequence[Grid | Space]) -> list[dict[str, Any]]:
    """List the candidates of a tuple of grids: the union of their products, in order, no doubles.

    A space stands as it is: what is tried of it is decided as the tries go.

    Examples
    --------
    >>> expand_grid([{"C": (0.1, 1.0), "kernel": ("linear",)}])
    [{'C': 0.1, 'kernel': 'linear'}, {'C': 1.0, 'kernel': 'linear'}]
    >>> expand_grid([])
    [{}]
    """
    candidates: list[dict[str, Any]] = []
    for grid in grids or ({},):
        if isinstance(grid, Space):
            candidates.append(grid.to_dict())
            continue
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

    Raises
    ------
    MissingExtraError
        The file has ranges, and Optuna, which searches them, is not installed.
    """
    if grid == "none":
        return [{}]
    if grid == "default":
        return expand_grid(spec.grid)
    wanted = load_grid(grid).get(spec.name, spec.grid)
    if any(isinstance(each, Space) for each in wanted) and find_spec("optuna") is None:
        raise MissingExtraError(f"{grid}: a range of {spec.name}", "search")
    return expand_grid(wanted)


def load_grid(path: Path | str) -> dict[str, tuple[Grid | Space, ...]]:
    """Read grids, and ranges to search, from a YAML or JSON file.

    The file maps models to grids, and a grid maps parameters to lists of values; a list of grids
    is their union::

        logistic_regression:
          C: [0.1, 1, 10]
        svm:
          - {kernel: [linear], C: [0.01, 0.1]}
          - {kernel: [rbf], C: [1], gamma: [scale, 0.1]}

    A parameter with ``low`` and ``high`` (and ``log``, where it is drawn evenly in the logarithm)
    is a range. A mapping with a range is no grid but a space, which Optuna searches: so many
    settings are tried as ``trials`` says, 20 by default::

        x3d: {trials: 12, head_lr: {low: 1e-5, high: 1e-2, log: true}, dropout: [0.2, 0.5]}

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
    loaded: dict[str, tuple[Grid | Space, ...]] = {}
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


def _grid(spec: ModelSpec, grid: Any, path: Path) -> Grid | Space:
    if not isinstance(grid, Mapping) or not grid:
        raise OptionError(f"{path}: the grid of {spec.name} maps parameters to lists of values")
    known = spec.parameters_of_grid()
    checked: dict[str, Range | tuple[Any, ...]] = {}
    for key, values in grid.items():
        if key == TRIALS:
            continue
        if key not in known:
            lower = {name.lower(): name for name in known}
            close = get_close_matches(str(key).lower(), lower, n=1)
            hint = f"did you mean {lower[close[0]]!r}? " if close else ""
            raise OptionError(
                f"{path}: {spec.name} has no parameter {key!r}: {hint}"
                f"It has {', '.join(sorted(known))}"
            )
        where = f"{path}: {spec.name}.{key}"
        if isinstance(values, Mapping):
            checked[str(key)] = read_range(values, known[key], where)
            continue
        if not isinstance(values, list) or not values:
            raise OptionError(
                f"{where} is a list with at least one value, or a range with low and high"
            )
        checked[str(key)] = tuple(_value(spec, str(key), known[key], v, where) for v in values)
    lists = {key: values for key, values in checked.items() if not isinstance(values, Range)}
    if len(lists) == len(checked):
        if TRIALS in grid:
            raise OptionError(f"{path}: {spec.name} has trials, but no range to search")
        return lists
    if spec.family == "ensemble":
        raise OptionError(f"{path}: {spec.name} takes lists of values, and no ranges")
    return Space(checked, read_trials(grid.get(TRIALS, DEFAULT_TRIALS), f"{path}: {spec.name}"))


def _value(spec: ModelSpec, key: str, default: Any, value: Any, where: str) -> Any:
    """Check a value of a list: one of few words, or of the type that a net is trained with."""
    value = number(value)
    if spec.training is None:
        words = get_args(get_type_hints(spec.estimator_class().__init__).get(key))
        if isinstance(default, str) and default in words and value not in words:
            raise OptionError(f"{where} is one of {', '.join(map(repr, words))}, not {value!r}")
        return value
    wanted: type | tuple[type, ...] = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(default, bool):
        raise OptionError(f"{where} takes values like {default!r}, not {value!r}")
    return value
