import subprocess
import sys
from pathlib import Path

import pytest

from fvc.errors import MissingInputError, NotAvailableError, OptionError
from fvc.models import MODEL_CONFIGS, candidates_of, find_model, get_model, list_models, load_grid
from fvc.models.registry import FAMILIES

# As the workflow document prints them.
DOCUMENTED = (
    *("logistic_regression", "svm", "logistic_regression_stage2", "svm_stage2"),
    *("logistic_regression_stage2_stage4", "svm_stage2_stage4", "sklearn_logreg"),
    *("xgboost_pretrained_inception", "xgboost_i3d", "xgboost_r2plus1d", "xgboost_vit_gru"),
    *("xgboost_vit_transformer", "naive_cnn", "pretrained_inception", "variable_ar_cnn"),
    *("vit_gru", "vit_transformer", "timesformer", "vivit", "i3d", "r2plus1d", "x3d"),
    *("slowfast", "slowfast_attention", "slowfast_multiscale", "two_stream"),
)


def test_every_documented_name_is_there() -> None:
    # VideoMAE is an extra: no document numbers it among the notebooks.
    extra = {"gradient_boosting", "ensemble", "videomae"}
    assert set(DOCUMENTED) | extra == set(MODEL_CONFIGS)
    assert MODEL_CONFIGS["videomae"].notebook is None
    assert set(list_models(available=True)) == set(MODEL_CONFIGS)
    assert set(list_models(family="tabular")) == {*DOCUMENTED[:7], "gradient_boosting"}


def test_notebooks_are_numbered_as_documented() -> None:
    numbered = {spec.notebook: name for name, spec in MODEL_CONFIGS.items()}
    assert numbered["5c"] == "naive_cnn"
    assert numbered["5u"] == "two_stream"
    assert numbered["5alpha"] == "sklearn_logreg"
    assert {f"5{letter}" for letter in "cdefghijklmnopqrstu"} <= set(numbered)


@pytest.mark.parametrize("name", list(MODEL_CONFIGS))
def test_an_entry_describes_itself(name: str) -> None:
    entry = find_model(name).to_dict()
    assert entry["name"] == name
    assert entry["family"] in FAMILIES
    assert entry["description"]
    assert entry["available"] == (name in list_models(available=True))


@pytest.mark.parametrize("name", ["x3d", "ensemble"])
def test_a_planned_model_is_answered_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fvc.models.registry.TRAINED_FAMILIES", frozenset({"tabular"}))
    with pytest.raises(NotAvailableError, match=f"^{name}: not available in this version$"):
        get_model(name)


@pytest.mark.parametrize(("wrong", "right"), [("logistic", "logistic_regression"), ("svn", "svm")])
def test_a_misspelt_name_gets_a_proposal(wrong: str, right: str) -> None:
    with pytest.raises(OptionError, match=f"did you mean '{right}"):
        get_model(wrong)


def test_aliases_read_what_they_name_reads() -> None:
    for name in ("logistic_regression", "svm"):
        alias = MODEL_CONFIGS[f"{name}_stage2_stage4"]
        assert alias.alias_of == name
        assert alias.tables == MODEL_CONFIGS[name].tables == (2, 4)
        assert MODEL_CONFIGS[f"{name}_stage2"].tables == (2,)
        assert MODEL_CONFIGS[f"{name}_stage2"].alias_of is None


def test_listing_models_imports_no_learning_library() -> None:
    code = (
        "import sys; from fvc.models import list_models; list_models();"
        "print([m for m in ('sklearn', 'xgboost', 'torch', 'polars') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_grid_files_are_read_and_checked(tmp_path: Path) -> None:
    grid = tmp_path / "grid.yaml"
    grid.write_text("svm:\n  - {kernel: [linear], C: [0.1, 1]}\n  - {kernel: [rbf], C: [1]}\n")
    assert candidates_of(get_model("svm"), str(grid)) == [
        {"kernel": "linear", "C": 0.1},
        {"kernel": "linear", "C": 1},
        {"kernel": "rbf", "C": 1},
    ]
    other = get_model("gradient_boosting")
    assert candidates_of(other, str(grid)) == candidates_of(other, "default")
    json_grid = tmp_path / "grid.json"
    json_grid.write_text('{"logistic_regression": {"C": [2]}}')
    assert load_grid(json_grid)["logistic_regression"] == ({"C": (2,)},)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("svm: {c: [1]}", "did you mean 'C'"),
        ("svn: {C: [1]}", "did you mean 'svm'"),
        ("svm: {C: 1}", "svm.C is a list"),
        ("svm: []", "grid of svm is empty"),
        ("- 1", "a mapping from model to grid"),
        ("svm: {C: [", "is not YAML"),
        ("x3d: {C: [1]}", "x3d has no parameter 'C'"),
        ("sklearn_logreg: {penalty: [l1, l7]}", "penalty is one of 'l2', 'l1', 'elasticnet'"),
        ("svm: {kernel: [poly]}", "kernel is one of 'linear', 'rbf', not 'poly'"),
    ],
)
def test_a_wrong_grid_file_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    grid = tmp_path / "grid.yaml"
    grid.write_text(text)
    with pytest.raises((OptionError, NotAvailableError), match=message):
        load_grid(grid)


def test_a_missing_grid_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"nowhere\.yaml"):
        load_grid(tmp_path / "nowhere.yaml")
