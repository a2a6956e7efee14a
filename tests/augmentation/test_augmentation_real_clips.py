"""Stage 1 on clips as people have them."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fvc.augmentation import AUGMENTATIONS, remake
from fvc.augmentation.stage import AugmentSource
from fvc.stages import Unit
from fvc.video import Standardiser, decode, luma_plane
from fvc.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.real_clips]


@pytest.fixture(scope="module")
def shortest(real_clips: Path) -> list[Path]:
    """The shortest clip of each container, below a size at which this would take minutes."""
    index = pl.read_csv(real_clips / "index.csv", infer_schema_length=None)
    small = index.filter(pl.col("width") * pl.col("height") < 600_000, pl.col("frames") > 30)
    small = small.with_columns(ending=pl.col("path").str.extract(r"\.(\w+)$"))
    first = small.sort(pl.col("frames") * pl.col("width")).unique("ending", keep="first")
    return [real_clips / path for path in first["path"]]


def test_all_twelve_on_real_clips(shortest: list[Path], tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    work = AugmentSource(str(tmp_path), 12, None, 0, AUGMENTATIONS)
    assert len(shortest) >= 2
    for number, clip in enumerate(shortest):
        source = f"s{number}"
        row = {"source": source, "label": 0, "group": source, "collection": None, "platform": None}
        unit = Unit(source, row | {"video_path": workspace.relative(clip)}, "")
        rows = work(unit)
        assert len(rows) == 13
        upright = Standardiser()
        raw = [(f.pts * f.time_base, luma_plane(upright(f)).astype(float)) for f in decode(clip)]
        for row in rows:
            path = tmp_path / row["video_path"]
            made = [(f.pts * f.time_base, luma_plane(f).astype(float)) for f in decode(path)]
            assert len(made) == row["frame_count"], row
            if row["augmentation"] in ("frame_drop", "frame_duplicate"):
                assert len(made) != len(raw)
                continue
            backwards = row["augmentation"] == "temporal_reverse"
            start, end = raw[0][0], raw[-1][0]
            expected = [end - t for t, _ in raw[::-1]] if backwards else [t - start for t, _ in raw]
            np.testing.assert_allclose([float(t) for t, _ in made], [float(t) for t in expected])
            if row["is_original"] or backwards:
                like = raw[::-1] if backwards else raw
                error = np.mean(
                    [((a - b) ** 2).mean() for (_, a), (_, b) in zip(made, like, strict=True)]
                )
                assert 10 * np.log10(255**2 / error) > 34, row
        again = tmp_path / "again.mp4"
        for row in rows[::4]:
            remake(row, workspace, again)
            assert again.read_bytes() == (tmp_path / row["video_path"]).read_bytes(), row
