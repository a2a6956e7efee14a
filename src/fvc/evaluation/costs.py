"""Decisions from what mistakes cost. NumPy alone, since answers to single videos wait for it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

REAL, FAKE, UNDECIDED = 0, 1, -1


@dataclass(frozen=True)
class Costs:
    """What a decision costs when it is wrong, or when it is none.

    Attributes
    ----------
    false_alarm
        Of calling a real video fake, above 0.
    miss
        Of calling a fake video real, above 0.
    undecided
        Of leaving a video undecided, above 0; None decides every video.

    Raises
    ------
    ValueError
        A cost that is not above 0.
    """

    false_alarm: float = 1.0
    miss: float = 1.0
    undecided: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not 0 < value < np.inf:
                raise ValueError(f"the cost of {name.replace('_', ' ')} is above 0, not {value:g}")

    @property
    def thresholds(self) -> tuple[float, float]:
        """Real below the first probability of fake, fake from the second on.

        Without an undecided band both are c₀ ÷ (c₀ + c₁), c₀ the cost of a false alarm and c₁ that
        of a miss. A band from u ÷ c₁ to 1 − u ÷ c₀ opens where undecided costs u less than the
        better of both guesses ever can: u < c₀ · c₁ ÷ (c₀ + c₁).
        """
        even = self.false_alarm / (self.false_alarm + self.miss)
        if self.undecided is None or self.undecided >= self.miss * even:
            return even, even
        return self.undecided / self.miss, 1 - self.undecided / self.false_alarm

    def decide(self, probability: Any) -> npt.NDArray[np.int8]:
        """Take for each probability of fake the decision of least expected cost.

        Parameters
        ----------
        probability
            Calibrated, shape (n,).

        Returns
        -------
        numpy.ndarray
            0 real, 1 fake, −1 undecided.

        References
        ----------
        Chow (1970), On optimum recognition error and reject tradeoff, IEEE Transactions on
        Information Theory 16:41–46; Elkan (2001), The foundations of cost-sensitive learning,
        IJCAI.

        Examples
        --------
        >>> Costs(false_alarm=10, miss=1, undecided=0.5).decide([0.3, 0.9, 0.97])
        array([ 0, -1,  1], dtype=int8)
        """
        p = np.asarray(probability, dtype=np.float64)
        low, high = self.thresholds
        return np.where(p >= high, FAKE, np.where(p < low, REAL, UNDECIDED)).astype(np.int8)

    def paid(self, decision: Any, fake: Any) -> npt.NDArray[np.float64]:
        """Give what each decision cost, knowing the labels; undecided without a cost is NaN."""
        called, truth = np.asarray(decision), np.asarray(fake, dtype=bool)
        nothing = np.nan if self.undecided is None else self.undecided
        wrong = np.where(truth, self.miss, self.false_alarm)
        right = (called == FAKE) == truth
        return np.where(called == UNDECIDED, nothing, np.where(right, 0.0, wrong))


__all__ = ["FAKE", "REAL", "UNDECIDED", "Costs"]
