"""Every command, flag and import that the two workflow documents print, as printed."""

import os
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent

# Imports of the documents' code cells, and the functions that their text names with a module path.
IMPORTS = """
from src.scripts.train_sklearn_logreg import train_sklearn_logreg
from lib.mlops.mlflow_tracker import create_mlflow_tracker
from lib.utils.duckdb_analytics import DuckDBAnalytics
from lib.utils.paths import load_metadata_flexible
from lib.training.metrics_utils import compute_classification_metrics
from lib.augmentation.pipeline import stage1_augment_videos
from lib.features.pipeline import stage2_extract_features
from lib.scaling.pipeline import stage3_scale_videos
from lib.features.scaled import stage4_extract_scaled_features
from lib.training.pipeline import stage5_train_models
import lib.training.grid_search
from lib.training import MODEL_CONFIGS, LogisticRegressionBaseline
import numpy as np
import pandas as pd
import polars as pl
import matplotlib.pyplot as plt
import seaborn as sns
from IPython.display import Video, display, HTML, Image
import json
import joblib
import cv2
"""

# Where nothing can be fetched there are no published weights; without the extra, no nets. The
# dashboard, which serves until it is ended, has tests of its own.
NETS = (3, "the pretrained weights of x3d") if find_spec("torch") else (8, "fvc[deep]")

# In the order of the document: command, exit code, and what its output says.
COMMANDS = [
    ("python src/setup_fvc_dataset.py", 0, ""),
    ("python src/scripts/run_stage1_augmentation.py --num-augmentations 10", 0, ""),
    ("python src/scripts/run_stage2_features.py --num-frames 6", 0, ""),
    ("python src/scripts/run_stage3_scaling.py --target-size 256 --method resolution", 0, ""),
    ("python src/scripts/run_stage4_scaled_features.py --num-frames 6", 0, ""),
    (
        "python src/scripts/run_stage5_training.py --model-types x3d slowfast --n-splits 5",
        *NETS,
    ),
    ("python src/scripts/run_stage5_training.py --model-types x3d slowfast", *NETS),
    ("python src/notebooks/generate_model_notebooks.py", 0, "23 notebooks written"),
    ("python src/run_new_pipeline.py", 0, ""),
    ("python src/run_new_pipeline.py --only-stage 1", 0, ""),
    ("python src/run_new_pipeline.py --only-stage 2", 0, ""),
    ("python src/scripts/run_stage1_augmentation.py", 0, ""),
    ("python src/scripts/run_stage2_features.py", 0, ""),
    ("python src/scripts/run_stage3_scaling.py", 0, ""),
    ("python src/scripts/run_stage4_scaled_features.py", 0, ""),
    ("python src/generate_paper_figures.py", 0, "leaderboard"),
]

OUTPUTS = [
    "data/video_index_input.csv",
    "data/video_index_input.json",
    "videos/FVC1",
    "videos/FVC2",
    "videos/FVC3",
    "videos/Metadata/FVC.csv",
    "videos/Metadata/FVC_dup.csv",
    "data/augmented_videos/augmented_metadata.arrow",
    "data/features_stage2/features_metadata.arrow",
    "data/scaled_videos/scaled_metadata.arrow",
    "data/features_stage4/features_scaled_metadata.arrow",
    "data/stage5/logistic_regression/fold_0/model.joblib",
    "data/stage5/logistic_regression/fold_0/metrics.json",
    "data/stage5/logistic_regression/metrics.json",
    "data/stage5/logistic_regression/plots",
    "data/stage5/svm/metrics.json",
    "logs/stage5",
    "src/notebooks/5a_logistic_regression.ipynb",
    "src/notebooks/5alpha_sklearn_logreg.ipynb",
    "src/notebooks/5u_two_stream.ipynb",
    "figures/leaderboard_two_column.pdf",
]

# The query of the notebook document, and its call of the training function.
NOTEBOOK = '''
from lib.utils.duckdb_analytics import DuckDBAnalytics

model_type = "logistic_regression"
analytics = DuckDBAnalytics()
analytics.register_parquet('results', f'data/stage5/{model_type}/metrics.json')
result = analytics.query("""
    SELECT
        fold,
        AVG(test_f1) as avg_f1,
        STDDEV(test_f1) as std_f1
    FROM results
    GROUP BY fold
""")
assert len(result) == 5, result

from src.scripts.train_sklearn_logreg import train_sklearn_logreg

results = train_sklearn_logreg(
    project_root=".",
    scaled_metadata_path="data/stage3/scaled_metadata.parquet",
    features_stage2_path="data/stage2/features_metadata.parquet",
    features_stage4_path=None,
    output_dir="data/stage5/sklearn_logreg",
    n_splits=5,
    delete_existing=False
)
import json
from importlib.util import find_spec
from pathlib import Path
folder = Path("data/stage5/sklearn_logreg")
for name in ("model.joblib", "scaler.joblib", "metrics.json", "roc_pr_curves.png"):
    assert (folder / name).is_file(), name
assert results == json.loads((folder / "metrics.json").read_text())

from lib.utils.paths import load_metadata_flexible
scaled_df = load_metadata_flexible("data/stage3/scaled_metadata.parquet")
features_df = load_metadata_flexible("data/stage2/features_metadata.parquet")
assert scaled_df.height == features_df.height == 22 * 11
sample_videos = scaled_df.head(5).to_pandas()
print(sample_videos[["video_path", "label"]].to_string())
'''


def test_the_documented_imports_work_in_the_repository() -> None:
    _python(IMPORTS, cwd=REPOSITORY)


@pytest.mark.parametrize("command", sorted({shlex.split(c)[1] for c, _, _ in COMMANDS}))
def test_every_documented_script_is_there(command: str) -> None:
    assert (REPOSITORY / command).is_file()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_documented_commands_run_in_their_order(project: Path) -> None:
    for command, code, text in COMMANDS:
        _, *arguments = shlex.split(command)
        done = _run([sys.executable, *arguments], cwd=project)
        assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
        assert text in done.stdout + done.stderr, command
        assert "Traceback" not in done.stderr, f"{command}\n{done.stderr}"
    for output in OUTPUTS:
        assert (project / output).exists(), output
    _python(NOTEBOOK, cwd=project)
    execute = ["src/notebooks/generate_model_notebooks.py", "--execute", "--model-types"]
    models = ["logistic_regression", "svm", "sklearn_logreg"]
    done = _run([sys.executable, *execute, *models], cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    for notebook in ("5a_logistic_regression", "5b_svm", "5alpha_sklearn_logreg"):
        told = (project / "src" / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8")
        assert "reaches a ROC AUC of" in told


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make the root that the documents work in: the scripts, and the archives beside them."""
    from fvc.dataset import make_simulated_archives

    (tmp_path / "lib").symlink_to(REPOSITORY / "lib")
    notebooks = tmp_path / "src" / "notebooks"
    notebooks.mkdir(parents=True)
    for path in (REPOSITORY / "src").iterdir():
        if path.name != notebooks.name:
            (tmp_path / "src" / path.name).symlink_to(path)
    # Notebooks are written here: a link would lead into the repository.
    shutil.copy(REPOSITORY / "src" / "notebooks" / "generate_model_notebooks.py", notebooks)
    make_simulated_archives(tmp_path / "archive", num_sources=22, seed=1)
    return tmp_path


def _python(code: str, *, cwd: Path) -> None:
    # As a notebook started there has it: the working directory is on the path.
    done = _run([sys.executable, "-c", code], cwd=cwd)
    assert done.returncode == 0, done.stderr


def _run(command: list[str], *, cwd: Path) -> subprocess.CompletedProcess[str]:
    # A proxy that is not there: else a machine with a network would fetch weights, and train.
    nowhere = {"HF_HUB_OFFLINE": "1", "https_proxy": "http://127.0.0.1:9"}
    environment = os.environ | {"MPLBACKEND": "agg"} | nowhere
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=600
    )
