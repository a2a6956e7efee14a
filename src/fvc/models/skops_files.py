"""Loading skops without what it looks through: it imports all of scikit-learn, and so torch."""

import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

_IMPORTING = threading.Lock()


class _WithoutTorch(MetaPathFinder):
    """Finds torch nowhere, and leaves everything else to the others."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if fullname.partition(".")[0] == "torch":
            raise ModuleNotFoundError("torch is hidden while skops is imported", name=fullname)


def skops_io() -> Any:
    """Give ``skops.io``; torch stays unloaded where it is.

    skops lists scikit-learn's estimators by importing every module in it, among them an adapter
    that loads torch wherever it is installed: two seconds and 300 MB that nothing here asks for.
    While that happens torch is hidden, as if it were not installed. A None in its place among the
    loaded modules would not do: SciPy asks those for torch's classes.
    """
    with _IMPORTING:
        hidden = "skops.io" not in sys.modules and "torch" not in sys.modules
        finder = _WithoutTorch()
        if hidden:
            sys.meta_path.insert(0, finder)
        try:
            return import_module("skops.io")
        finally:
            if hidden:
                sys.meta_path.remove(finder)
