"""How far an audit is: a bar with the remaining time on a terminal, lines elsewhere."""

import logging
import time

from fvc.training.progress import Fits

logger = logging.getLogger("fvc.audit")

_EVERY_SECONDS = 20.0


class Progress:
    """Counts draws of folds as they come back.

    Parameters
    ----------
    name
        What is audited.
    fits
        The display, if there is one.
    """

    def __init__(self, name: str, fits: Fits) -> None:
        self._name, self._fits = name, fits
        self._total = self._done = 0
        self._begun = self._said = time.monotonic()

    def begin(self, total: int) -> None:
        """Begin with so many draws."""
        self._total = total
        self._fits.begin(f"audit of {self._name}", total)

    def done(self, _result: object = None) -> None:
        """Count one draw as done."""
        self._done += 1
        self._fits.done(1)
        now = time.monotonic()
        if now - self._said >= _EVERY_SECONDS:
            self._said = now
            left = (now - self._begun) / self._done * (self._total - self._done)
            logger.info(
                "audit of %s: %d of %d draws of folds, about %d s left",
                *(self._name, self._done, self._total, round(left)),
            )
