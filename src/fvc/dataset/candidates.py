"""Videos on their way into the index, and those that are left out."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

MAX_SOURCE_CHARACTERS = 100

# Left out by rule: the file is sound, and what is known of it does not let it be used.
BY_RULE = frozenset({"label_not_kept", "label_conflict", "no_label", "not_listed", "same_video"})


@dataclass(frozen=True)
class Candidate:
    """A video with a label, not probed yet.

    Attributes
    ----------
    path
        The file, absolute.
    source
        Its id: safe as a file name and unique.
    label
        0 real, 1 fake.
    group, group_source
        What must stay together, and how it is known: ``"cascade"``, ``"given"`` or ``"own"``.
    carried
        Further columns of the corpus's own table.
    """

    path: Path
    source: str
    label: int
    raw_label: str
    group: str
    group_source: str
    collection: str
    platform: str | None = None
    subset: str | None = None
    video_id: str | None = None
    carried: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """Something that did not get into the index: `kind` in a word, `reason` in a sentence.

    `path` is absolute until the report is made, and relative to the project there.
    """

    unit: str
    path: str | None
    kind: str
    reason: str

    @property
    def failed(self) -> bool:
        """Whether it should have worked, as against being left out by a rule."""
        return self.kind not in BY_RULE


@dataclass
class Found:
    """What a corpus offers.

    Attributes
    ----------
    candidates
        Videos to probe.
    left_out
        What cannot be used, with reasons.
    notes
        Sentences for the report.
    ignored
        Number of files that are no videos, by ending.
    """

    candidates: list[Candidate] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


def fvc_source_id(platform: str, video_id: str) -> str:
    """Id of a video of a platform: ``youtube_dQw4w9WgXcQ``; case is kept."""
    name = f"{platform}_{video_id}"
    slug = _slug(name)
    if slug == name and len(slug) <= MAX_SOURCE_CHARACTERS:
        return slug
    return _hashed(slug, name)


def path_source_ids(relative: Iterable[str]) -> dict[str, str]:
    """Ids of files by their paths: ``fake/abc.mp4`` → ``fake_abc``.

    Where making a name safe or short, or leaving out its ending, could make one id of two paths,
    the id carries eight hexadecimal digits of the path's SHA-256.

    Parameters
    ----------
    relative
        Paths with forward slashes, each once.

    Returns
    -------
    dict
        Path → id of at most 100 characters out of letters, digits, ``-`` and ``_``.
    """
    ids: dict[str, str] = {}
    plain: dict[str, list[str]] = {}
    for path in relative:
        stem = path[: -len(Path(path).suffix)] if Path(path).suffix else path
        name = stem.strip("/").replace("/", "_")
        slug = _slug(name)
        if slug != name or not slug or len(slug) > MAX_SOURCE_CHARACTERS:
            ids[path] = _hashed(slug, path)
        else:
            ids[path] = slug
        # Two ids that differ by case would be one file on some systems.
        plain.setdefault(ids[path].casefold(), []).append(path)
    for paths in plain.values():
        if len(paths) > 1:
            for path in paths:
                ids[path] = _hashed(ids[path], path)
    return ids


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-") or "video"


def _hashed(slug: str, of: str) -> str:
    digest = hashlib.sha256(of.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{slug[: MAX_SOURCE_CHARACTERS - 9].rstrip('_-')}_{digest}"
