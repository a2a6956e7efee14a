"""The pages: one module each, with one function ``show``.

The folder is not called ``pages``: Streamlit would make another navigation of it.
"""
