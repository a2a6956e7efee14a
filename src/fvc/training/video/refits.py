"""Fits of a net to any rows of its clips, one for each question that is asked of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvc.training.selection import Part
from fvc.training.video.chosen import choose_net
from fvc.training.video.kept import KeptFits, digest_of
from fvc.training.video.options import VideoOptions


@dataclass(frozen=True)
class NetFits:
    """Fits a net with its entry's settings, as `fvc.training.selection.fit_detector` does others.

    Parameters
    ----------
    kept
        Where scores are kept, so that no fit is done twice.
    options
        How nets are fitted.
    spec
        The model.
    inner_splits
        One of so many parts of the groups is held back to end each fit.
    seed
        Of the inner part, the new net and the order of clips.
    """

    kept: KeptFits
    spec: Any
    options: VideoOptions
    inner_splits: int = 3
    seed: int = 0

    def __call__(self, part: Part) -> "LateNet":
        """Give a detector of a part; its ``X`` are the files of the clips."""
        return LateNet(self, part)


@dataclass(frozen=True)
class LateNet:
    """A net that is fitted when it is asked for scores that are not kept.

    Parameters
    ----------
    fits
        How.
    part
        To what.
    """

    fits: NetFits
    part: Part

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Score clips by their files; probabilities of real and fake, shape (n, 2)."""
        fits, part = self.fits, self.part
        rows = digest_of(part.X, part.y, part.source, part.original, part.groups, X)
        key = fits.kept.key(fits.inner_splits, fits.seed, rows)
        found = fits.kept.read(key)
        if found is None:
            net = choose_net(
                fits.spec,
                [{}],
                part,
                fits.options,
                inner_splits=fits.inner_splits,
                # A new net for each part, and the same one for the same part.
                seed=(fits.seed, int(rows[:7], 16)),
                where=f"the audit of {fits.spec.name}",
                work=fits.kept.work(key),
            )
            found = {"score": net.predict_proba(X)[:, 1].tolist()}
            fits.kept.write(key, found)
        fake = np.array(found["score"], dtype=np.float64)
        return np.column_stack([1 - fake, fake])
