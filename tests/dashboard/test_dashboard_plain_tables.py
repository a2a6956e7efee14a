"""Tables in plain HTML: what a file says is text, never a part of the page."""

import re

from fvc.dashboard.plain_tables import class_bars, plain_table

ATTACK = '<img src=x onerror="alert(1)">'


def test_what_a_cell_says_is_no_html() -> None:
    rows = [(ATTACK, "setup", ATTACK)]
    page = plain_table(("kind", "stage", "reason"), rows, what="failures", text="reason")
    page += class_bars([(ATTACK, 1, 2)], named="collection", what=ATTACK)
    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;") == 4


def test_bars_are_as_long_as_the_numbers_and_the_longest_fills_its_cell() -> None:
    page = class_bars([("a", 30, 10), ("b", 5, 5)], named="collection", what="sources")
    assert re.findall(r"width: ([\d.]+)%\"></div>", page) == ["75.00", "25.00", "12.50", "12.50"]


def test_no_source_at_all_is_a_bar_of_no_length() -> None:
    page = class_bars([("a", 0, 0)], named="collection", what="sources")
    assert re.findall(r"width: ([\d.]+)%\"></div>", page) == ["0.00", "0.00"]
