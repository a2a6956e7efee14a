"""Searching ranges of settings: Optuna proposes, and what the inner folds say decides."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fvc.errors import MissingExtraError
from fvc.models.spaces import Range, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def search_space(
    space: Space, score: Callable[[dict[str, Any]], float | None], *, seed: int
) -> None:
    """Try settings of a space, each proposed in the light of the scores of those before it.

    The first ten are drawn evenly, the others by a tree-structured Parzen estimator. The same
    space, seed and scores give the same settings: a search that was ended goes the same way again.

    Parameters
    ----------
    space
        What to draw from.
    score
        Called with each new settings: what they are worth, more being better; None where they
        cannot be used. Settings that come up again are not tried again.
    seed
        Of the draws.

    Raises
    ------
    MissingExtraError
        Optuna is not installed.

    References
    ----------
    Bergstra, Bardenet, Bengio & Kégl 2011, Algorithms for hyper-parameter optimization (TPE).
    Akiba, Sano, Yanase, Ohta & Koyama 2019, Optuna.
    """
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise MissingExtraError("a search of ranges", "search") from error
    drawn = int(np.random.SeedSequence(abs(seed)).generate_state(1)[0])
    with _quiet():
        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=drawn)
        )
    distributions = {name: _distribution(values) for name, values in space.parameters.items()}
    known: list[tuple[dict[str, Any], float | None]] = []
    for _ in range(space.trials):
        trial = study.ask(distributions)
        settings = dict(trial.params)
        again = [found for tried, found in known if tried == settings]
        found = again[0] if again else score(settings)
        known.append((settings, found))
        if found is None:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, found)


def _distribution(values: Range | tuple[Any, ...]) -> "BaseDistribution":
    from optuna import distributions

    if not isinstance(values, Range):
        return distributions.CategoricalDistribution(values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return distributions.IntDistribution(values.low, values.high, log=values.log)
    return distributions.FloatDistribution(values.low, values.high, log=values.log)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the name of a study that nobody asked for off the screen."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
