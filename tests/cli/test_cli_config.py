from pathlib import Path

import pytest

from fvc.cli.config import with_config
from fvc.errors import MissingInputError, OptionError

VERBS = ("setup", "augment", "train", "run")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "options.yaml"
    path.write_text(
        "workers: 4\n"
        "augment:\n  num_augmentations: 5\n  augmentations: [blur, flip]\n  strict: true\n"
        "train:\n  model-types: [svm]\n  workers: 1\n"
    )
    return path


def test_without_the_flag_nothing_changes() -> None:
    assert with_config(["augment", "--workers", "2"], VERBS) == ["augment", "--workers", "2"]


@pytest.mark.parametrize("flag", ["{flag} {path}", "{flag}={path}"])
def test_a_verb_gets_the_top_and_its_own_section_before_what_is_typed(
    config: Path, flag: str
) -> None:
    given = flag.format(flag="--config", path=config).split()
    tokens = with_config(["augment", *given, "--seed", "3"], VERBS)
    assert tokens == [
        "augment", "--workers=4", "--num-augmentations=5", "--augmentations", "blur", "flip",
        "--strict=true", "--seed", "3",
    ]  # fmt: skip


def test_a_section_wins_over_the_top(config: Path) -> None:
    tokens = with_config(["--config", str(config), "train"], VERBS)
    assert tokens == ["train", "--workers=4", "--model-types", "svm", "--workers=1"]


def test_a_list_that_is_typed_stands_alone(config: Path) -> None:
    tokens = with_config(["augment", "--config", str(config), "--augmentations=noise"], VERBS)
    assert "blur" not in tokens
    assert tokens[-1] == "--augmentations=noise"


def test_run_takes_the_sections_of_its_stages(config: Path) -> None:
    tokens = with_config(["run", "--config", str(config), "--model-types", "x3d"], VERBS)
    assert "--augment.num-augmentations=5" in tokens
    assert "--train.workers=1" in tokens
    assert "svm" not in tokens


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "expected options at the top"),
        ("a: [1\n", "is not YAML"),
        ("agument:\n  seed: 1\n", "no verb is called 'agument'"),
        ("!!python/object/apply:os.getcwd []\n", "is not YAML"),
    ],
)
def test_a_wrong_file_is_a_usage_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "options.yaml"
    path.write_text(text)
    with pytest.raises(OptionError, match=message) as caught:
        with_config(["augment", "--config", str(path)], VERBS)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_missing_value(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="no such configuration file"):
        with_config(["augment", "--config", str(tmp_path / "no.yaml")], VERBS)
    with pytest.raises(OptionError, match="wants a file"):
        with_config(["augment", "--config"], VERBS)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    assert with_config(["augment", "--config", str(tmp_path / "empty.yaml")], VERBS) == ["augment"]
