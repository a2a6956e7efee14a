"""A project whose index and feature tables are simulated."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fvc.tables import write_table
from fvc.workspace import Workspace
from quick_boards import quick_boards

N_FEATURES = 6


def simulate(
    root: Path,
    *,
    sources: int = 40,
    per_group: int = 1,
    variants: int = 2,
    signal: float = 1.5,
    source_noise: float = 1.0,
    failed: tuple[int, ...] = (),
    nulls: float = 0.05,
    seed: int = 0,
    format: str = "arrow",
) -> Workspace:
    """Write an index and the tables of stages 2, 3 and 4.

    Each source has a fingerprint that its variants share; `signal` shifts the first feature of
    fakes. Sources whose number is in `failed` have no clips.
    """
    rng = np.random.default_rng(seed)
    workspace = Workspace(root)
    names = [f"s{i:05d}" for i in range(sources)]
    group = [f"g{i // per_group:05d}" for i in range(sources)]
    label = [(i // per_group) % 2 for i in range(sources)]
    index = pl.DataFrame({
        "source": names,
        "video_path": [f"videos/{name}.mp4" for name in names],
        "label": label,
        "raw_label": ["fake" if y else "real" for y in label],
        "group": group,
        "group_source": ["cascade"] * sources,
        "collection": ["simulated"] * sources,
        "platform": ["youtube"] * sources,
        "subset": ["FVC1"] * sources,
        "video_id": names,
        "width": rng.integers(100, 200, sources),
        "height": rng.integers(100, 200, sources),
        "fps": [25.0] * sources,
        "frame_count": [100] * sources,
        "duration_sec": [4.0] * sources,
        "codec_name": ["h264"] * sources,
        "bitrate": rng.integers(10_000, 20_000, sources),
        "pixel_format": ["yuv420p"] * sources,
        "has_audio": [True] * sources,
        "file_size_bytes": rng.integers(10_000, 20_000, sources),
        "status": ["ok"] * sources,
    })  # fmt: skip
    write_table(index, workspace.index_csv)
    kinds = ["original", *("blur", "noise", "flip", "rotation")[:variants]]
    there = [i for i in range(sources) if i not in failed]
    rows = [(i, k) for i in there for k in range(len(kinds))]
    of = np.array([i for i, _ in rows])
    clip = [f"{names[i]}_{'original' if k == 0 else f'aug{k - 1}'}" for i, k in rows]
    carried = pl.DataFrame({
        "clip": clip,
        "source": [names[i] for i, _ in rows],
        "label": [label[i] for i, _ in rows],
        "group": [group[i] for i, _ in rows],
        "collection": ["simulated"] * len(rows),
        "platform": ["youtube"] * len(rows),
        "is_original": [k == 0 for _, k in rows],
        "augmentation_idx": [k - 1 for _, k in rows],
        "augmentation": [kinds[k] for _, k in rows],
    })  # fmt: skip
    y = np.array(label)
    for files, prefix in ((workspace.stage2, "f"), (workspace.stage4, "e")):
        prints = rng.normal(size=(sources, N_FEATURES)) * source_noise
        prints[:, 0] += signal * (2 * y - 1) / 2
        X = (prints[of] + 0.1 * rng.normal(size=(len(rows), N_FEATURES))).astype(np.float32)
        values = {f"{prefix}{j}": pl.Series(X[:, j]) for j in range(N_FEATURES)}
        gaps = pl.Series(rng.random(len(rows)) < nulls)
        values[f"{prefix}3"] = pl.select(pl.when(~gaps).then(values[f"{prefix}3"])).to_series()
        table = carried.with_columns(
            feature_path=pl.concat_str(pl.lit("data/"), pl.col("clip"), pl.lit(".npy")), **values
        )
        write_table(table, files.table(format))  # type: ignore[arg-type]
    scaled = carried.with_columns(video_path=pl.lit("x.mp4"))
    write_table(scaled, workspace.stage3.table(format))  # type: ignore[arg-type]
    return workspace


@pytest.fixture(scope="session")
def simulated() -> Callable[..., Workspace]:
    return simulate


@pytest.fixture(scope="session")
def small_grid(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two candidates a model: enough to choose from, quick to fit."""
    path = tmp_path_factory.mktemp("grid") / "grid.yaml"
    path.write_text(
        "logistic_regression: {C: [0.01, 1.0]}\n"
        "logistic_regression_stage2: {C: [0.01, 1.0]}\n"
        "logistic_regression_stage2_stage4: {C: [0.01, 1.0]}\n"
        "svm: {C: [0.01, 0.1]}\n"
        "sklearn_logreg: {penalty: [l1, l2]}\n"
        "gradient_boosting: {n_estimators: [5], max_depth: [1, 2]}\n"
    )
    return str(path)


@pytest.fixture(scope="module", autouse=True)
def _quick_boards() -> Iterator[None]:
    with quick_boards():
        yield


@pytest.fixture(scope="module")
def pictures() -> Iterator[None]:
    """Draw the pictures of training all the same."""
    from fvc.training.plots import write_plots

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fvc.training.model.write_plots", write_plots)
        yield
