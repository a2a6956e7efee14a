"""What pages show, without a browser."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SCREENS = ("overview", "corpus", "leaderboard", "model", "compare", "features", "audit", "trial")


def _page(screen: str, project: Path) -> "AppTest":
    from streamlit.testing.v1 import AppTest

    script = (
        f"from fvc.dashboard.frame import page_of\nfrom fvc.dashboard.screens import {screen}\n"
        f"from fvc.workspace import Workspace\n"
        f"page_of({screen}.show, Workspace({str(project)!r}), {screen!r})()\n"
    )
    return AppTest.from_string(script, default_timeout=120).run()


def _words(page: Any) -> str:
    parts = [*page.markdown, *page.info, *page.code, *page.success, *page.caption, *page.error]
    return "\n".join(str(part.value) for part in parts)


@pytest.mark.parametrize("screen", SCREENS)
def test_a_page_of_a_finished_project_has_no_error(screen: str, shown_project: Path) -> None:
    page = _page(screen, shown_project)
    assert not page.exception
    assert not page.error
    assert len(page.title) == 1


@pytest.mark.parametrize(
    ("screen", "command"),
    [
        ("overview", "fvc setup --corpus CLIPS"),
        ("corpus", "fvc setup --corpus CLIPS"),
        ("leaderboard", "fvc train"),
        ("model", "fvc train"),
        ("compare", "fvc train"),
        ("features", "fvc features"),
        ("audit", "fvc audit gradient_boosting"),
        ("trial", "fvc train"),
    ],
)
def test_a_page_of_an_empty_project_says_what_to_run(
    screen: str, command: str, tmp_path: Path
) -> None:
    page = _page(screen, tmp_path)
    assert not page.exception
    assert command in [block.value for block in page.code]


def test_the_overview_counts_what_is_in_the_tables(shown_project: Path) -> None:
    index = pl.read_csv(shown_project / "data" / "video_index_input.csv")
    page = _page("overview", shown_project)
    numbers = {metric.label: metric.value for metric in page.metric}
    assert numbers["Sources"] == f"{len(index)}"
    assert numbers["Groups"] == f"{index['group'].n_unique()}"
    assert numbers["Clips"] == f"{3 * len(index)}"
    assert numbers["Trained models"] == "2"


def test_a_damaged_result_is_an_error_with_its_file(shown_project: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(shown_project / "data" / "stage5", copy / "data" / "stage5")
    (copy / "data" / "stage5" / "leaderboard.json").write_text("{")
    page = _page("leaderboard", copy)
    assert not page.exception
    assert "leaderboard.json cannot be read" in page.error[0].value


def test_filters_of_the_corpus_find_what_polars_finds(shown_project: Path) -> None:
    index = pl.read_csv(shown_project / "data" / "video_index_input.csv")
    page = _page("corpus", shown_project)
    page.selectbox[0].select("fake").run()
    page.text_input[0].input("YOU").run()
    expected = index.filter(
        pl.col("label") == 1, pl.col("source").str.to_lowercase().str.contains("you")
    )
    assert set(page.dataframe[0].value["source"]) == set(expected["source"])


def test_a_quote_in_a_filter_is_a_letter(shown_project: Path) -> None:
    page = _page("corpus", shown_project)
    page.text_input[0].input("' OR true --").run()
    assert not page.exception
    assert not page.error
    assert "0 sources" in _words(page)


def test_the_threshold_gives_the_counts_of_the_predictions(shown_project: Path) -> None:
    page = _page("model", shown_project)
    name = page.selectbox[0].value
    table = pl.read_parquet(shown_project / "data" / "stage5" / name / "predictions.parquet")
    means = table.group_by("source").agg(
        pl.col("label").first(), pl.col("score", "calibrated").mean()
    )
    score = means["calibrated"] if not means["calibrated"].null_count() else means["score"]
    page.slider[0].set_value(0.35).run()
    counts = next(t.value for t in page.dataframe if "called fake" in t.value)
    called = score >= 0.35
    fake = means["label"] == 1
    assert list(counts["called fake"]) == [(called & ~fake).sum(), (called & fake).sum()]
    assert list(counts["called real"]) == [(~called & ~fake).sum(), (~called & fake).sum()]


def test_dearer_misses_lower_the_cheapest_threshold(shown_project: Path) -> None:
    page = _page("model", shown_project)
    cheapest = next(m for m in page.metric if m.label == "Cheapest threshold")
    assert cheapest.value == "0.50"
    page.number_input[1].set_value(3.0).run()
    cheapest = next(m for m in page.metric if m.label == "Cheapest threshold")
    assert cheapest.value == "0.25"


def test_two_models_are_compared_in_the_order_asked(shown_project: Path) -> None:
    page = _page("compare", shown_project)
    first, second = page.selectbox[0].value, page.selectbox[1].value
    before = _number(page.metric[0].value)
    page.selectbox[0].select(second).run()
    page.selectbox[1].select(first).run()
    assert _number(page.metric[0].value) == pytest.approx(-before)
    shares = [metric.value for metric in page.metric[1:]]
    assert sum(int(share.split()[0]) for share in shares) == 24


def _number(text: str) -> float:
    return float(text.replace("−", "-"))


def test_no_decision_has_a_price_too(shown_project: Path) -> None:
    page = _page("model", shown_project)
    name = page.selectbox[0].value
    page.number_input[2].set_value(0.2).run()
    assert next(m for m in page.metric if m.label == "Cheapest threshold").value == "0.20–0.80"
    table = pl.read_parquet(shown_project / "data" / "stage5" / name / "predictions.parquet")
    means = table.group_by("source").agg(
        pl.col("label").first(), pl.col("score", "calibrated").mean()
    )
    score = means["calibrated"] if not means["calibrated"].null_count() else means["score"]
    fake = means["label"] == 1
    undecided = (score >= 0.2) & (score < 0.8)
    wrong = ((score >= 0.8) & ~fake) | ((score < 0.2) & fake)
    paid = (0.2 * undecided.sum() + wrong.sum()) / len(means)
    assert next(m for m in page.metric if m.label == "Cost a video").value == f"{paid:.2f}"
    counts = next(t.value for t in page.dataframe if "undecided" in t.value)
    assert sum(counts["undecided"]) == undecided.sum()


@pytest.mark.parametrize(
    "command",
    [
        "fvc calibration gradient_boosting",
        "fvc decisions gradient_boosting",
        "fvc robustness gradient_boosting",
        "fvc robustness gradient_boosting --after platforms",
    ],
)
def test_what_was_not_measured_of_a_model_names_its_command(
    shown_project: Path, command: str
) -> None:
    page = _page("model", shown_project)
    if page.selectbox[0].value != "gradient_boosting":
        page.selectbox[0].select("gradient_boosting").run()
    assert command in [block.value for block in page.code]


def test_what_was_measured_of_a_model_is_shown(shown_project: Path, tmp_path: Path) -> None:
    import shutil

    from fvc.evaluation.calibration_report import model_calibration
    from fvc.evaluation.decisions_report import model_decisions

    shutil.copytree(shown_project / "data" / "stage5", tmp_path / "data" / "stage5")
    path = tmp_path / "data" / "stage5" / "logistic_regression" / "predictions.parquet"
    once = pl.read_parquet(path)
    # Twice as many sources, as if calibrated: there are too few to calibrate on.
    once = once.with_columns(calibrated=pl.col("score"))
    again = once.with_columns(pl.col("source", "group") + "_again")
    pl.concat([once, again]).write_parquet(path)
    said = model_calibration(tmp_path, model="logistic_regression", resamples=100).document
    rules = model_decisions(tmp_path, model="logistic_regression", resamples=100).document["rows"]
    page = _page("model", tmp_path)
    if page.selectbox[0].value != "logistic_regression":
        page.selectbox[0].select("logistic_regression").run()
    assert not page.exception
    robustness = tmp_path / "data/stage5/robustness/logistic_regression/robustness.json"
    for line in [*said["verdict"], *json.loads(robustness.read_text())["verdict"]]:
        assert line in _words(page)
    assert any(
        list(t.value["rule"]) == [row["rule"] for row in rules]
        for t in page.dataframe
        if "rule" in t.value
    )


def test_pairs_of_near_duplicates_play_side_by_side(shown_project: Path) -> None:
    pairs = pl.read_parquet(shown_project / "data" / "duplicates" / "pairs.parquet")
    page = _page("corpus", shown_project)
    shown = next(t.value for t in page.dataframe if "source_a" in t.value)
    wanted = pairs.filter(~pl.col("same_group"))
    wanted = wanted if len(wanted) else pairs
    assert list(shown["source_a"]) == wanted["source_a"].to_list()
    first = wanted.row(0, named=True)
    assert [part.value for part in page.subheader][-2:] == [first["source_a"], first["source_b"]]


def test_the_map_of_features_holds_every_clip(shown_project: Path) -> None:
    page = _page("features", shown_project)
    assert "72 clips." in _words(page)


def test_an_interval_that_is_open_on_one_side_is_shown_open() -> None:
    from fvc.dashboard.calibration import _between

    assert _between({"value": 1.0, "low": 0.5, "high": None}) == "1.00 (0.50 to ?)"
    assert _between({"value": 1.0, "low": None, "high": None}) == "1.00"
    assert _between({"value": None, "low": None, "high": None}) == "not known"


def test_a_net_has_its_curves_its_card_and_a_word_on_its_weights(
    shown_project: Path, tmp_path: Path
) -> None:
    import shutil

    import fvc

    project = tmp_path / "net"
    shutil.copytree(shown_project, project)
    fvc.stage5_train_models(
        project,
        model_types=("naive_cnn",),
        n_splits=3,
        weights="none",
        tiny=True,
        max_epochs=2,
    )
    page = _page("leaderboard", project)
    assert any("Random weights: naive_cnn" in box.value for box in page.warning)
    page = _page("model", project)
    page.selectbox[0].select("naive_cnn").run()
    assert not page.exception
    assert any("random weights" in box.value for box in page.warning)
    curves = next(t.value for t in page.dataframe if "train_loss" in t.value)
    assert len(curves) == 3 * 2
    assert curves["train_loss"].notna().all()
    words = "\n".join(str(part.value) for part in page.get("html"))
    for fact in ("parameters", "frames of", "weights", "random", "24 sources (12 real, 12 fake)"):
        assert fact in words


def _with_a_net(project: Path, copy: Path) -> None:
    """Copy a project's results and put a net beside them, with what it loses."""
    import shutil

    stage5 = copy / "data" / "stage5"
    shutil.copytree(project / "data" / "stage5", stage5)
    board = json.loads((stage5 / "leaderboard.json").read_text())
    board["models"].insert(0, board["models"][0] | {"model": "naive_cnn"})
    (stage5 / "leaderboard.json").write_text(json.dumps(board))
    shutil.copytree(stage5 / "logistic_regression", stage5 / "naive_cnn")
    metrics = json.loads((stage5 / "naive_cnn" / "metrics.json").read_text())
    (stage5 / "naive_cnn" / "metrics.json").write_text(
        json.dumps(metrics | {"random_weights": True, "family": "video"})
    )


def _what_it_loses(copy: Path) -> list[dict[str, Any]]:
    parts = [f"without {row} {side}" for row in ("top", "middle", "bottom") for side in "lcr"]
    rows = [
        {"alteration": name, "kind": "place" if name in parts else "time", "words": f"no {name}",
         "drop": 0.1 * place, "drop_low": -0.25, "drop_high": 0.5, "n_sources": 24}
        for place, name in enumerate(("shuffled", "still", *parts))
    ]  # fmt: skip
    rows[-1] |= {"drop": None, "drop_low": None, "drop_high": None}
    document = {
        "model": "naive_cnn", "alterations": rows, "roc_auc": 0.75, "n_sources": 24, "n_groups": 20,
        "n_splits": 3, "confidence": 0.95, "verdict": ["Nothing costs AUC."],
        "notes": ["Its weights were random at the beginning, not pretrained."],
    }  # fmt: skip
    folder = copy / "data" / "stage5" / "importance" / "naive_cnn"
    folder.mkdir()
    (folder / "alterations.json").write_text(json.dumps(document))
    return rows


@pytest.mark.parametrize("screen", ["features", "model"])
def test_what_a_net_rests_on_is_shown_with_unit_intervals_and_weights(
    screen: str, shown_project: Path, tmp_path: Path
) -> None:
    _with_a_net(shown_project, tmp_path)
    page = _page(screen, tmp_path)
    assert "fvc importance naive_cnn" in [block.value for block in page.code]
    rows = _what_it_loses(tmp_path)
    page = _page(screen, tmp_path)
    assert not page.exception
    words = _words(page)
    assert "Nothing costs AUC." in words
    assert "Unit: source, n = 24 in 20 groups" in words
    assert "95 % intervals" in words
    assert "weights were random" in words
    assert any("random weights" in str(warning.value) for warning in page.warning)
    tables = [t.value for t in page.dataframe if "taken away" in t.value]
    assert [len(table) for table in tables] == [2, 9]
    assert list(tables[0]["AUC lost"]) == [row["drop"] for row in rows[:2]]
    assert set(tables[0]["interval"]) == {"−0.25 to +0.50"}
    assert tables[1]["AUC lost"].isna().sum() == 1
