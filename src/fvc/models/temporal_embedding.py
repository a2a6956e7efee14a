"""Boosted trees on what a temporal head, fitted in the fold, makes of a frozen backbone's tokens.

torch is imported when a head is fitted or asked.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from fvc.models.embedding import PooledTokensXGBoost
from fvc.models.svm import Splits
from fvc.models.tabular import GradientBoosting

if TYPE_CHECKING:
    from fvc.models.video.fitted_head import FittedHead


@dataclass
class _SharedHead:
    """A head that was fitted to some rows, for detectors that differ in their trees alone."""

    head: "FittedHead | None" = None


class TemporalTokensXGBoost(PooledTokensXGBoost):
    """What the two detectors with a temporal head share.

    The head learns from labels, and what it says of its own training clips is too good to build
    trees on. So, for each inner split, the head is fitted on its training side and the trees on
    what the head makes of the *other* side; the detector is the mean over the splits. Every clip
    serves a head and trees, never both of one pair. Without splits (where settings are compared)
    there is one pair, and both see all rows.

    Parameters
    ----------
    n_estimators, max_depth, learning_rate, subsample, colsample, min_child_weight, reg_lambda, seed
        As in `GradientBoosting`.
    token_size
        As in `PooledTokensXGBoost`.
    hidden
        Numbers that a head makes of a clip.
    head_epochs, head_lr, head_dropout
        Passes, learning rate and dropout of a head's fit.

    Attributes
    ----------
    heads_, trees_ : list
        The pairs.
    """

    native: ClassVar[str] = "model.safetensors"
    head: ClassVar[Literal["gru", "transformer"]]

    def __init__(
        self,
        n_estimators: int = 100,
        max_depth: int = 3,
        learning_rate: float = 0.1,
        subsample: float = 0.8,
        colsample: float = 0.5,
        min_child_weight: float = 1.0,
        reg_lambda: float = 1.0,
        seed: int = 0,
        token_size: int | None = None,
        hidden: int = 64,
        head_epochs: int = 12,
        head_lr: float = 1e-3,
        head_dropout: float = 0.5,
    ) -> None:
        super().__init__(
            n_estimators=n_estimators,
            max_depth=max_depth,
            learning_rate=learning_rate,
            subsample=subsample,
            colsample=colsample,
            min_child_weight=min_child_weight,
            reg_lambda=reg_lambda,
            seed=seed,
            token_size=token_size,
        )
        self.hidden = hidden
        self.head_epochs = head_epochs
        self.head_lr = head_lr
        self.head_dropout = head_dropout

    @property
    def preparation(self) -> tuple[Any, ...]:
        """The head's settings: detectors that differ in their trees alone share a head."""
        return (self.hidden, self.head_epochs, self.head_lr, self.head_dropout, self.seed)

    def prepare(
        self,
        X: NDArray[Any],
        *,
        sample_weight: NDArray[np.float64] | None = None,
        feature_names: list[str] | None = None,
    ) -> Any:
        """Make an empty place for a head: fitting one takes labels, which are not here yet."""
        self._shape(X, feature_names)
        return _SharedHead()

    def fit(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        *,
        sample_weight: NDArray[np.float64] | None = None,
        feature_names: list[str] | None = None,
        cv: Splits | None = None,
        prepared: Any = None,
    ) -> Self:
        """Fit heads and trees; parameters as in `TabularDetector.fit`.

        Without `cv` the head is kept in `prepared`, and the next detector with the same settings of
        its head takes it from there.
        """
        shape = self._shape(X, feature_names)
        tokens = X.reshape(len(X), *shape).astype(np.float32, copy=False)
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        everything = np.arange(len(X))
        self.heads_, self.trees_ = [], []
        for number, (train, other) in enumerate(cv or [(everything, everything)]):
            shared = None if cv else prepared
            head = shared.head if shared is not None else None
            if head is None:
                head = self._fit_head(tokens[train], y[train], weight[train], number)
            if shared is not None:
                shared.head = head
            trees = GradientBoosting(**self._trees())
            trees.fit(head.features(tokens[other]), y[other], sample_weight=weight[other])
            self.heads_.append(head)
            self.trees_.append(trees)
        self._remember(shape, feature_names)
        return self

    def _fit_head(
        self, tokens: NDArray[Any], y: NDArray[Any], weight: NDArray[Any], number: int
    ) -> "FittedHead":
        from fvc.models.video.fitted_head import FittedHead

        return FittedHead.fit(
            self.head,
            tokens,
            y,
            weight,
            hidden=self.hidden,
            epochs=self.head_epochs,
            lr=self.head_lr,
            dropout=self.head_dropout,
            seed=self.seed + number,
        )

    def _trees(self) -> dict[str, Any]:
        own = self.get_params()
        return {name: own[name] for name in GradientBoosting().get_params()}

    def _probabilities(self, X: NDArray[Any]) -> Any:
        tokens = X.reshape(len(X), *self.tokens_).astype(np.float32, copy=False)
        pairs = zip(self.heads_, self.trees_, strict=True)
        return np.mean(
            [trees.predict_proba(head.features(tokens)) for head, trees in pairs], axis=0
        )

    def save_native(self, path: Path) -> None:
        """Write safetensors: the heads' weights, and each booster's JSON as bytes."""
        from safetensors.numpy import save_file

        tensors: dict[str, NDArray[Any]] = {}
        for number, (head, trees) in enumerate(zip(self.heads_, self.trees_, strict=True)):
            tensors |= {f"head{number}.{key}": value for key, value in head.state.items()}
            raw = trees.booster_.save_raw("json")
            tensors[f"trees{number}"] = np.frombuffer(raw, dtype=np.uint8)
        described = {
            "class": type(self).__name__,
            "settings": self.get_params(),
            "tokens": list(self.tokens_),
            "pairs": len(self.heads_),
        }
        save_file(tensors, path, metadata={"fvc": json.dumps(described)})

    @classmethod
    def load_native(cls, path: Path) -> Self:
        """Read safetensors."""
        import xgboost
        from safetensors import safe_open

        from fvc.models.video.fitted_head import FittedHead

        with safe_open(path, framework="numpy") as file:
            described = json.loads((file.metadata() or {})["fvc"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        detector = cls(**described["settings"])
        tokens, size = described["tokens"]
        detector.heads_, detector.trees_ = [], []
        for number in range(described["pairs"]):
            prefix = f"head{number}."
            state = {
                key.removeprefix(prefix): value
                for key, value in tensors.items()
                if key.startswith(prefix)
            }
            detector.heads_.append(FittedHead(cls.head, size, detector.hidden, state))
            booster = xgboost.Booster()
            booster.load_model(bytearray(tensors[f"trees{number}"].tobytes()))
            detector.trees_.append(GradientBoosting.of_booster(booster, **detector._trees()))
        detector._remember((tokens, size), None)
        return detector


class GruTokensXGBoost(TemporalTokensXGBoost):
    """Boosted trees on the last state of a GRU over a clip's tokens; see `TemporalTokensXGBoost`.

    References
    ----------
    Cho et al. 2014, Learning phrase representations using RNN encoder-decoder.
    """

    head = "gru"


class TransformerTokensXGBoost(TemporalTokensXGBoost):
    """Boosted trees on a transformer's class token over a clip; see `TemporalTokensXGBoost`.

    References
    ----------
    Vaswani et al. 2017, Attention is all you need. Chen & Guestrin 2016.
    """

    head = "transformer"
