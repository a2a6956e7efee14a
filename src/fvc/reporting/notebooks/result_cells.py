"""The cells that read what a trained model has left, when the notebook runs."""

from fvc.models.registry import ModelSpec
from fvc.reporting.notebooks.cells import Cell, code_cell, text_cell


def saved_cells(spec: ModelSpec) -> list[Cell]:
    """Look for a trained model."""
    return [
        text_cell("## Is there a trained model?"),
        code_cell(
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


def loading_cells(spec: ModelSpec) -> list[Cell]:
    """Load it and judge files with it."""
    return [
        text_cell(
            "## Loading the model\n\nThe final detector is fitted on all groups. What to expect of it on "
            "new videos is the estimate from the outer folds, not its score on its own training data. "
            "No pickle is opened."
        ),
        code_cell(
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
        text_cell(
            "## Sample videos with predictions\n\nHeld-out sources with the score of the fold model that "
            "never saw their group."
        ),
        code_cell(
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
        text_cell(
            "## Inference on a file\n\nThe way a new video is judged. These two files belong to the corpus "
            "that the detector was fitted on, so that the answers show the form and not the skill."
        ),
        code_cell(
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


def results_cells(spec: ModelSpec) -> list[Cell]:
    """Show its numbers and plots."""
    plots = "folder" if spec.layout == "flat" else 'folder / "plots"'
    return [
        text_cell("## Results\n\nOn sources, over all outer folds and repeats."),
        code_cell(
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
        text_cell("## Training plots"),
        code_cell(
            f"""
pictures = sorted(({plots}).glob("*.png")) if trained else []
for picture in pictures:
    display(Markdown(f"**{{picture.stem.replace('_', ' ')}}**"), Image(filename=str(picture), width=800))
if not pictures:
    print("No plots yet.")
"""
        ),
    ]
