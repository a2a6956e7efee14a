"""The cells of a model's notebook: text from the registry, code that reads results when it runs."""

from dataclasses import dataclass
from typing import Literal

from fvc.features import FEATURE_NAMES, SCALED_FEATURE_NAMES
from fvc.models.registry import ModelSpec
from fvc.reporting.notebooks.stories import Story


@dataclass(frozen=True)
class Cell:
    """One cell: its kind and its text."""

    kind: Literal["markdown", "code"]
    text: str


def _text(text: str) -> Cell:
    return Cell("markdown", text.strip())


def _code(text: str) -> Cell:
    return Cell("code", text.strip())


def notebook_cells(spec: ModelSpec, story: Story) -> list[Cell]:
    """Write all cells of a model's notebook, in the order in which they are read and run."""
    return [
        *_opening(spec, story),
        *_architecture(spec, story),
        *_saved(spec),
        *_training(spec),
        *_operations(spec),
        *_methods(spec),
        *_loading(spec),
        *_results(spec),
        *_closing(story),
    ]


def _opening(spec: ModelSpec, story: Story) -> list[Cell]:
    slurm = "slurm_stage5alpha.sh" if spec.notebook == "5alpha" else "slurm_stage5_training.sh"
    environment = "" if slurm.endswith("alpha.sh") else f"MODEL_TYPES={spec.name} "
    extra = (
        ""
        if spec.family == "tabular"
        else "\n\nIt needs the extra `deep`: `pip install 'fvc[deep]'`."
    )
    return [
        _text(
            f"# {spec.notebook} · {story.title} (`{spec.name}`)\n\n{story.idea}\n\n"
            f"*{spec.description}.* After {spec.reference}."
        ),
        _text(
            f"""
## How it is trained

From the command line, in the project's folder, after stages 1 to 4 (`fvc run` does all of them):

```bash
fvc train --model-types {spec.name}
```

On a SLURM cluster:

```bash
{environment}sbatch scripts/slurm_jobs/{slurm}
```

From Python:

```python
import fvc

report = fvc.stage5_train_models(".", model_types=("{spec.name}",), n_splits=5)
print(report.summary())
```{extra}
"""
        ),
        _text("## Set-up"),
        _code(
            f"""
import json
import os
from pathlib import Path

import polars as pl
from IPython.display import SVG, Image, Markdown, display

import fvc
from fvc.models import find_model
from fvc.tables import read_table
from fvc.workspace import Workspace

MODEL = "{spec.name}"
pl.Config.set_fmt_str_lengths(100)  # settings are shown whole

# The project: FVC_PROJECT, or the nearest folder from here upwards that holds data/.
here = Path.cwd()
above = (folder for folder in (here, *here.parents) if (folder / "data").is_dir())
project = Path(os.environ.get("FVC_PROJECT") or next(above, here))
workspace = Workspace(project)
spec = find_model(MODEL)
print(f"Project {{project.resolve().name}}, model {{MODEL}}, fvc {{fvc.__version__}}")
"""
        ),
    ]


def _architecture(spec: ModelSpec, story: Story) -> list[Cell]:
    return [
        _text("## Architecture\n\nFrom input to output:"),
        _code(
            """
from fvc.reporting.notebooks.drawing import architecture_svg

display(SVG(architecture_svg(MODEL)))
"""
        ),
        _code(
            """
facts = {
    "family": spec.family,
    "reads the tables of stages": ", ".join(map(str, spec.tables)),
    "parameters": "one a feature" if spec.parameters is None and spec.family == "tabular"
    else "not stated" if spec.parameters is None else f"{spec.parameters:,}",
    "GFLOPs a clip": "not stated" if spec.gflops is None else f"{spec.gflops:g}",
}
if spec.video is not None:
    facts["frames"] = f"{spec.video.num_frames} of {spec.video.size} pixels, {spec.video.padding}"
if spec.weights is not None:
    facts["weights"] = f"{spec.weights.source} ({spec.weights.licence})"
display(Markdown("\\n".join(["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in facts.items())])))
"""
        ),
    ]


def _saved(spec: ModelSpec) -> list[Cell]:
    return [
        _text("## Is there a trained model?"),
        _code(
            f"""
folder = workspace.model(MODEL)
metrics_file = folder / "metrics.json"
trained = metrics_file.is_file()
if trained:
    metrics = json.loads(metrics_file.read_text(encoding="utf-8"))
    print(f"Trained: {{len(metrics['files'])}} files in {{workspace.relative(folder)}}")
    for name in metrics["files"][:12]:
        print("  ", name)
else:
    print(f"{{MODEL}} is not trained in this project yet. The cells below say so and go on.")
    print("To train it: fvc train --model-types {spec.name}")
"""
        ),
    ]


def _training(spec: ModelSpec) -> list[Cell]:
    return [
        _text("## Training\n\nCommented out, since it takes a while; a second run resumes."),
        _code(
            """
# report = fvc.stage5_train_models(project, model_types=(MODEL,), n_splits=5)
# print(report.summary())
"""
        ),
        _text(
            "## Hyper-parameters\n\nThe grid that inner folds choose from, and what they chose. They "
            "are written in one place, `fvc.models.MODEL_CONFIGS`; "
            f"`fvc models show {spec.name}` prints them."
        ),
        _code(
            """
described = spec.to_dict()
print("fixed:", json.dumps(described["settings"]) if described["settings"] else "library defaults")
for grid in described["grid"]:
    print("grid: ", json.dumps(grid))
if described["training"]:
    print("training:", json.dumps(described["training"], indent=1))
if trained:
    chosen = pl.Series([json.dumps(row["settings"]) for row in metrics["fold_results"]])
    display(chosen.value_counts(sort=True).rename({"": "chosen", "count": "folds"}))
"""
        ),
    ]


def _operations(spec: ModelSpec) -> list[Cell]:
    return [
        _text(
            f"""
## Experiment tracking with MLflow

`fvc train --track` records parameters (`learning_rate`, `batch_size`, …), metrics of folds
(`train_loss`, `val_acc`, `test_f1`, …) with their intervals, plots, the environment, the fingerprint of
the data and the hash of the split. Without `MLFLOW_TRACKING_URI` the store is `mlflow.db` in the
project, which `mlflow ui --port 5000` shows.

```python
from fvc.tracking import create_mlflow_tracker
```

## SQL with DuckDB

`fvc query "SELECT * FROM leaderboard"` asks from the command line. From Python, on the folds of
`{spec.name}`:
"""
        ),
        _code(
            '''
from fvc.tracking import DuckDBAnalytics

if trained:
    analytics = DuckDBAnalytics()
    analytics.register_parquet("results", str(metrics_file))
    display(analytics.query("""
        SELECT fold, AVG(test_f1) AS avg_f1, STDDEV(test_f1) AS std_f1, AVG(test_roc_auc) AS avg_auc
        FROM results
        GROUP BY fold
        ORDER BY fold
    """))
else:
    print("No results to ask yet.")
'''
        ),
        _text(
            """
## Orchestration with Airflow

The DAG `fvc_pipeline` (`airflow/dags/fvc_pipeline_dag.py`) runs the stages in their order, stages 2 and
3 side by side, with retries, on a schedule if wanted; every option of a stage is a parameter of the
DAG. It calls the command `fvc`, so that Airflow lives in an environment of its own.
"""
        ),
    ]


def _methods(spec: ModelSpec) -> list[Cell]:
    cells = [
        _text(
            """
## Training methodology

- **Folds.** Five grouped folds, stratified by label as far as whole groups allow, read from the one split
  file that all models share. A group (a cascade of the same footage) is never on both sides.
- **Inner before outer.** Settings, early stopping, thresholds and calibration are chosen in inner grouped
  folds of the training part. The outer part is scored once: `val_…` is inner, `test_…` outer.
- **The unit is the source.** Variants train, with weights such that sources count equally; the
  unaugmented copy is scored.
- **Uncertainty.** Means over folds and repeats with the standard deviation, and 95 % intervals from a
  bootstrap over groups.
- **Failures are counted.** A source that could not be scored stands in the table as such.
"""
        )
    ]
    if spec.family == "video":
        cells.append(
            _text(
                """
### Optimisation

AdamW (β = 0.9, 0.999; weight decay 1e-4), cosine schedule after two warm-up epochs, 5e-6 for a
pretrained backbone and 5e-4 for heads, gradients clipped at norm 1.0, mixed precision where the device
has it, gradients accumulated to the same effective batch, early stopping after five epochs without a
better inner score, classes weighed equally, dropout 0.5 before the head. Frames are decoded once into a
cache; augmentation was done in stage 1.
"""
            )
        )
    if spec.family == "tabular":
        own = ", ".join(f"`{name}`" for name in FEATURE_NAMES)
        scaled = ", ".join(f"`{name}`" for name in SCALED_FEATURE_NAMES)
        second = "" if 4 not in spec.tables else f"\n\nOf the scaled copy (stage 4): {scaled}."
        cells.append(
            _text(
                f"## Feature engineering\n\nOf the clip (stage 2): {own}.{second}\n\nThey are measured "
                "on six frames at exact, uniform timestamps; codec features come from the packets of "
                "the raw file. Missing values are imputed, features scaled and collinear ones dropped "
                "inside each fold."
            )
        )
    if spec.family == "embedding":
        cells.append(
            _text(
                """
## Feature engineering

The frozen backbone's tokens are computed once a clip and kept, keyed by the clip, the weights and the
settings. Whatever sees labels (a head over time, the trees) is fitted inside each fold.
"""
            )
        )
    cells.append(
        _text(
            "## Design rationale\n\nWhy the pipeline is as it is: "
            "[00_MASTER_PIPELINE_JOURNEY.ipynb](00_MASTER_PIPELINE_JOURNEY.ipynb)."
        )
    )
    return cells


def _loading(spec: ModelSpec) -> list[Cell]:
    return [
        _text(
            "## Loading the model\n\nThe final detector is fitted on all groups. What to expect of it on "
            "new videos is the estimate from the outer folds, not its score on its own training data. "
            "No pickle is opened."
        ),
        _code(
            """
import warnings

from fvc.errors import FVCError, VideoError

# A progress bar that is not needed, and that a notebook without widgets cannot draw.
warnings.filterwarnings("ignore", message="IProgress not found")
detector = None
if trained:
    try:
        detector = fvc.load(MODEL, project=project)
        detector.detector  # reads the file itself
    except FVCError as error:
        detector = None
        print(f"It cannot be loaded: {error}")
if detector is not None:
    expected = {k: v for k, v in detector.expected.items() if v is not None}
    rows = [f"| {k.replace('_', ' ')} | {v} |" for k, v in expected.items()]
    display(Markdown("\\n".join(["| what to expect of it | |", "|---|---|", *rows])))
elif not trained:
    print("No model to load yet.")
"""
        ),
        _text(
            "## Sample videos with predictions\n\nHeld-out sources with the score of the fold model that "
            "never saw their group."
        ),
        _code(
            """
import matplotlib.pyplot as plt

from fvc.video import sample_frames

if trained:
    first = read_table(folder / "predictions.parquet").filter(pl.col("repeat") == 0)
    shown = pl.concat([first.filter(pl.col("label") == k).sort("source").head(2) for k in (0, 1)])
    index = read_table(workspace.index_csv).select("source", "video_path")
    shown = shown.join(index, on="source", how="left", maintain_order="left")
    figure, axes = plt.subplots(1, len(shown), figsize=(3.4 * len(shown), 3), squeeze=False)
    for axis, row in zip(axes[0], shown.iter_rows(named=True)):
        axis.axis("off")
        told = "not scored"
        if row["calibrated"] is not None:
            told = f"P(fake) {row['calibrated']:.2f}"
        elif row["score"] is not None:
            told = f"score {row['score']:.2f}, not calibrated"
        axis.set_title(f"{'fake' if row['label'] else 'real'}: {told}", fontsize=10)
        try:
            frame = sample_frames(workspace.absolute(row["video_path"]), num_frames=1).frames[0]
            axis.imshow(frame.to_ndarray(format="rgb24"))
        except (VideoError, OSError) as error:
            axis.text(0.5, 0.5, str(error)[:80], ha="center", wrap=True)
    plt.show()
    plt.close(figure)
else:
    print("No predictions to show yet.")
"""
        ),
        _text(
            "## Inference on a file\n\nThe way a new video is judged. These two files belong to the corpus "
            "that the detector was fitted on, so that the answers show the form and not the skill."
        ),
        _code(
            """
if detector is not None:
    pair = shown[[0, -1]]
    files = [workspace.absolute(path) for path in pair["video_path"]]
    for source, answer in zip(pair["source"], detector.predict(files, workers=1)):
        known = "not known" if answer.probability is None else f"{answer.probability:.2f}"
        print(f"{source}: {answer.error or f'P(fake) {known}, {answer.decision}'}")
else:
    print(f"With a trained {MODEL}: fvc predict PATH --model {MODEL}")
"""
        ),
    ]


def _results(spec: ModelSpec) -> list[Cell]:
    plots = "folder" if spec.layout == "flat" else 'folder / "plots"'
    return [
        _text("## Results\n\nOn sources, over all outer folds and repeats."),
        _code(
            """
if trained:
    aggregate = metrics["aggregate"]
    if metrics["simulated"]:
        display(Markdown("**The corpus is simulated: these numbers say nothing about real videos.**"))
    if not metrics["complete"]:
        display(Markdown(f"**Incomplete:** {metrics['incomplete_reason']}"))
    rows = []
    for name in ("roc_auc", "average_precision", "f1", "balanced_accuracy", "brier"):
        rows.append({
            "metric": name,
            "mean": aggregate.get(name),
            "low": aggregate.get(f"{name}_low"),
            "high": aggregate.get(f"{name}_high"),
            "sd over folds": aggregate.get(f"{name}_sd"),
        })
    n = f"{aggregate['n_scored']} of {aggregate['n_sources']} sources in {aggregate['n_groups']} groups"
    print(f"{n}; {aggregate['n_splits']} folds × {aggregate['repeats']} repeats")
    display(pl.DataFrame(rows, infer_schema_length=None))
else:
    print("No results yet.")
"""
        ),
        _text("## Training plots"),
        _code(
            f"""
pictures = sorted(({plots}).glob("*.png")) if trained else []
for picture in pictures:
    display(Markdown(f"**{{picture.stem.replace('_', ' ')}}**"), Image(filename=str(picture), width=800))
if not pictures:
    print("No plots yet.")
"""
        ),
    ]


def _closing(story: Story) -> list[Cell]:
    def listed(items: tuple[str, ...]) -> str:
        return "\n".join(f"- {item}." for item in items)

    difference = f"\n\n**Difference from 5a.** {story.difference}" if story.difference else ""
    return [
        _text(
            f"## Summary of the architecture\n\n**Advantages**\n\n{listed(story.advantages)}\n\n"
            f"**Limits**\n\n{listed(story.limits)}{difference}"
        ),
        _text("## Conclusion\n\nRead from the numbers above when the notebook runs."),
        _code(
            """
from fvc.reporting.notebooks.conclusion import conclude

display(Markdown(conclude(MODEL, project)))
"""
        ),
    ]
