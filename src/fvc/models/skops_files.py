"""Loading skops without what it looks through: it imports all of scikit-learn, and so torch."""

import sys
import threading
from importlib import import_module
from typing import Any

_IMPORTING = threading.Lock()


def skops_io() -> Any:
    """Give ``skops.io``; torch stays unloaded where it is.

    skops lists scikit-learn's estimators by importing every module in it, among them an adapter
    that loads torch wherever it is installed: two seconds and 300 MB that nothing here asks for.
    While that happens torch is hidden, as if it were not installed.
    """
    with _IMPORTING:
        hidden = "skops.io" not in sys.modules and "torch" not in sys.modules
        if hidden:
            sys.modules["torch"] = None  # type: ignore[assignment]
        try:
            return import_module("skops.io")
        finally:
            if hidden:
                sys.modules.pop("torch", None)
