"""Playing a source's standard copy or one of its variants."""

import json

import streamlit as st

from fvc.dashboard.reading import query
from fvc.workspace import Workspace


def quoted(value: str) -> str:
    """Write a text as a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def play_clip(workspace: Workspace, source: str, augmentation_idx: int = -1) -> None:
    """Show a player of a clip, or say why there is none."""
    found = query(
        workspace,
        "SELECT video_path, width, height, fps, frame_count, parameters FROM clips "
        f"WHERE source = {quoted(source)} AND augmentation_idx = {augmentation_idx}",
    )
    if found is None or not len(found):
        st.caption("It has no clip: fvc augment makes it.")
        return
    row = found.row(0, named=True)
    path = workspace.absolute(row["video_path"])
    if not path.is_file():
        st.error(f"The file is gone: {row['video_path']}. fvc augment makes it again.")
        return
    st.video(str(path), format="video/mp4")
    st.caption(
        f"{row['width']} × {row['height']}, {row['fps']:.3g} Hz, {row['frame_count']} frames."
        f"{_settings(row['parameters'])}"
    )


def _settings(parameters: str | None) -> str:
    """Write a variant's parameters as words: ``gain 1.3, bias −2``."""
    found = json.loads(parameters or "{}")
    words = [
        f"{key.replace('_', ' ')} {value:.4g}"
        if isinstance(value, float)
        else f"{key.replace('_', ' ')} {value}"
        for key, value in found.items()
    ]
    return f" {', '.join(words)}." if words else ""
