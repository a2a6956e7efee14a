"""AUCs of several models on the same rows, and how they vary together over groups or sources.

The variance is that of drawing other test groups with the fitted models held fixed. With every
group a single source, and one fold, it is DeLong's.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class AUCs:
    """Areas under ROC curves and their covariance.

    Attributes
    ----------
    auc
        One a model, shape (m,).
    covariance
        Shape (m, m).
    """

    auc: Floats
    covariance: Floats

    def compare(self, a: int, b: int) -> tuple[float, float, float]:
        """Return difference, standard error and two-sided p of models `a` and `b` (a z-test).

        Where nothing varies, p is 1 for a difference of 0 and 0 otherwise.
        """
        difference = float(self.auc[a] - self.auc[b])
        c = self.covariance
        variance = float(c[a, a] + c[b, b] - 2 * c[a, b])
        error = float(np.sqrt(max(variance, 0.0)))
        if error < 1e-12:
            return difference, 0.0, 1.0 if abs(difference) < 1e-12 else 0.0
        return difference, error, float(2 * ndtr(-abs(difference) / error))


def placements(fake: Flags, scores: Floats) -> tuple[Floats, Floats]:
    """Return how each source stands among those of the other class.

    Parameters
    ----------
    fake
        Whether a source is fake, shape (n,); both classes there.
    scores
        Scores of m models, shape (m, n).

    Returns
    -------
    (numpy.ndarray, numpy.ndarray)
        For each fake the share of reals below it, shape (m, fakes); for each real the share of
        fakes above it, shape (m, reals); ties count half. The mean of either is the AUC.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837-845; by ranks as in Sun & Xu (2014),
    IEEE Signal Processing Letters 21:1389-1393.
    """
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    everywhere = rankdata(scores, axis=1)
    among_fakes = rankdata(scores[:, fake], axis=1)
    among_reals = rankdata(scores[:, ~fake], axis=1)
    of_fakes = (everywhere[:, fake] - among_fakes) / n_real
    of_reals = 1 - (everywhere[:, ~fake] - among_reals) / n_fake
    return of_fakes, of_reals


def delong(fake: Flags, scores: Floats) -> AUCs:
    """Compare AUCs of independent sources (DeLong et al. 1988).

    Parameters
    ----------
    fake
        Whether a source is fake, shape (n,); at least two of each class.
    scores
        Scores of m models on the same sources, shape (m, n).
    """
    of_fakes, of_reals = placements(fake, scores)
    covariance = np.atleast_2d(np.cov(of_fakes)) / of_fakes.shape[1]
    covariance = covariance + np.atleast_2d(np.cov(of_reals)) / of_reals.shape[1]
    return AUCs(of_fakes.mean(axis=1), covariance)


def clustered_aucs(cell: Ints, group: Ints, fake: Flags, scores: Floats) -> AUCs:
    """Compare mean AUCs over folds and repeats for sources that come in groups.

    Parameters
    ----------
    cell
        Number of the (repeat, fold), 0 … cells − 1, shape (n,).
    group
        Number of the group, 0 … groups − 1, shape (n,).
    fake
        Whether the source is fake, shape (n,); every cell holds both classes.
    scores
        Scores of m models on the same rows, shape (m, n).

    Returns
    -------
    AUCs
        Means over cells. The covariance is the sum over groups of products of what each group
        adds to the means, over all cells that it stands in, so that repeats do not pass for new
        groups. With one cell it is Obuchowski's.

    References
    ----------
    Obuchowski (1997), Nonparametric analysis of clustered ROC curve data, Biometrics 53:567-578.
    """
    cells = int(cell.max()) + 1
    n_groups, models = int(group.max()) + 1, len(scores)
    auc = np.zeros(models)
    # What a group adds as fake, as real, and as either in the term that joins the two.
    parts = np.zeros((4, models, n_groups))
    order = np.argsort(cell, kind="stable")
    for here in np.split(order, np.flatnonzero(np.diff(cell[order])) + 1):
        of_fakes, of_reals = placements(fake[here], scores[:, here])
        mean = of_fakes.mean(axis=1)
        auc += mean / cells
        fakes, reals = group[here][fake[here]], group[here][~fake[here]]
        there = len(np.unique(group[here]))
        for k, (of, whose) in enumerate(((of_fakes, fakes), (of_reals, reals))):
            added = np.zeros((models, n_groups))
            np.add.at(added.T, whose, (of - mean[:, None]).T / len(whose))
            parts[k] += added * _correction(len(np.unique(whose))) / cells
            parts[2 + k] += added * _correction(there) / cells
    cross = parts[2] @ parts[3].T
    covariance = parts[0] @ parts[0].T + parts[1] @ parts[1].T + cross + cross.T
    return AUCs(auc, covariance)


def _correction(groups: int) -> float:
    """Square root of I / (I − 1); with a single group nothing is known of the variance."""
    return float(np.sqrt(groups / (groups - 1))) if groups > 1 else 1.0
