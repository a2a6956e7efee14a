import hashlib
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.image import imread
from sklearn.metrics import roc_curve

from fvc.cli import app
from fvc.errors import MissingInputError, NothingLeftError, OptionError
from fvc.reporting import generate_figures
from fvc.reporting.figures import findings, stage, tables
from fvc.reporting.figures import results as scores
from fvc.reporting.figures.material import Material
from fvc.reporting.figures.style import BLUE, GREY, STYLES, blank, drawing, save
from fvc.workspace import Workspace


@pytest.mark.parametrize(("style", "inches"), [("nature", 89 / 25.4), ("ieee", 3.5)])
def test_a_figure_has_the_width_of_the_journals_column(
    results: Workspace, style: str, inches: float
) -> None:
    generate_figures(results.root, style=style, columns=("one",), only=("leaderboard",))
    stem = results.figures / "leaderboard_one_column"
    pixels = imread(stem.with_suffix(".png")).shape[1]
    assert pixels == pytest.approx(inches * 300, abs=1)
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", stem.with_suffix(".pdf").read_bytes())
    assert box is not None
    assert float(box[1]) == pytest.approx(inches * 72, abs=0.1)


def test_letters_are_embedded_as_outlines(results: Workspace) -> None:
    generate_figures(results.root, columns=("one",), only=("leaderboard",))
    stem = results.figures / "leaderboard_one_column"
    pdf = stem.with_suffix(".pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert "<text" not in stem.with_suffix(".svg").read_text()


def test_the_same_results_give_the_same_bytes(results: Workspace) -> None:
    def digests() -> dict[str, str]:
        generate_figures(results.root, columns=("one",), only=("leaderboard", "roc_pr"))
        files = sorted(results.figures.iterdir())
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    assert digests() == digests()


def test_what_has_no_result_is_left_out_and_the_verb_named(results: Workspace) -> None:
    report = generate_figures(results.root, columns=("one",))
    drawn = {item["name"] for item in report.figures}
    assert drawn == {"pipeline", "corpus", "leaderboard", "roc_pr", "calibration"}
    reasons = {item["name"]: item["reason"] for item in report.left_out}
    assert reasons.keys() == {
        *("robustness", "audit", "importance", "alterations", "critical_difference")
    }
    assert reasons["critical_difference"].endswith("Run: fvc compare")
    assert reasons["importance"].endswith("Run: fvc importance svm_stage2")
    assert reasons["alterations"].endswith("Run: fvc train --model-types naive_cnn")
    written = json.loads((results.figures / "figures.json").read_text())
    assert written == report.to_dict()
    assert "n = 40 in 20 groups" in (results.figures / "captions.md").read_text()
    assert "Simulated data." in (results.figures / "captions.md").read_text()


def test_a_damaged_result_leaves_its_figure_out(compared: Workspace) -> None:
    (compared.comparison / "comparison.json").write_text("{")
    report = generate_figures(
        compared.root, columns=("one",), only=("leaderboard", "critical_difference")
    )
    assert [item["name"] for item in report.figures] == ["leaderboard"]
    assert "cannot be read" in report.left_out[0]["reason"]


def test_an_empty_project_has_no_figure(tmp_path: Path) -> None:
    with pytest.raises(NothingLeftError, match="fvc setup"):
        generate_figures(tmp_path)


def test_unknown_names_are_refused(results: Workspace) -> None:
    with pytest.raises(OptionError, match="plain, ieee"):
        generate_figures(results.root, style="springer")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="roc_pr"):
        generate_figures(results.root, only=("roc",))  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="not trained here"):
        generate_figures(results.root, model="x3d")


def test_settings_of_matplotlib_are_left_as_they_were(results: Workspace) -> None:
    before = dict(rcParams)
    generate_figures(results.root, columns=("one",), only=("leaderboard",), style="ieee")
    assert dict(rcParams) == before


def test_the_leaderboard_shows_models_then_the_best_metadata(results: Workspace) -> None:
    with drawing(STYLES["plain"]):
        axes = scores.leaderboard(Material(results), 3.5).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["svm_stage2", "100%_&_more", "frame rate (metadata)"]
    points = {
        (round(float(line.get_xdata()[0]), 4), float(line.get_ydata()[0]))
        for line in axes.lines
        if line.get_marker() in "os"
    }
    assert points == {(0.8, 0.0), (0.6, 1.0), (0.65, 2.0)}


def test_random_weights_and_the_repeats_of_each_model_are_said(results: Workspace) -> None:
    board = json.loads(results.leaderboard_json.read_text())
    first, second = board["models"]
    first["repeats"], second["repeats"], second["random_weights"] = 5, 1, True
    results.leaderboard_json.write_text(json.dumps(board))
    material = Material(results)
    with drawing(STYLES["plain"]):
        axes = scores.leaderboard(material, 3.5).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:2] == ["svm_stage2", "100%_&_more (random weights)"]
    assert "× 1 to 5 repeats." in scores.leaderboard_caption(material)
    assert "Random weights:" in scores.leaderboard_caption(material)
    assert "× 5 repeats." in scores.calibration_caption(material)
    assert tables.leaderboard_table(material).rows[1][0] == "100%_&_more (random weights)"


def test_names_of_models_are_broken_and_never_cut(compared: Workspace) -> None:
    path = compared.comparison / "comparison.json"
    document = json.loads(path.read_text())
    name = "xgboost_pretrained_inception"
    document["models"] += [{"model": f"{name}_{k}", "roc_auc": 0.5, "rank": k} for k in (3, 4)]
    path.write_text(json.dumps(document))
    with drawing(STYLES["nature"]):
        figure = scores.critical_difference(Material(compared), 3.5)
        figure.canvas.draw()
        written = [text for text in figure.axes[0].texts if "_" in text.get_text()]
        boxes = [text.get_window_extent() for text in written]
    words = {"".join(text.get_text().split()) for text in written}
    assert words == {"svm_stage2", "100%_&_more", f"{name}_3", f"{name}_4"}
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_the_roc_curve_is_the_mean_over_folds(results: Workspace) -> None:
    with drawing(STYLES["plain"]):
        axes = scores.roc_pr(Material(results), 7.0).axes[0]
    curve = next(line for line in axes.lines if line.get_label() == "svm_stage2")
    table = pl.read_parquet(results.model("svm_stage2") / "predictions.parquet")
    grid = np.linspace(0, 1, 201)
    expected = []
    for fold in table.partition_by("fold"):
        fpr, tpr, _ = roc_curve(fold["label"], fold["score"], drop_intermediate=False)
        # At a false-positive rate that several thresholds give, the highest rate counts.
        expected.append([tpr[fpr <= x + 1e-12].max() for x in grid])
    difference = np.abs(np.asarray(curve.get_ydata()) - np.mean(expected, axis=0))
    steps = np.isclose(grid * 10 % 1, 0)
    assert difference[steps].max() < 1e-9


def test_a_table_marks_what_differs_and_escapes_for_latex(compared: Workspace) -> None:
    table = tables.leaderboard_table(Material(compared))
    assert [row[0] for row in table.rows] == ["svm_stage2", "100%_&_more†"]
    assert table.rows[0][2] == "0.80 (0.70–0.90)"
    latex = table.latex()
    assert r"100\%\_\&\_more$\dagger$ & 40/40 & 0.60 (0.50--0.70)" in latex
    body = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert {line.replace(r"\&", "").count("&") for line in body} == {len(table.heading) - 1}
    assert "| 100%\\_&\\_more† |" in table.markdown()


def test_untested_differences_are_said_to_be_untested(results: Workspace) -> None:
    table = tables.leaderboard_table(Material(results))
    assert "Differences were not tested." in table.caption


def test_the_verb_prints_the_report_as_json(
    results: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    code = app.run(
        [
            "figures",
            "--project",
            str(results.root),
            "--only",
            "leaderboard",
            "--columns",
            "one",
            "--json",
        ]
    )
    document = json.loads(capsys.readouterr().out)
    assert code == 0
    assert [item["name"] for item in document["figures"]] == ["leaderboard"]
    assert all((results.root / path).is_file() for path in document["figures"][0]["files"])


def test_every_figure_has_a_place_in_the_registry() -> None:
    assert set(stage.FIGURES) == set(stage.FigureName.__args__)


def test_a_figure_is_saved_whole_or_not_at_all(tmp_path: Path) -> None:
    class Broken(Figure):
        def savefig(self, *_: object, **__: object) -> None:
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        save(Broken(), tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
    assert len(save(blank(1, 1), tmp_path / "b")) == 3


def _with_a_net(results: Workspace) -> None:
    """Put a net before the other models, with what it loses."""
    board = json.loads(results.leaderboard_json.read_text())
    board["models"].insert(0, board["models"][0] | {"model": "naive_cnn", "random_weights": True})
    results.leaderboard_json.write_text(json.dumps(board))
    folder = results.importances / "naive_cnn"
    folder.mkdir(parents=True)
    results.model("naive_cnn").mkdir()
    metrics = {"random_weights": True, "tiny": True}
    (results.model("naive_cnn") / "metrics.json").write_text(json.dumps(metrics))
    kinds = {"shuffled": "time", "no colour": "colour"} | dict.fromkeys(
        [f"without {row} {side}" for row in "abc" for side in "xyz"], "place"
    )
    rows = [
        {"alteration": name, "kind": kind, "drop": 0.1, "drop_low": low, "drop_high": 0.2}
        for (name, kind), low in zip(kinds.items(), [0.05, -0.02, *[None] * 9], strict=True)
    ]
    rows[2]["drop"] = None
    document = {
        "model": "naive_cnn", "roc_auc": 0.8, "n_sources": 40, "n_groups": 20, "n_splits": 2,
        "confidence": 0.95, "simulated": True, "alterations": rows,
    }  # fmt: skip
    (folder / "alterations.json").write_text(json.dumps(document))


@pytest.mark.parametrize("width", [3.5, 7.0])
def test_what_a_net_loses_is_drawn_with_its_intervals(results: Workspace, width: float) -> None:
    _with_a_net(results)
    with drawing(STYLES["plain"]):
        left, right = findings.alterations(Material(results), width).axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["shuffled", "no colour"]
    lines = {tuple(line.get_xdata()) for line in left.lines if len(line.get_xdata()) == 2}
    assert {(0.05, 0.2), (-0.02, 0.2)} <= lines
    colours = [line.get_color() for line in left.lines if line.get_marker() == "o"]
    assert colours == [BLUE, GREY]
    # What cannot be said has a row and no mark.
    assert len([line for line in right.lines if line.get_marker() == "o"]) == 8
    assert len(right.get_yticks()) == 9


def test_random_weights_and_the_unit_of_what_a_net_loses_are_said(results: Workspace) -> None:
    _with_a_net(results)
    caption = findings.alterations_caption(Material(results))
    assert "Unit: source; n = 40 in 20 groups" in caption
    assert "weights were random" in caption
    assert "smallest form" in caption
    assert caption.endswith("Simulated data.")
    report = generate_figures(results.root, columns=("one",), only=("alterations", "leaderboard"))
    assert report.figures[0]["name"] == "alterations"
    # Features are those of a model that reads features, though the net is ahead.
    with pytest.raises(MissingInputError, match="fvc importance svm_stage2"):
        _ = Material(results).importance
