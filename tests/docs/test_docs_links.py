"""Every relative link and image of README and documentation leads somewhere."""

import re
from pathlib import Path

import pytest
from docs_pages import PAGES, name_of, prose

_LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files(page: Path) -> None:
    targets = _LINK.findall(prose(page).replace("\n", " "))
    broken = [
        target
        for target in targets
        if not re.match(r"[a-z]+:|#", target) and not (page.parent / target.split("#")[0]).is_file()
    ]
    assert broken == []


def test_the_readme_has_one_picture_and_leads_to_every_kind_of_page() -> None:
    readme = next(page for page in PAGES if name_of(page) == "README.md")
    targets = set(_LINK.findall(prose(readme).replace("\n", " ")))
    assert [target for target in targets if target.endswith(".svg")] == ["docs/images/pipeline.svg"]
    for part in ("docs/tutorial.md", "docs/how-to/", "docs/reference/", "docs/explanation/"):
        assert any(target.startswith(part) for target in targets), part


def test_no_page_loads_anything_from_a_network() -> None:
    for page in PAGES:
        assert not re.search(r"!\[[^\]]*\]\(https?:", page.read_text(encoding="utf-8")), page


def test_every_decision_has_context_choice_and_consequence() -> None:
    records = [page for page in PAGES if re.match(r"\d{4}-", page.name)]
    assert len(records) >= 15
    numbers = [int(page.name[:4]) for page in records]
    assert numbers == list(range(1, len(records) + 1))
    for record in records:
        text = record.read_text(encoding="utf-8")
        assert text.startswith(f"# {record.name[:4]}"), record.name
        for part in ("**Context.**", "**Choice.**", "**Consequence.**"):
            assert part in text, f"{record.name} lacks {part}"
