"""Scores whose true log odds are known."""

import numpy as np


def sample(n: int, seed: int = 0, distort: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose true log odds are `distort` times theirs."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    fake = rng.random(n) < 1 / (1 + np.exp(-distort * z))
    return 1 / (1 + np.exp(-z)), fake
