"""Intervals of calibration where resamples hold little."""

import numpy as np

from fvc.evaluation.calibration_intervals import MEASURES, Probabilities, measure_calibration


def _repeat(groups: list[int]) -> Probabilities:
    """Calibrated sources of some of four groups, one source each."""
    p = np.array([0.2, 0.4, 0.6, 0.9])[groups]
    fake = np.array([False, True, False, True])[groups]
    return Probabilities(p=p, fake=fake, group=np.array(groups), weight=np.ones(len(groups)))


def test_resamples_without_a_calibrated_group_are_left_out() -> None:
    # The second repeat could calibrate groups 0 and 1 alone; the last draw holds neither.
    times = np.array([[1, 1, 1, 1], [2, 0, 1, 1], [0, 2, 2, 0], [0, 0, 2, 2]], dtype=np.uint16)
    repeats = [_repeat([0, 1, 2, 3]), _repeat([0, 1])]
    found = measure_calibration(repeats, times, n_splits=None, groups=2)
    assert found.keys() == set(MEASURES)
    first = np.mean([0.04, 0.36, 0.36, 0.01])
    assert np.isclose(found["brier"].value, (first + np.mean([0.04, 0.36])) / 2)
    for measured in found.values():
        for number in (measured.value, measured.low, measured.high):
            assert number is None or np.isfinite(number)


def test_too_few_draws_give_a_reason() -> None:
    times = np.array([[1, 1, 1, 1], [0, 0, 2, 2]], dtype=np.uint16)
    found = measure_calibration([_repeat([0, 1])], times, n_splits=None, groups=1)
    assert {measured.reason for measured in found.values()} == {"too few groups to draw from"}
