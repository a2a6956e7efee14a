"""The Fake Video Corpus as it lies on disk, matched to what its CSVs say."""

import re
from collections.abc import Iterable
from pathlib import Path

from fvc.dataset.candidates import Candidate, Found, LeftOut, fvc_source_id
from fvc.dataset.corpus import walk_files
from fvc.dataset.members import VIDEO_ENDINGS
from fvc.dataset.metadata import Metadata
from fvc.dataset.urls import VideoRef, normalise_platform

INDEXED_ENDINGS = (".mp4", ".mkv", ".webm")
_FOLDER = re.compile(r"fvc[0-9]*", re.IGNORECASE)


def fvc_folders(videos: Path) -> list[Path]:
    """List the folders ``videos/FVC*``, in order."""
    if not videos.is_dir():
        return []
    return sorted(p for p in videos.iterdir() if p.is_dir() and _FOLDER.fullmatch(p.name))


def match_videos(
    folders: Iterable[Path], metadata: Metadata, sides: dict[str, int], *, simulated: bool = False
) -> Found:
    """Find the videos ``<platform>/<video_id>/video.(mp4|mkv|webm)`` and what is known of each.

    ``<platform>/<video_id>.<ending>`` is understood too.

    Parameters
    ----------
    folders
        The extracted archives, in order of precedence.
    metadata
        The CSVs.
    sides
        Labels that are kept → 0 or 1.
    simulated
        Marks the collections as simulated.
    """
    found = Found()
    places: dict[VideoRef, str] = {}
    for folder in folders:
        for path in walk_files(folder):
            where = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            if path.suffix.lower() not in VIDEO_ENDINGS:
                found.ignored[path.suffix.lower() or "(none)"] += 1
                continue
            ref = _ref(path.relative_to(folder), metadata)
            if ref is None:
                reason = "it does not lie at <platform>/<video_id>/video.(mp4|mkv|webm)"
                found.left_out.append(
                    LeftOut(where, str(path.absolute()), "unexpected_place", reason)
                )
            elif ref in places:
                reason = f"{places[ref]} is the same video and came first"
                found.left_out.append(LeftOut(where, str(path.absolute()), "same_video", reason))
            else:
                places[ref] = where
                collection = f"simulated-{folder.name}" if simulated else folder.name
                _add(found, path, ref, metadata, sides, collection)
    absent = sum(
        video.raw_label in sides and ref not in places for ref, video in metadata.videos.items()
    )
    if absent:
        found.notes.append(f"{absent} video(s) of the CSVs are in none of the archives")
    return found


def _ref(relative: Path, metadata: Metadata) -> VideoRef | None:
    parts = relative.parts
    if relative.suffix.lower() not in INDEXED_ENDINGS or len(parts) < 2:
        return None
    if len(parts) >= 3 and relative.stem.casefold() == "video":
        return VideoRef(normalise_platform(parts[-3]), parts[-2])
    ref = VideoRef(normalise_platform(parts[-2]), relative.stem)
    return ref if ref in metadata.videos or ref in metadata.conflicts else None


def _add(
    found: Found,
    path: Path,
    ref: VideoRef,
    metadata: Metadata,
    sides: dict[str, int],
    collection: str,
) -> None:
    source = fvc_source_id(*ref)
    conflict = metadata.conflicts.get(ref)
    video = metadata.videos.get(ref)
    if conflict is not None:
        found.left_out.append(LeftOut(source, str(path.absolute()), conflict.kind, conflict.reason))
    elif video is None:
        reason = "neither FVC.csv nor FVC_dup.csv has a row for it: its label is not known"
        found.left_out.append(LeftOut(source, str(path.absolute()), "no_label", reason))
    elif video.raw_label not in sides:
        how = "uncertain=fake" if video.raw_label == "uncertain" else video.raw_label
        reason = f"its label is {video.raw_label!r}, which `--include {how}` would keep"
        found.left_out.append(LeftOut(source, str(path.absolute()), "label_not_kept", reason))
    else:
        found.candidates.append(
            Candidate(
                path=path.absolute(),
                source=source,
                label=sides[video.raw_label],
                raw_label=video.raw_label,
                group=video.group,
                group_source=video.group_source,
                collection=collection,
                platform=ref.platform,
                subset=video.subset,
                video_id=ref.video_id,
            )
        )
