"""Projects in which it is known what the label hangs on."""

from pathlib import Path

import numpy as np
import polars as pl

from fvc.features.names import FEATURE_NAMES, SCALED_FEATURE_NAMES
from fvc.tables import write_table
from fvc.workspace import Workspace


def planted(
    root: Path,
    *,
    sources: int = 80,
    per_group: int = 2,
    family: str | None = "dct",
    collection: str = "",
    collections: int = 8,
    variants: int = 2,
    effect: float = 1.6,
    seed: int = 0,
) -> Workspace:
    """Write an index and the tables of stages 1, 2 and 4 with the features' own names.

    Parameters
    ----------
    family
        Features whose name begins so differ between real and fake sources.
    collection
        Features whose name begins so tell the collection (of one class each) and nothing else.
    """
    rng = np.random.default_rng(seed)
    workspace = Workspace(root)
    groups = sources // per_group
    group = np.repeat(np.arange(groups), per_group)
    label = (np.arange(groups) % 2)[group]
    # A collection holds one class, and groups lie within collections.
    of_collection = (np.arange(groups) % collections)[group]
    names = [f"s{i:03d}" for i in range(sources)]
    index = pl.DataFrame({
        "source": names,
        "video_path": [f"videos/{name}.mp4" for name in names],
        "label": label,
        "raw_label": ["fake" if y else "real" for y in label],
        "group": [f"g{g:03d}" for g in group],
        "group_source": ["cascade"] * sources,
        "collection": [f"simulated c{c}" for c in of_collection],
        "platform": ["youtube"] * sources,
        "subset": ["FVC1"] * sources,
        "video_id": names,
        "width": rng.integers(100, 200, sources),
        "height": rng.integers(100, 200, sources),
        "fps": rng.choice([24.0, 25.0, 30.0], sources),
        "frame_count": [100] * sources,
        "duration_sec": rng.uniform(3, 9, sources),
        "codec_name": ["h264"] * sources,
        "bitrate": rng.integers(10_000, 20_000, sources),
        "pixel_format": ["yuv420p"] * sources,
        "has_audio": rng.random(sources) < 0.5,
        "file_size_bytes": rng.integers(10_000, 20_000, sources),
        "status": ["ok"] * sources,
    })  # fmt: skip
    write_table(index, workspace.index_csv)
    kinds = ["original", *("blur", "noise", "flip", "rotation")[:variants]]
    of = np.repeat(np.arange(sources), len(kinds))
    which = np.tile(np.arange(len(kinds)), sources)
    carried = pl.DataFrame({
        "clip": [
            f"{names[i]}_{'original' if k == 0 else f'aug{k - 1}'}"
            for i, k in zip(of, which, strict=True)
        ],
        "source": [names[i] for i in of],
        "label": label[of],
        "group": [f"g{g:03d}" for g in group[of]],
        "collection": [f"simulated c{c}" for c in of_collection[of]],
        "platform": ["youtube"] * len(of),
        "is_original": which == 0,
        "augmentation_idx": which - 1,
        "augmentation": [kinds[k] for k in which],
    })  # fmt: skip
    place = rng.normal(size=(collections, 40)) * 3
    for files, columns in (
        (workspace.stage2, FEATURE_NAMES),
        (workspace.stage4, SCALED_FEATURE_NAMES),
    ):
        X = rng.normal(size=(sources, len(columns)))
        for j, name in enumerate(columns):
            if family and name.startswith(family):
                X[:, j] += effect * (2 * label - 1) / 2
            if collection and name.startswith(collection):
                X[:, j] = place[of_collection, j] + 0.1 * rng.normal(size=sources)
        X = X[of] + 0.05 * rng.normal(size=(len(of), len(columns)))
        features = {name: X[:, j].astype(np.float32) for j, name in enumerate(columns)}
        table = carried.with_columns(feature_path=pl.lit("x.npy"), **features)
        write_table(table, files.table("parquet"))
    strengths = {
        "blur": lambda i: f'{{"sigma": {0.6 + 0.01 * i:.2f}}}',
        "noise": lambda i: f'{{"sigma": {2 + 0.05 * i:.2f}}}',
        "flip": lambda i: '{"axis": "horizontal"}',
        "rotation": lambda i: f'{{"degrees": {(-1) ** i * (2 + 0.1 * i):.2f}}}',
    }
    parameters = [
        strengths[kinds[k]](int(i)) if k else None for i, k in zip(of, which, strict=True)
    ]
    write_table(
        carried.with_columns(
            parameters=pl.Series(parameters, dtype=pl.String),
            video_path=pl.lit("x.mp4"),
            original_video=pl.lit("y.mp4"),
        ),
        workspace.stage1.table("parquet"),
    )
    return workspace
