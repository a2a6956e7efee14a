import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvc.augmentation.parameters import (
    AUGMENTATIONS,
    check_augmentations,
    draw_parameters,
    plan_variants,
    variant_seed,
)
from fvc.errors import OptionError

RANGES = {
    "rotation": {"degrees": [(-15, -2), (2, 15)]},
    "brightness": {"shift": [(-0.2, -0.05), (0.05, 0.2)]},
    "contrast": {"gain": [(0.6, 0.85), (1.15, 1.5)]},
    "saturation": {"gain": [(0.4, 0.8), (1.2, 1.7)]},
    "noise": {"sigma": [(2, 8)]},
    "blur": {"sigma": [(0.6, 2)]},
    "affine": {
        "scale": [(0.9, 1.1)],
        "shear_x": [(-0.1, 0.1)],
        "shear_y": [(-0.1, 0.1)],
        "shift_x": [(-0.05, 0.05)],
        "shift_y": [(-0.05, 0.05)],
    },
    "cutout": {
        "left": [(0, 0.85)],
        "top": [(0, 0.85)],
        "width": [(0.15, 0.35)],
        "height": [(0.15, 0.35)],
    },
    "frame_drop": {"every": [(3, 6)]},
    "frame_duplicate": {"every": [(3, 6)]},
    "temporal_reverse": {},
}
SEEDS = st.integers(0, 2**63 - 1)
SOURCES = st.text(min_size=1, max_size=30)


def test_there_are_twelve() -> None:
    spatial = "rotation flip brightness contrast saturation noise blur affine cutout"
    temporal = "frame_drop frame_duplicate temporal_reverse"
    assert " ".join(AUGMENTATIONS) == f"{spatial} {temporal}"


@given(seed=SEEDS)
@settings(deadline=None, max_examples=60)
def test_parameters_lie_in_the_documented_ranges_and_survive_json(seed: int) -> None:
    for name in AUGMENTATIONS:
        drawn = draw_parameters(name, seed)
        assert drawn == draw_parameters(name, seed)
        assert json.loads(json.dumps(drawn)) == drawn
        if name == "flip":
            assert drawn["axis"] in ("horizontal", "vertical")
            continue
        assert set(drawn) == set(RANGES[name])
        for parameter, value in drawn.items():
            assert any(low <= value <= high for low, high in RANGES[name][parameter]), parameter
    box = draw_parameters("cutout", seed)
    assert box["left"] + box["width"] <= 1.0001
    assert box["top"] + box["height"] <= 1.0001


def test_both_signs_and_sides_and_axes_come_up() -> None:
    draws = {name: [draw_parameters(name, s) for s in range(200)] for name in AUGMENTATIONS}
    assert {d["degrees"] > 0 for d in draws["rotation"]} == {True, False}
    assert {d["shift"] > 0 for d in draws["brightness"]} == {True, False}
    assert {d["gain"] > 1 for d in draws["contrast"]} == {True, False}
    assert {d["gain"] > 1 for d in draws["saturation"]} == {True, False}
    horizontal = sum(d["axis"] == "horizontal" for d in draws["flip"])
    assert 120 < horizontal < 180
    assert {d["every"] for d in draws["frame_drop"]} == {3, 4, 5, 6}


@given(source=SOURCES, seed=SEEDS, few=st.integers(0, 12), more=st.integers(0, 25))
@settings(deadline=None, max_examples=50)
def test_a_variant_does_not_depend_on_how_many_there_are(
    source: str, seed: int, few: int, more: int
) -> None:
    few, more = sorted((few, more))
    assert plan_variants(source, few, seed=seed) == plan_variants(source, more, seed=seed)[:few]


@given(source=SOURCES, names=st.lists(st.sampled_from(AUGMENTATIONS), min_size=1, max_size=20))
@settings(deadline=None, max_examples=50)
def test_the_order_of_names_changes_nothing(source: str, names: list[str]) -> None:
    plan = plan_variants(source, 5, augmentations=names)
    assert plan == plan_variants(source, 5, augmentations=[*reversed(names), names[0]])
    assert {v.augmentation for v in plan} <= set(names)


def test_twelve_variants_hold_each_augmentation_once_and_then_begin_again() -> None:
    plan = plan_variants("a", 24)
    kinds = [v.augmentation for v in plan]
    assert sorted(kinds[:12]) == sorted(AUGMENTATIONS)
    assert kinds[12:] == kinds[:12]
    blurs = [v for v in plan if v.augmentation == "blur"]
    assert blurs[0].parameters != blurs[1].parameters
    assert [v.index for v in plan] == list(range(24))


def test_ten_of_twelve_are_balanced_over_sources() -> None:
    count = Counter(v.augmentation for i in range(1200) for v in plan_variants(f"source_{i}", 10))
    # Expected 1000 each; the standard deviation of a count is 12.9.
    assert set(count) == set(AUGMENTATIONS)
    assert all(abs(n - 1000) < 65 for n in count.values()), count


def test_source_index_and_seed_each_change_the_seed() -> None:
    seeds = {
        variant_seed(source, index, seed)
        for source in ("a", "b", "a1", "A")
        for index in range(12)
        for seed in range(12)
    }
    assert len(seeds) == 4 * 12 * 12
    assert all(0 <= s < 2**63 for s in seeds)


def test_seeds_stay_what_they_are() -> None:
    # Rows on disk hold them: a change here would make every stage 1 table of before unrepeatable.
    assert variant_seed("youtube_abc", 0, 0) == 5316037440085322716
    assert draw_parameters("affine", 7215295491116951500) == {
        "scale": 0.9981,
        "shear_x": 0.0536,
        "shear_y": 0.0613,
        "shift_x": -0.0276,
        "shift_y": 0.0308,
    }


def test_an_unknown_name_is_answered_with_the_good_ones() -> None:
    with pytest.raises(OptionError, match=r"'rotate'.*Did you mean 'rotation'.*temporal_reverse"):
        check_augmentations(["flip", "rotate"])
    with pytest.raises(OptionError, match=r"'xyz'\. There are: rotation, flip"):
        plan_variants("a", 1, augmentations=["xyz"])
    with pytest.raises(OptionError, match="no augmentation"):
        check_augmentations([])
    with pytest.raises(OptionError, match="-1"):
        plan_variants("a", -1)
