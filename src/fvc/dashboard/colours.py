"""The colours of all pages, after Okabe & Ito (2008).

They are told apart by colour-blind readers, on light and on dark.
"""

REAL, FAKE, GREY = "#56A0D3", "#E07B39", "#8A8A8A"
SERIES = ("#56A0D3", "#E07B39", "#2BA67F", "#C77CA8", "#D9A400", "#9C7BD4")
