"""A corpus of one's own: a folder with ``real/`` and ``fake/``, or a CSV of paths and labels."""

import os
from collections.abc import Iterator
from pathlib import Path

from fvc.dataset.candidates import Candidate, Found, LeftOut, path_source_ids
from fvc.dataset.csvtext import read_csv_rows
from fvc.dataset.labels import FAKE, REAL, parse_label
from fvc.dataset.members import VIDEO_ENDINGS
from fvc.errors import DataError, MissingInputError, TableError
from fvc.workspace import check_utf8

LIST_NAMES = ("index.csv", "labels.csv", "metadata.csv", "video_index_input.csv")
"""Lists looked for in a folder, in this order."""

_GIVEN = ("path", "label", "group", "collection", "platform", "subset", "video_id")


def find_corpus(corpus: Path) -> Found:
    """Look through a corpus of one's own; nothing is opened or copied.

    Parameters
    ----------
    corpus
        A CSV with the columns ``path,label`` (paths relative to its folder); or a folder that
        holds such a CSV under one of `LIST_NAMES`; or a folder with ``real`` and ``fake`` somewhere
        in it, in any case.

    Raises
    ------
    MissingInputError
        There is no such folder or file, or it holds neither labels nor labelled folders.
    TableError
        The CSV cannot be read.
    OptionError
        The corpus's own path is not UTF-8.
    """
    check_utf8(corpus.absolute(), "the corpus")
    if corpus.is_file():
        return _from_list(corpus, corpus.parent)
    if not corpus.is_dir():
        raise MissingInputError("there is no such corpus", path=corpus)
    for name in LIST_NAMES:
        listed = corpus / name
        if listed.is_file() and _is_list(listed):
            found = _from_list(listed, corpus)
            found.notes.insert(0, f"labels come from {listed}")
            return found
    return _from_folders(corpus)


def _is_list(path: Path) -> bool:
    try:
        read_csv_rows(path, required=("path", "label"))
    except TableError as error:
        if "has no column" in error.reason:
            return False
        raise
    return True


def walk_files(folder: Path) -> Iterator[Path]:
    """Walk the files below a folder in a fixed order: no hidden ones, links to folders followed."""
    seen: set[tuple[int, int]] = set()
    for where, folders, files in os.walk(folder, onerror=_unreadable, followlinks=True):
        status = Path(where).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(where, name)


def _unreadable(error: OSError) -> None:
    raise DataError(f"{error.filename}: cannot be listed: {error.strerror}") from error


def _from_folders(corpus: Path) -> Found:
    found = Found()
    labelled: dict[str, tuple[Path, int, str]] = {}
    others = []
    for path in walk_files(corpus):
        relative = path.relative_to(corpus)
        if path.suffix.lower() not in VIDEO_ENDINGS:
            found.ignored[path.suffix.lower() or "(none)"] += 1
            continue
        names = [part.casefold() for part in relative.parts[:-1]]
        sides = {name for name in names if name in ("real", "fake")}
        if len(sides) == 1:
            side = sides.pop()
            above = relative.parts[: names.index(side)]
            labelled[relative.as_posix()] = (
                path,
                FAKE if side == "fake" else REAL,
                "/".join(above) or corpus.resolve().name,
            )
        else:
            others.append((relative.as_posix(), bool(sides)))
    if not labelled:
        raise MissingInputError(
            "no labelled videos found",
            path=corpus,
            remedy="A corpus is a folder with the sub-folders real and fake, or a CSV with the "
            "columns path,label (and group, collection, platform where they are known)",
        )
    for name, both in others:
        why = "it lies below both a real and a fake folder" if both else "it lies below neither"
        found.left_out.append(
            LeftOut(
                name, str(corpus.absolute() / name), "no_label", f"{why}: its label is not known"
            )
        )
    ids = path_source_ids(labelled)
    for name, (path, label, collection) in labelled.items():
        if not _writable(corpus.absolute(), name, found):
            continue
        found.candidates.append(
            Candidate(
                path=path.absolute(),
                source=ids[name],
                label=label,
                raw_label="fake" if label else "real",
                group=ids[name],
                group_source="own",
                collection=collection,
            )
        )
    found.notes.append("no groups are given: each video is its own group")
    return found


def _from_list(listed: Path, folder: Path) -> Found:
    table = read_csv_rows(listed, required=("path", "label"))
    if not table.rows:
        raise TableError(listed, "has a header and no rows")
    found = Found()
    rows: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, values in table.rows:
        if not values["path"]:
            reason = f"{listed.name} line {line}: no path"
            found.left_out.append(LeftOut(f"line {line}", None, "no_path", reason))
            continue
        rows.setdefault(os.path.normpath(folder / values["path"]), []).append((line, values))
    usable: dict[str, tuple[Path, int, dict[str, str]]] = {}
    for full, entries in rows.items():
        path = Path(full)
        name = _relative(path, folder)
        chosen = _agreed(listed.name, folder, name, entries, found)
        if chosen is None or not _writable(folder, name, found):
            continue
        usable[name] = (path, *chosen)
    ids = path_source_ids(usable)
    for name, (path, label, values) in usable.items():
        found.candidates.append(_listed_candidate(path, ids[name], label, values, folder))
    if any(c.group_source == "own" for c in found.candidates):
        alone = sum(c.group_source == "own" for c in found.candidates)
        found.notes.append(f"{alone} video(s) have no group given: each is its own group")
    _report_unlisted(listed, folder, set(rows), found)
    return found


def _agreed(
    listed: str, folder: Path, name: str, entries: list[tuple[int, dict[str, str]]], found: Found
) -> tuple[int, dict[str, str]] | None:
    """Label and row of a path, or None where its rows do not say one thing."""
    lines = ", ".join(str(line) for line, _ in entries)
    path = str((Path(folder) / name).absolute())
    labels = {parse_label(values["label"]) for _, values in entries}
    if None in labels:
        bad = next(v["label"] for _, v in entries if parse_label(v["label"]) is None)
        reason = f"{listed} line {lines}: label {bad!r} is not real, fake, 0 or 1"
        found.left_out.append(LeftOut(name, path, "label", reason))
        return None
    if len(labels) > 1:
        reason = f"{listed} lines {lines}: labels disagree"
        found.left_out.append(LeftOut(name, path, "label_conflict", reason))
        return None
    groups = {values["group"] for _, values in entries if values.get("group")}
    if len(groups) > 1:
        reason = f"{listed} lines {lines}: groups disagree: {', '.join(sorted(groups))}"
        found.left_out.append(LeftOut(name, path, "group_conflict", reason))
        return None
    if len(entries) > 1:
        found.notes.append(
            f"{listed} lists {name} {len(entries)} times (lines {lines}): taken once"
        )
    label = labels.pop()
    assert label is not None
    with_group = next((v for _, v in entries if v.get("group")), entries[0][1])
    return label, with_group


def _listed_candidate(
    path: Path, source: str, label: int, values: dict[str, str], folder: Path
) -> Candidate:
    group = values.get("group", "")
    return Candidate(
        path=path,
        source=source,
        label=label,
        raw_label=values["label"],
        group=group or source,
        group_source="given" if group else "own",
        collection=values.get("collection") or folder.resolve().name,
        platform=values.get("platform") or None,
        subset=values.get("subset") or None,
        video_id=values.get("video_id") or None,
        carried={name: text or None for name, text in values.items() if name not in _GIVEN},
    )


def _report_unlisted(listed: Path, folder: Path, known: set[str], found: Found) -> None:
    if listed.name not in LIST_NAMES:
        return
    for path in walk_files(folder):
        if path.suffix.lower() not in VIDEO_ENDINGS:
            if path != listed:
                found.ignored[path.suffix.lower() or "(none)"] += 1
        elif os.path.normpath(path) not in known:
            name = _relative(path, folder)
            reason = f"{listed.name} does not list it"
            found.left_out.append(LeftOut(name, str(path.absolute()), "not_listed", reason))


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _writable(folder: Path, name: str, found: Found) -> bool:
    """Whether a table can hold the name; Linux file names may be any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        shown, path = (
            text.encode("utf-8", "backslashreplace").decode() for text in (name, str(folder / name))
        )
        reason = "its name is not UTF-8 and cannot be written to a table: rename it"
        found.left_out.append(LeftOut(shown, path, "file_name", reason))
        return False
    return True
