"""What all pages share: the sidebar, what is said where nothing is, and how errors look."""

from collections.abc import Callable
from typing import Any

import polars as pl
import streamlit as st

from fvc.dashboard.reading import board_of
from fvc.errors import FVCError
from fvc.workspace import Workspace

Show = Callable[[Workspace], None]

CHART: dict[str, Any] = {"displaylogo": False, "responsive": True}
"""How every chart behaves."""


def page_of(show: Show, workspace: Workspace, name: str) -> Callable[[], None]:
    """Make a page of a function: an error of ours becomes a message with the way out."""

    def page() -> None:
        try:
            show(workspace)
        except FVCError as error:
            st.error(str(error), icon=":material/error:")

    # Streamlit tells pages apart by the names of their functions.
    page.__name__ = name
    return page


def sidebar(workspace: Workspace) -> None:
    """Name the project beside every page, and say where its numbers are simulated."""
    with st.sidebar:
        st.markdown(f"**Project** `{workspace.root.name}`")
        board = board_of(workspace)
        if board is not None and board["simulated"]:
            st.warning("Simulated corpus: numbers say nothing about real videos.")
        if st.button("Read files again", help="Forget what was read and look again."):
            st.cache_data.clear()
            st.cache_resource.clear()
            st.rerun()


def empty(what: str, command: str) -> None:
    """Say what is missing and which command brings it."""
    st.info(f"{what} Run this in the project's folder:", icon=":material/info:")
    st.code(command, language="bash", wrap_lines=True)


def chart(figure: Any, table: pl.DataFrame | list[dict[str, Any]], words: str) -> None:
    """Show a chart, what it shows in words, and its numbers for who cannot see it."""
    st.plotly_chart(figure, config=CHART)
    st.caption(words)
    numbers = table if isinstance(table, pl.DataFrame) else pl.DataFrame(table, strict=False)
    with st.expander("As a table"):
        show_table(numbers)


def show_table(table: pl.DataFrame, *, decimals: int = 3, **options: Any) -> Any:
    """Show a table to sort and search; all fractions with as many decimals."""
    shape = {
        name: st.column_config.NumberColumn(format=f"%.{decimals}f")
        for name, kind in table.schema.items()
        if kind.is_float()
    }
    return st.dataframe(table, hide_index=True, width="stretch", column_config=shape, **options)


def signed(value: float, decimals: int = 2) -> str:
    """Write a number with its sign: +0.02, −0.02."""
    return f"{value:+.{decimals}f}".replace("-", "−")


def interval(row: dict[str, float | None], key: str) -> str:
    """Write a number with its interval, as 0.74 (0.59–0.85)."""
    value, low, high = row.get(key), row.get(f"{key}_low"), row.get(f"{key}_high")
    if value is None:
        return "not known"
    if low is None or high is None:
        return f"{value:.2f}"
    return f"{value:.2f} ({low:.2f}–{high:.2f})"
