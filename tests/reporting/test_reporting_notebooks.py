import json
import re
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from nbclient import NotebookClient

from fvc.errors import OptionError
from fvc.models import MODEL_CONFIGS, find_model
from fvc.reporting import generate_model_notebooks
from fvc.reporting.notebooks.conclusion import conclude
from fvc.reporting.notebooks.drawing import architecture_svg
from fvc.reporting.notebooks.stage import notebook_name
from fvc.reporting.notebooks.stories import STORIES
from fvc.workspace import Workspace

REPOSITORY = Path(__file__).parents[2]
COMMITTED = REPOSITORY / "src" / "notebooks"
JOURNEY = COMMITTED / "00_MASTER_PIPELINE_JOURNEY.ipynb"

# In the order of the documents.
FROM_5C = [
    "naive_cnn",
    "pretrained_inception",
    "variable_ar_cnn",
    "xgboost_pretrained_inception",
    "xgboost_i3d",
    "xgboost_r2plus1d",
    "xgboost_vit_gru",
    "xgboost_vit_transformer",
    "vit_gru",
    "vit_transformer",
    "timesformer",
    "vivit",
    "i3d",
    "r2plus1d",
    "x3d",
    "slowfast",
    "slowfast_attention",
    "slowfast_multiscale",
    "two_stream",
]
NAMES = {
    "5a_logistic_regression.ipynb",
    "5b_svm.ipynb",
    "5alpha_sklearn_logreg.ipynb",
    "5beta_gradient_boosting.ipynb",
    *(
        f"5{letter}_{name}.ipynb"
        for letter, name in zip("cdefghijklmnopqrstu", FROM_5C, strict=True)
    ),
}
SECTIONS = (
    "How it is trained",
    "Set-up",
    "Architecture",
    "Is there a trained model?",
    "Training",
    "Hyper-parameters",
    "Experiment tracking with MLflow",
    "SQL with DuckDB",
    "Orchestration with Airflow",
    "Training methodology",
    "Design rationale",
    "Loading the model",
    "Sample videos with predictions",
    "Inference on a file",
    "Results",
    "Training plots",
    "Summary of the architecture",
    "Conclusion",
)


def test_every_documented_notebook_is_written_and_none_else(tmp_path: Path) -> None:
    report = generate_model_notebooks(tmp_path)
    assert {path.name for path in (tmp_path / "src" / "notebooks").iterdir()} == NAMES
    assert {item["model"] for item in report.notebooks} == {
        spec.name
        for spec in MODEL_CONFIGS.values()
        if spec.notebook and spec.alias_of is None and spec.name in STORIES
    }
    assert report.exit_code == 0


def test_the_notebooks_of_the_repository_are_those_that_are_generated(tmp_path: Path) -> None:
    generate_model_notebooks(tmp_path)
    for name in sorted(NAMES):
        made = (tmp_path / "src" / "notebooks" / name).read_bytes()
        assert (COMMITTED / name).read_bytes() == made, f"run: fvc notebooks ({name} is stale)"


@pytest.mark.parametrize("path", sorted(COMMITTED.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_valid_and_carries_no_outputs_or_paths(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    text = path.read_text(encoding="utf-8")
    assert "sys.path" not in text
    assert not re.search(r'"(/home|/Users|/tmp|/root|C:\\)', text)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            compile(cell.source, path.name, "exec")


@pytest.mark.parametrize("name", sorted(STORIES))
def test_a_notebook_has_every_section(name: str, tmp_path: Path) -> None:
    generate_model_notebooks(tmp_path, model_types=(name,))
    path = tmp_path / "src" / "notebooks" / notebook_name(find_model(name))
    cells = nbformat.read(path, as_version=4).cells
    headings = re.findall(r"^## (.+)$", "\n".join(cell.source for cell in cells), re.MULTILINE)
    found = [heading for heading in headings if heading in SECTIONS]
    assert tuple(found) == SECTIONS
    assert ("Feature engineering" in headings) == (find_model(name).family != "video")
    assert any("Difference from 5a" in cell.source for cell in cells) == (name == "sklearn_logreg")


def test_the_drawing_tells_of_every_part() -> None:
    drawing = architecture_svg("slowfast_attention")
    assert drawing.count("<rect") == len(STORIES["slowfast_attention"].parts)
    assert "attention across pathways" in drawing
    assert f"{find_model('slowfast_attention').video.num_frames} frames" in drawing


@pytest.mark.parametrize("model", sorted(STORIES))
def test_no_line_of_a_drawing_is_wider_than_its_box(model: str) -> None:
    drawing = ElementTree.fromstring(architecture_svg(model))
    texts = [text for text in drawing.iter() if text.tag.endswith("text")]
    box = next(item for item in drawing.iter() if item.tag.endswith("rect"))
    for text in texts:
        # Half a type size a letter is what a sans serif takes on average, or a little more.
        wide = 0.55 * float(text.attrib["font-size"]) * len(text.text or "")
        assert wide <= float(box.attrib["width"]), text.text
    assert float(drawing.attrib["height"]) > max(float(text.attrib["y"]) for text in texts)


def test_models_without_a_notebook_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no notebook of its own"):
        generate_model_notebooks(tmp_path, model_types=("svm_stage2",))
    with pytest.raises(OptionError, match="did you mean 'x3d'"):
        generate_model_notebooks(tmp_path, model_types=("x3",))
    assert not (tmp_path / "src").exists()


def _metrics(low: float, high: float) -> dict[str, object]:
    score = (low + high) / 2
    return {
        "simulated": False,
        "complete": True,
        "aggregate": {
            "roc_auc": score, "roc_auc_low": low, "roc_auc_high": high, "n_scored": 40
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(0.6, 0.9, "above chance"), (0.4, 0.7, "not shown to be better"), (0.1, 0.4, "below chance")],
)
def test_the_conclusion_follows_the_interval(
    results: Workspace, low: float, high: float, told: str
) -> None:
    path = results.model("svm_stage2") / "metrics.json"
    path.write_text(json.dumps(_metrics(low, high)))
    assert told in conclude("svm_stage2", results.root)


def test_the_conclusion_sets_the_score_beside_metadata(results: Workspace) -> None:
    path = results.model("svm_stage2") / "metrics.json"
    path.write_text(json.dumps(_metrics(0.5, 0.7)))
    assert "frame rate alone gives 0.65: as much or more" in conclude("svm_stage2", results.root)
    path.write_text(json.dumps(_metrics(0.6, 0.9)))
    assert "within the model's interval" in conclude("svm_stage2", results.root)
    path.write_text(json.dumps(_metrics(0.7, 0.9)))
    assert "below the model's interval" in conclude("svm_stage2", results.root)
    assert "nothing to conclude" in conclude("x3d", results.root)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(STORIES))
def test_a_notebook_runs_where_nothing_is_trained(name: str, tmp_path: Path) -> None:
    report = generate_model_notebooks(tmp_path, model_types=(name,), execute=True)
    assert [item["error"] for item in report.notebooks] == [None]


@pytest.mark.slow
def test_a_failing_notebook_is_reported_and_kept(tmp_path: Path) -> None:
    folder = Workspace(tmp_path).model("svm")
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text("{")
    report = generate_model_notebooks(tmp_path, model_types=("svm",), execute=True)
    assert report.exit_code == 5
    assert report.notebooks[0]["error"].startswith("JSONDecodeError")
    assert (tmp_path / report.notebooks[0]["file"]).is_file()


@pytest.mark.slow
def test_the_journey_runs_in_an_empty_project_and_shows_the_lesson(tmp_path: Path) -> None:
    notebook = nbformat.read(JOURNEY, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    printed = "".join(
        output.get("text", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    scores = {name: float(auc) for name, auc in re.findall(r"(\S+): ROC AUC ([\d.]+)", printed)}
    assert scores["row-wise"] > 0.9
    assert 0.3 < scores["source"] < 0.7
    assert "Run: fvc setup" in printed
