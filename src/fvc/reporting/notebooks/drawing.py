"""The drawn diagram of a model's architecture."""

from html import escape
from textwrap import wrap

from fvc.models import find_model
from fvc.reporting.notebooks.stories import STORIES

_WIDE, _HIGH, _GAP = 420, 58, 26
# Letters that a line of a box holds, and what each further line needs.
_LETTERS, _LINE = 62, 16


def architecture_svg(model: str) -> str:
    """Draw a model's parts from input to output as SVG; readable on light and on dark pages.

    Parameters
    ----------
    model
        Name of a model that has a notebook.

    Raises
    ------
    OptionError
        No model has this name.
    KeyError
        The model has no notebook.
    """
    spec = find_model(model)
    parts = list(STORIES[spec.name].parts)
    if spec.video is not None:
        seen = f"{spec.video.num_frames} frames, {spec.video.size} pixels"
        parts[0] = (parts[0][0], f"{seen}; {parts[0][1]}" if parts[0][1] else seen)
    drawn = [(name, wrap(out, _LETTERS)) for name, out in parts]
    heights = [_HIGH + _LINE * max(0, len(outs) - 1) for _, outs in drawn]
    height = sum(heights) + _GAP * (len(drawn) - 1) + 12
    told = "; ".join(f"{name}: {out}" if out else name for name, out in parts)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE + 12}" height="{height}" '
        f'viewBox="0 0 {_WIDE + 12} {height}" role="img" '
        f'aria-label="{escape(f"Architecture of {model}: {told}", quote=True)}">',
        '<g font-family="system-ui, sans-serif" text-anchor="middle">',
    ]
    middle, top = 6 + _WIDE / 2, 6
    for place, (name, outs) in enumerate(drawn):
        high, last = heights[place], place == len(drawn) - 1
        lines.append(
            f'<rect x="6" y="{top}" width="{_WIDE}" height="{high}" rx="8" '
            f'fill="{"#e6f2ea" if last else "#f3f6f9"}" stroke="#6e7681"/>'
        )
        first = top + (25 if outs else 35)
        lines.append(
            f'<text x="{middle:g}" y="{first}" font-size="15" font-weight="600" '
            f'fill="#1f2933">{escape(name)}</text>'
        )
        lines += [
            f'<text x="{middle:g}" y="{top + 45 + _LINE * line}" font-size="12" fill="#52606d">'
            f"{escape(out)}</text>"
            for line, out in enumerate(outs)
        ]
        if not last:
            start, end = top + high, top + high + _GAP
            lines.append(
                f'<path d="M{middle:g} {start} V{end - 6} m-5 -2 l5 8 l5 -8" fill="none" '
                'stroke="#6e7681" stroke-width="1.6"/>'
            )
        top += high + _GAP
    lines += ["</g>", "</svg>"]
    return "\n".join(lines)
