"""Dashboard: the same as `fvc dashboard`, also under ``streamlit run``."""

import sys

if __name__ == "__main__":
    if "streamlit.runtime" in sys.modules:
        from fvc.dashboard.app import show

        show()
    else:
        from fvc.cli import main

        main(["dashboard", *sys.argv[1:]])
