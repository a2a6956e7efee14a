"""Put what the code knows into pages: the command line's reference, models, index of decisions."""

import re
from pathlib import Path
from typing import Any

DECISIONS = Path(__file__).with_name("decisions")


def command_line() -> str:
    """Describe every verb and option in Markdown, from the application itself."""
    from cyclopts.docs.markdown import generate_markdown_docs

    from fvc.cli.app import build_app

    text = generate_markdown_docs(
        build_app(), recursive=True, heading_level=2, no_root_title=True, generate_toc=False
    )
    return text.replace(" *[default: ()]*", "").replace("*[default: *]*", "*[default: `*`]*")


def models() -> str:
    """Give the registry as a table: what is there, and what is still to come."""
    from fvc.models import MODEL_CONFIGS

    there = ["| model | family | reads | grid | what it is |", "| --- | --- | --- | --- | --- |"]
    sizes = [
        "| model | frames | parameters | GFLOPs a clip | weights | licence of the weights |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    to_come = ["| model | family | what it will be |", "| --- | --- | --- |"]
    for spec in MODEL_CONFIGS.values():
        if not spec.available:
            to_come.append(f"| `{spec.name}` | {spec.family} | {spec.description} |")
            continue
        reads = " + ".join(f"stage {number}" for number in spec.tables)
        grid = "<br>".join(
            ", ".join(f"`{key}` {', '.join(map(str, values))}" for key, values in one.items())
            for one in spec.grid
        )
        what = f"{spec.description}. {spec.reference}".rstrip(". ")
        there.append(f"| `{spec.name}` | {spec.family} | {reads} | {grid} | {what} |")
        if spec.video is not None:
            sizes.append(_size(spec))
    parts = [*there, "", "## Input, size and weights", "", *sizes]
    if len(to_come) > 2:
        parts += ["", "### Not available in this version", "", *to_come]
    return "\n".join(parts)


def _size(spec: Any) -> str:
    """Say what a model that looks at frames is given, how large it is, and where it begins."""
    video, weights = spec.video, spec.weights
    rate = "over the clip" if video.frame_rate is None else f"at {video.frame_rate:g} Hz"
    shape = f"{video.size}²" if video.padding == "square" else f"{video.size} along the longer side"
    if video.flow:
        shape += f", and {video.flow_length} fields of flow at each"
    source, licence = ("none: from scratch", "–")
    if weights is not None:
        source, licence = f"`{weights.source}`", weights.licence
    return (
        f"| `{spec.name}` | {video.num_frames} {rate}, {shape} | {spec.parameters / 1e6:.1f} M "
        f"| {spec.gflops:g} | {source} | {licence} |"
    )


def decisions() -> str:
    """List the decision records, by number."""
    lines = []
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        title = re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        lines.append(f"- [{title[1] if title else path.stem}]({path.name})")
    return "\n".join(lines)


GENERATED = {"command-line": command_line, "models": models, "decisions": decisions}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace ``<!-- generated: NAME -->`` by what the function of that name gives."""
    return re.sub(
        r"^<!-- generated: ([a-z-]+) -->$",
        lambda match: GENERATED[match[1]](),
        markdown,
        flags=re.MULTILINE,
    )
