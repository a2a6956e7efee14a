"""The cells about what a model is, how it is trained, and why so: text from the registry."""

from fvc.features import FEATURE_NAMES, SCALED_FEATURE_NAMES
from fvc.models.registry import ModelSpec
from fvc.reporting.notebooks.cells import Cell, code_cell, text_cell
from fvc.reporting.notebooks.stories import Story


def opening_cells(spec: ModelSpec, story: Story) -> list[Cell]:
    """Introduce the model, and set the notebook up."""
    slurm = "slurm_stage5alpha.sh" if spec.notebook == "5alpha" else "slurm_stage5_training.sh"
    environment = "" if slurm.endswith("alpha.sh") else f"MODEL_TYPES={spec.name} "
    extra = (
        ""
        if spec.family == "tabular"
        else "\n\nIt needs the extra `deep`: `pip install 'fvc[deep]'`."
    )
    return [
        text_cell(
            f"# {spec.notebook} · {story.title} (`{spec.name}`)\n\n{story.idea}\n\n"
            f"*{spec.description}.* After {spec.reference}."
        ),
        text_cell(
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
        text_cell("## Set-up"),
        code_cell(
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


def architecture_cells(spec: ModelSpec, story: Story) -> list[Cell]:
    """Draw the model and list its facts."""
    return [
        text_cell("## Architecture\n\nFrom input to output:"),
        code_cell(
            """
from fvc.reporting.notebooks.drawing import architecture_svg

display(SVG(architecture_svg(MODEL)))
"""
        ),
        code_cell(
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


def training_cells(spec: ModelSpec) -> list[Cell]:
    """Show the training and its grid."""
    return [
        text_cell("## Training\n\nCommented out, since it takes a while; a second run resumes."),
        code_cell(
            """
# report = fvc.stage5_train_models(project, model_types=(MODEL,), n_splits=5)
# print(report.summary())
"""
        ),
        text_cell(
            "## Hyper-parameters\n\nThe grid that inner folds choose from, and what they chose. They "
            "are written in one place, `fvc.models.MODEL_CONFIGS`; "
            f"`fvc models show {spec.name}` prints them."
        ),
        code_cell(
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


def operations_cells(spec: ModelSpec) -> list[Cell]:
    """Show tracking, queries and orchestration."""
    return [
        text_cell(
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
        code_cell(
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
        text_cell(
            """
## Orchestration with Airflow

The DAG `fvc_pipeline` (`airflow/dags/fvc_pipeline_dag.py`) runs the stages in their order, stages 2 and
3 side by side, with retries, on a schedule if wanted; every option of a stage is a parameter of the
DAG. It calls the command `fvc`, so that Airflow lives in an environment of its own.
"""
        ),
    ]


def methods_cells(spec: ModelSpec) -> list[Cell]:
    """Say how it is trained, and why so."""
    cells = [
        text_cell(
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
            text_cell(
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
            text_cell(
                f"## Feature engineering\n\nOf the clip (stage 2): {own}.{second}\n\nThey are measured "
                "on six frames at exact, uniform timestamps; codec features come from the packets of "
                "the raw file. Missing values are imputed, features scaled and collinear ones dropped "
                "inside each fold."
            )
        )
    if spec.family == "embedding":
        cells.append(
            text_cell(
                """
## Feature engineering

The frozen backbone's tokens are computed once a clip and kept, keyed by the clip, the weights and the
settings. Whatever sees labels (a head over time, the trees) is fitted inside each fold.
"""
            )
        )
    cells.append(
        text_cell(
            "## Design rationale\n\nWhy the pipeline is as it is: "
            "[00_MASTER_PIPELINE_JOURNEY.ipynb](00_MASTER_PIPELINE_JOURNEY.ipynb)."
        )
    )
    return cells


def closing_cells(story: Story) -> list[Cell]:
    """Sum up, and conclude from the numbers."""

    def listed(items: tuple[str, ...]) -> str:
        return "\n".join(f"- {item}." for item in items)

    difference = f"\n\n**Difference from 5a.** {story.difference}" if story.difference else ""
    return [
        text_cell(
            f"## Summary of the architecture\n\n**Advantages**\n\n{listed(story.advantages)}\n\n"
            f"**Limits**\n\n{listed(story.limits)}{difference}"
        ),
        text_cell("## Conclusion\n\nRead from the numbers above when the notebook runs."),
        code_cell(
            """
from fvc.reporting.notebooks.conclusion import conclude

display(Markdown(conclude(MODEL, project)))
"""
        ),
    ]
