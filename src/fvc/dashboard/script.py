"""The script that Streamlit runs.

It holds nothing but this: processes that judge an uploaded video import it once more.
"""

if __name__ == "__main__":
    from fvc.dashboard.app import show

    show()
