"""Small tables as plain HTML: at once there, where a grid to sort and search loads a second."""

from collections.abc import Sequence
from html import escape

from fvc.dashboard.colours import FAKE, REAL

# Colours of text and lines are the page's own, light or dark.
STYLE = """<style>
.fvc-scroll {overflow-x: auto; margin-bottom: 1rem}
.fvc-table {border-collapse: collapse; width: 100%; font-size: 0.9rem}
.fvc-table th, .fvc-table td {padding: 0.35rem 0.8rem 0.35rem 0; text-align: left;
  vertical-align: top; white-space: nowrap;
  border-bottom: 1px solid rgba(128, 128, 128, 0.3)}
.fvc-table th {font-weight: 600}
.fvc-table .fvc-number {text-align: right; font-variant-numeric: tabular-nums}
.fvc-table .fvc-name {font-weight: 400}
.fvc-table .fvc-text {white-space: normal; min-width: 9rem}
.fvc-table code {font-size: 0.85rem}
.fvc-bar {display: flex; height: 0.9rem; margin-top: 0.2rem; min-width: 6rem}
.fvc-key {display: inline-block; width: 0.7rem; height: 0.7rem; margin-right: 0.3rem}
</style>"""


def plain_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    what: str,
    text: str,
    code: str | None = None,
) -> str:
    """Write a table whose first column names its rows.

    Parameters
    ----------
    headings
        Of the columns.
    rows
        Texts, which are shown as they are: a ``<`` in one is a ``<``.
    what
        What the table shows, for who hears the page.
    text, code
        Headings of the column whose texts may be broken into lines, and of that of commands, if
        there is one.
    """
    lines = []
    for first, *others in rows:
        cells = [f'<th scope="row" class="fvc-name">{escape(first)}</th>']
        for heading, cell in zip(headings[1:], others, strict=True):
            shown = f"<code>{escape(cell)}</code>" if heading == code else escape(cell)
            cells.append(f'<td class="{"fvc-text" if heading == text else ""}">{shown}</td>')
        lines.append(f"<tr>{''.join(cells)}</tr>")
    heads = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    return _framed(heads, lines, what)


def class_bars(rows: Sequence[tuple[str, int, int]], *, named: str, what: str) -> str:
    """Write numbers of real and fake sources with a bar each: rows of name, real, fake."""
    most = max((real + fake for _, real, fake in rows), default=0) or 1
    lines = [
        f'<tr><th scope="row" class="fvc-name">{escape(name)}</th>'
        f'<td class="fvc-number">{real:,}</td><td class="fvc-number">{fake:,}</td>'
        f'<td style="width: 60%"><div class="fvc-bar" aria-hidden="true">'
        f'<div style="background: {REAL}; width: {100 * real / most:.2f}%"></div>'
        f'<div style="background: {FAKE}; width: {100 * fake / most:.2f}%"></div>'
        "</div></td></tr>"
        for name, real, fake in rows
    ]
    keys = "".join(
        f'<th scope="col" class="fvc-number"><span class="fvc-key" style="background: {colour}">'
        f"</span>{label}</th>"
        for label, colour in (("real", REAL), ("fake", FAKE))
    )
    heads = f'<th scope="col">{escape(named)}</th>{keys}<th scope="col">sources</th>'
    return _framed(heads, lines, what)


def _framed(heads: str, lines: list[str], what: str) -> str:
    # What scrolls has to be reached without a mouse, too.
    return (
        f'{STYLE}<div class="fvc-scroll" tabindex="0" role="region" aria-label="{escape(what)}">'
        f'<table class="fvc-table"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )
