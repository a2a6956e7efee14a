"""What is in a JSON document or an array: its outline, and what of the project it is."""

import json
import math
from pathlib import Path
from typing import Any

from fvc.errors import DataError
from fvc.reporting.preview.tables import plain

LARGEST_DOCUMENT_MIB = 64
_DEPTH = 3
_MOST_LINES = 200

# What a document is, by keys that it alone has; and the verb that draws it, where one does.
_DOCUMENTS = (
    ({"models", "baselines", "split"}, "leaderboard", "fvc leaderboard"),
    ({"card_version", "feature_names"}, "card of a detector", "fvc predict"),
    ({"fold_results", "aggregate"}, "metrics of a model", "fvc dashboard"),
    ({"rows", "verdict", "permuted_aucs"}, "audit", "fvc audit"),
    ({"pairs", "new_sets"}, "comparison of models", "fvc compare"),
    ({"matching", "matched_from"}, "how a matched project was made", None),
)


def describe_document(path: str, *, rows: int) -> dict[str, Any]:
    """Outline a JSON document.

    Parameters
    ----------
    path
        The file.
    rows
        Most members of a list to give.

    Returns
    -------
    dict
        ``what`` it is, the verb ``drawn_by`` or None, and ``outline``: a row a key with ``depth``,
        ``key``, ``type`` and ``value``; ``cut`` says that there is more.

    Raises
    ------
    DataError
        The file is too large, or holds no JSON.
    """
    size = Path(path).stat().st_size / 2**20
    if size > LARGEST_DOCUMENT_MIB:
        raise DataError(
            f"{path}: {size:.0f} MiB of JSON are more than the {LARGEST_DOCUMENT_MIB} that are "
            "read at once; `fvc query --also name=FILE` reads it as a table"
        )
    try:
        document = json.loads(Path(path).read_bytes())
    except RecursionError as error:
        raise DataError(f"{path}: is nested too deeply to be a document of this project") from error
    except ValueError as error:
        raise DataError(f"{path}: is not JSON: {error}") from error
    what, drawn_by = _named(document)
    outline: list[dict[str, Any]] = []
    _outline(document, "", 0, rows, outline)
    cut = len(outline) > _MOST_LINES
    return {"what": what, "drawn_by": drawn_by, "outline": outline[:_MOST_LINES], "cut": cut}


def _named(document: Any) -> tuple[str, str | None]:
    if isinstance(document, list):
        if (
            document
            and isinstance(document[0], dict)
            and {"source", "video_path"} <= {*document[0]}
        ):
            return "index of the corpus", None
        return "list", None
    if isinstance(document, dict):
        for keys, what, verb in _DOCUMENTS:
            if keys <= document.keys():
                return what, verb
    return "JSON document", None


def _outline(value: Any, key: str, depth: int, rows: int, into: list[dict[str, Any]]) -> None:
    """Add a row for a value and rows for what is in it, to a depth and a length."""
    if len(into) > _MOST_LINES:
        return
    inner: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        kind, text = "object", f"{len(value)} keys"
        inner = [(str(k), v) for k, v in value.items()]
    elif isinstance(value, list):
        kind, text = "list", f"{len(value)} items"
        if not any(isinstance(item, dict | list) for item in value):
            some = ", ".join(_text(item) for item in value[:rows])
            text = f"{text}: {some}{', …' if len(value) > rows else ''}" if value else text
        else:
            # They are alike: one shows what all of them hold.
            text, inner = f"{text}, of which the first:", [("[0]", value[0])] if rows else []
    else:
        kind, text = _kind(value), _text(value)
    if key:
        into.append({"depth": depth - 1, "key": plain(key), "type": kind, "value": plain(text)})
    if depth < _DEPTH:
        for name, item in inner:
            _outline(item, name, depth + 1, rows, into)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.6g}" if isinstance(value, float) else json.dumps(value)


def describe_array(path: str) -> dict[str, Any]:
    """Say what a ``.npy`` file holds; the numbers of a feature file with their names.

    Returns
    -------
    dict
        ``shape``, ``dtype``; ``features`` by name where it is a feature file (null: could not be
        computed); else ``n_nan``, ``least``, ``mean`` and ``largest`` of the finite values.

    Raises
    ------
    DataError
        The file is no array of numbers.
    """
    import numpy as np

    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except (ValueError, OSError, SyntaxError, MemoryError, OverflowError) as error:
        said = str(error)
        if "object" in said.lower():
            said = "holds Python objects, which could run any code when read; it is not read"
        raise DataError(f"{path}: is not an array of numbers: {said}") from error
    found: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    if array.dtype.kind not in "fiub":
        raise DataError(f"{path}: holds {array.dtype}, not numbers")
    names = _feature_names(array.shape) if array.dtype == np.float32 else None
    if names is not None:
        values = [float(v) for v in array]
        pairs = zip(names, values, strict=True)
        return {**found, "features": {n: v if math.isfinite(v) else None for n, v in pairs}}
    return {**found, **_statistics(array)}


def _feature_names(shape: tuple[int, ...]) -> tuple[str, ...] | None:
    from fvc.features.names import EXTENDED_FEATURE_NAMES, FEATURE_NAMES, SCALED_FEATURE_NAMES

    known = (FEATURE_NAMES, SCALED_FEATURE_NAMES, EXTENDED_FEATURE_NAMES)
    return next((names for names in known if shape == (len(names),)), None)


def _statistics(array: Any) -> dict[str, Any]:
    import numpy as np

    from fvc.engines import heartbeat

    flat = array.reshape(-1)
    total, n_finite, n_nan, least, largest = 0.0, 0, 0, math.inf, -math.inf
    for start in range(0, flat.size, 2**20):
        heartbeat()
        part = np.asarray(flat[start : start + 2**20], dtype=np.float64)
        good = part[np.isfinite(part)]
        n_nan += int(np.isnan(part).sum())
        if good.size:
            n_finite, total = n_finite + good.size, total + float(good.sum())
            least, largest = min(least, float(good.min())), max(largest, float(good.max()))
    if not n_finite:
        return {"n_nan": n_nan, "least": None, "mean": None, "largest": None}
    return {"n_nan": n_nan, "least": least, "mean": plain(total / n_finite), "largest": largest}
