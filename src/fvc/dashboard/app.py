"""The pages and their order."""

import os
from importlib import import_module
from pathlib import Path

import streamlit as st

from fvc.dashboard.frame import Show, page_of, sidebar
from fvc.dashboard.serving import PROJECT_VARIABLE
from fvc.workspace import Workspace

# Title, address, sign and module below ``screens`` of each page.
PAGES = (
    ("Overview", "overview", ":material/home:", "overview"),
    ("Corpus", "corpus", ":material/video_library:", "corpus"),
    ("Leaderboard", "leaderboard", ":material/leaderboard:", "leaderboard"),
    ("Model", "model", ":material/insights:", "model"),
    ("Compare", "compare", ":material/compare_arrows:", "compare"),
    ("Features", "features", ":material/scatter_plot:", "features"),
    ("Audit", "audit", ":material/gavel:", "audit"),
    ("Try a video", "try", ":material/play_circle:", "trial"),
)
# Streamlit's captions and chosen options are too pale to be read by everybody (WCAG 1.4.3), and
# its margins leave tables and charts little room beside the sidebar.
_STYLE = """<style>
[data-testid="stCaptionContainer"] {color: inherit; opacity: 0.85}
.js-plotly-plot :is(.xtick, .ytick, .xtitle, .ytitle, .cbaxis, .cbtitle) text,
.js-plotly-plot text:is(.xtitle, .ytitle, .cbtitle) {fill: currentColor !important}
[data-testid="stMainBlockContainer"] {padding: 3.5rem 2.5rem 4rem}
[data-testid="stVideo"] {max-height: 22rem; object-fit: contain; background: black}
@media (max-width: 1100px) {
  [data-testid="stHorizontalBlock"] {flex-wrap: wrap}
  [data-testid="stColumn"] {min-width: 45%}
  [data-testid="stColumn"]:has([data-testid="stPlotlyChart"], [data-testid="stCode"]) {
    min-width: 100%}
}
</style>"""


def show() -> None:
    """Show the page that is asked for; called anew at every click."""
    # A Material icon would be fetched from a server of Google's by every browser.
    icon = Path(__file__).with_name("icon.svg")
    st.set_page_config(page_title="FVC", page_icon=str(icon), layout="wide")
    st.html(_STYLE)
    workspace = Workspace(Path(os.environ.get(PROJECT_VARIABLE, ".")))
    pages = [
        st.Page(page_of(_screen(module), workspace, module), title=title, url_path=url, icon=sign)
        for title, url, sign, module in PAGES
    ]
    chosen = st.navigation(pages)
    sidebar(workspace)
    chosen.run()


def _screen(module: str) -> Show:
    """Give a page's function. What only other pages draw with is imported when they are asked for.

    The first page of a server would else wait for all of it.
    """

    def show_screen(workspace: Workspace) -> None:
        import_module(f"fvc.dashboard.screens.{module}").show(workspace)

    return show_screen
