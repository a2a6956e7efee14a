"""Models that read frames: frames and flow decoded once, embeddings made once, nets fitted.

Nothing here is imported by tabular training; torch and Lightning are loaded when a net is built.
"""
