"""The pages and their order. Streamlit runs this file anew at every click."""

import os
from pathlib import Path

import streamlit as st

from fvc.dashboard.frame import page_of, sidebar
from fvc.dashboard.screens import (
    audit,
    compare,
    corpus,
    features,
    leaderboard,
    model,
    overview,
    trial,
)
from fvc.dashboard.serving import PROJECT_VARIABLE
from fvc.workspace import Workspace


def show() -> None:
    """Show the page that is asked for."""
    # A Material icon would be fetched from a server of Google's by every browser.
    icon = Path(__file__).with_name("icon.svg")
    st.set_page_config(page_title="FVC", page_icon=str(icon), layout="wide")
    # Streamlit's captions and chosen options are too pale to be read by everybody (WCAG 1.4.3).
    st.html('<style>[data-testid="stCaptionContainer"] {color: inherit; opacity: 0.85}</style>')
    workspace = Workspace(Path(os.environ.get(PROJECT_VARIABLE, ".")))
    pages = [
        st.Page(page_of(show_page, workspace), title=title, url_path=address, icon=sign)
        for title, address, sign, show_page in (
            ("Overview", "overview", ":material/home:", overview.show),
            ("Corpus", "corpus", ":material/video_library:", corpus.show),
            ("Leaderboard", "leaderboard", ":material/leaderboard:", leaderboard.show),
            ("Model", "model", ":material/insights:", model.show),
            ("Compare", "compare", ":material/compare_arrows:", compare.show),
            ("Features", "features", ":material/scatter_plot:", features.show),
            ("Audit", "audit", ":material/gavel:", audit.show),
            ("Try a video", "try", ":material/play_circle:", trial.show),
        )
    ]
    chosen = st.navigation(pages)
    sidebar(workspace)
    chosen.run()


if __name__ == "__main__":
    show()
