"""Memory that frame after frame is worked on in."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_ALIGNMENT = 64


class Scratch:
    """Arrays that are handed out again and again.

    An allocator gives large arrays back to the system and has them cleared at the next frame, which
    takes as long as the arithmetic. Every array starts at a multiple of 64 bytes, so that libraries
    which choose their code by alignment give the same last bit each time.
    """

    def __init__(self) -> None:
        self._held: dict[str, NDArray[np.uint8]] = {}
        self._views: dict[tuple[str, tuple[int, ...], object], NDArray[Any]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Hand out an array with any content.

        Parameters
        ----------
        name
            Arrays of one name share their memory: asking again ends the use of the one before.
        shape, dtype
            Of the array.

        Returns
        -------
        ndarray
            Contiguous, uninitialised.
        """
        key = (name, shape, dtype)
        view = self._views.get(key)
        if view is not None:
            return view
        size = math.prod(shape) * np.dtype(dtype).itemsize
        held = self._held.get(name)
        if held is None or held.size < size:
            room = np.empty(size + _ALIGNMENT, np.uint8)
            start = -room.ctypes.data % _ALIGNMENT
            held = self._held[name] = room[start : start + size]
            self._views = {k: v for k, v in self._views.items() if k[0] != name}
        view = self._views[key] = held[:size].view(dtype).reshape(shape)
        return view
