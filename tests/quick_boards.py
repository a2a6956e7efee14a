"""Small projects that are trained in tests, without what no test there looks at."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def quick_boards() -> Iterator[None]:
    """Fit baselines on one repeat, and draw no pictures but where a test looks at them.

    Both cost more than the small models that are trained. For a fixture of one module: a fixture of
    a folder is one of the whole session, unless the folder is a package, and would reach the tests
    elsewhere that look.
    """
    from fvc.evaluation import leaderboard

    every = leaderboard.metadata_baselines
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            leaderboard,
            "metadata_baselines",
            lambda index, folds: every(index, folds.filter(repeat=0)),
        )
        patch.setattr("fvc.training.model.write_plots", lambda *_, **__: None)
        yield
