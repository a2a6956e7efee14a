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
    return "\n".join([*there, "", "### Not available in this version", "", *to_come])


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
