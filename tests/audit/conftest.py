"""Features of simulated clips, and a model that is quick to fit."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fvc.audit import Table
from quick_boards import quick_boards


class Ridge:
    """Ridge regression on the label; its score of a row is squeezed into 0 … 1."""

    def fit(self, part: Any) -> "Ridge":
        x, y = part.X.astype(float), part.y.astype(float)
        self.mean, self.level = x.mean(axis=0), y.mean()
        centred = x - self.mean
        gram = centred.T @ centred + 0.1 * np.eye(x.shape[1])
        self.beta = np.linalg.solve(gram, centred.T @ (y - self.level))
        return self

    def predict_proba(self, x: Any) -> Any:
        score = np.clip(self.level + (x.astype(float) - self.mean) @ self.beta, 0, 1)
        return np.column_stack([1 - score, score])


class Nearest:
    """The label of the nearest training row: pure memory."""

    def fit(self, part: Any) -> "Nearest":
        self.x, self.y = part.X.astype(float), part.y
        return self

    def predict_proba(self, x: Any) -> Any:
        from scipy.spatial.distance import cdist

        far = cdist(x.astype(float), self.x)
        real, fake = (far[:, self.y == k].min(axis=1) for k in (0, 1))
        score = real / (real + fake)
        return np.column_stack([1 - score, score])


def ridge(part: Any) -> Ridge:
    return Ridge().fit(part)


def nearest(part: Any) -> Nearest:
    return Nearest().fit(part)


def clips(
    *,
    groups: int = 40,
    per_group: int = 2,
    per_source: int = 4,
    scene: float = 0.0,
    effect: float = 0.0,
    features: int = 8,
    seed: int = 0,
) -> Table:
    """Clips that tell their source; `scene` is the share of that which the group's sources have in
    common, `effect` shifts the first feature of fakes.
    """
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), per_group)
    label = rng.permutation(np.arange(groups) % 2)[group].astype(np.int8)
    common = rng.normal(size=(groups, features))[group]
    own = rng.normal(size=(len(group), features))
    of_source = np.sqrt(scene) * common + np.sqrt(1 - scene) * own
    of_source[:, 0] += effect * (2 * label - 1)
    source = np.repeat(np.arange(len(group)), per_source)
    x = of_source[source] + 0.1 * rng.normal(size=(len(source), features))
    return Table(
        X=x.astype(np.float32),
        source=source,
        original=np.tile(np.arange(per_source) == 0, len(group)),
        labels=label,
        groups=np.array([f"g{g:03}" for g in group], dtype=object),
    )


@pytest.fixture(scope="session")
def make_clips() -> Callable[..., Table]:
    return clips


@pytest.fixture(scope="session")
def fit_ridge() -> Callable[[Any], Any]:
    return ridge


@pytest.fixture(scope="session")
def fit_nearest() -> Callable[[Any], Any]:
    return nearest


@pytest.fixture(scope="module", autouse=True)
def _quick_boards() -> Iterator[None]:
    with quick_boards():
        yield
