"""Which video a URL of a platform means."""

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, urlsplit


class VideoRef(NamedTuple):
    """A video on a platform; ids are case-sensitive."""

    platform: str
    video_id: str


_DIGITS = r"[0-9]{1,25}"
_CODE = r"[A-Za-z0-9_-]{2,150}"
_YOUTUBE_ID = r"[A-Za-z0-9_-]{11}"

# Each pattern is matched against the whole path, without slashes at its ends.
_PATHS: dict[str, tuple[str, ...]] = {
    "youtube": (
        rf"(?:v|vi|e|embed|shorts|live|watch)/(?P<id>{_YOUTUBE_ID})(?:[/&].*)?",
        rf"source/(?P<id>{_YOUTUBE_ID})/.*",
    ),
    "facebook": (
        rf"(?:[^/]+/)?videos/(?:[^/]+/)*(?P<id>{_DIGITS})",
        rf"(?:reel|reels|watch/live|watch|video)/(?P<id>{_DIGITS})",
        rf"(?:[^/]+/)?posts/(?:[^/]+/)?(?P<id>{_CODE})",
        rf"groups/[^/]+/(?:permalink|posts)/(?P<id>{_CODE})",
        rf"share/(?:v|r|p)/(?P<id>{_CODE})",
    ),
    "twitter": (
        rf"(?:[^/]+/)?status(?:es)?/(?P<id>{_DIGITS})(?:/.*)?",
        rf"i/(?:web/)?status/(?P<id>{_DIGITS})(?:/.*)?",
        rf"i/videos/(?:tweet/)?(?P<id>{_DIGITS})",
    ),
    "vimeo": (
        rf"(?P<id>{_DIGITS})(?:/[0-9a-z]+)?",
        rf"video/(?P<id>{_DIGITS})",
        rf"(?:channels|ondemand|album|showcase|groups)/[^/]+/(?:videos?/)?(?P<id>{_DIGITS})",
        rf"[^/]+/(?:review|videos?)/(?P<id>{_DIGITS})(?:/[0-9a-z]+)?",
    ),
    "instagram": (
        rf"(?:[^/]+/)?(?:p|reel|reels|tv)/(?P<id>{_CODE})(?:/embed(?:/captioned)?)?",
        rf"stories/[^/]+/(?P<id>{_DIGITS})",
        rf"share/(?:(?:p|reel)/)?(?P<id>{_CODE})",
    ),
    "tiktok": (
        rf"@[^/]*/(?:video|photo)/(?P<id>{_DIGITS})",
        rf"v/(?P<id>{_DIGITS})(?:\.html)?",
        rf"(?:embed(?:/v[23])?|player/v1|share/video)/(?P<id>{_DIGITS})",
        rf"t/(?P<id>{_CODE})",
    ),
}
_COMPILED = {name: tuple(map(re.compile, patterns)) for name, patterns in _PATHS.items()}

_HOSTS = {
    "youtube.com": "youtube",
    "youtube-nocookie.com": "youtube",
    "youtube.googleapis.com": "youtube",
    "facebook.com": "facebook",
    "fb.com": "facebook",
    "twitter.com": "twitter",
    "x.com": "twitter",
    "vimeo.com": "vimeo",
    "instagram.com": "instagram",
    "instagr.am": "instagram",
    "tiktok.com": "tiktok",
}
# Hosts whose whole path is the id.
_SHORT_HOSTS = {
    "youtu.be": ("youtube", _YOUTUBE_ID),
    "fb.watch": ("facebook", _CODE),
    "vm.tiktok.com": ("tiktok", _CODE),
    "vt.tiktok.com": ("tiktok", _CODE),
}
# Query fields that hold the id, and those that hold another URL.
_QUERY_IDS: dict[str, tuple[str, ...]] = {
    "youtube": ("v", "vi"),
    "facebook": ("v", "video_id", "story_fbid", "fbid"),
    "vimeo": ("clip_id",),
    "tiktok": ("item_id",),
}
_QUERY_URLS = {"youtube": ("u", "url", "q"), "facebook": ("href", "u")}
_ID_FORMS = {"youtube": _YOUTUBE_ID, "facebook": _CODE, "vimeo": _DIGITS, "tiktok": _DIGITS}

PLATFORMS: tuple[str, ...] = tuple(_PATHS)
_ALIASES = {"x": "twitter", "yt": "youtube", "fb": "facebook", "ig": "instagram"}


def normalise_platform(name: str) -> str:
    """Spell a platform as tables do: in lower case, with ``x`` and other short forms resolved.

    Parameters
    ----------
    name
        Any spelling, such as the name of a folder.
    """
    lowered = name.strip().casefold()
    return _ALIASES.get(lowered, lowered)


def parse_video_url(url: str) -> VideoRef:
    """Find the platform and video id of a URL.

    YouTube, Facebook, Twitter/X, Vimeo, Instagram and TikTok are understood in all the forms that
    they hand out: watch pages, short links, embeds, shorts, reels, live, mobile hosts, stories,
    links that wrap another link. Nothing is fetched, so a short link that a platform would
    redirect (``fb.watch``, ``vm.tiktok.com``) has its own code as id.

    Parameters
    ----------
    url
        The address, with or without its scheme.

    Returns
    -------
    VideoRef
        ``platform`` is one of `PLATFORMS`; ``video_id`` holds only letters, digits, ``_`` and
        ``-``, and keeps its case.

    Raises
    ------
    ValueError
        If the URL is no URL, of another platform, or names no video.

    Examples
    --------
    >>> parse_video_url("https://youtu.be/dQw4w9WgXcQ?t=3")
    VideoRef(platform='youtube', video_id='dQw4w9WgXcQ')
    >>> parse_video_url("https://m.facebook.com/video.php?v=10153231379946729")
    VideoRef(platform='facebook', video_id='10153231379946729')
    """
    return _parse(url, depth=0)


def _parse(url: str, depth: int) -> VideoRef:
    text = url.strip()
    if not text:
        raise ValueError("the URL is empty")
    host, parts = _split(text)
    path = parts.path.strip("/")
    if host in _SHORT_HOSTS:
        platform, form = _SHORT_HOSTS[host]
        # youtu.be takes /ID, and /shorts/ID or /watch?v=ID by mistake; the first is the rule.
        first = path.split("/", 1)[0].split("&", 1)[0]
        if re.fullmatch(form, first):
            return VideoRef(platform, first)
        host = {"youtube": "youtube.com"}.get(platform, host)
    platform = _platform_of(host)
    steps: tuple[Callable[[], str | None], ...] = (
        lambda: _from_query(platform, parts.query),
        lambda: _from_path(platform, path),
        lambda: _from_query(platform, parts.fragment.rpartition("?")[2]),
        lambda: _from_path(platform, parts.fragment.lstrip("!").strip("/")),
    )
    for step in steps:
        found = step()
        if found is not None:
            return VideoRef(platform, found)
    if depth < 2:
        for wrapped in _wrapped(platform, host, parts.query):
            return _parse(wrapped, depth + 1)
    raise ValueError(f"{text!r} is a {platform} address that names no video")


def _split(text: str) -> tuple[str, SplitResult]:
    if text.startswith("//"):
        text = "https:" + text
    elif "://" not in text.split("?", 1)[0]:
        text = "https://" + text
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").rstrip(".")
    except ValueError as error:
        raise ValueError(f"{text!r} is not a URL: {error}") from None
    if parts.scheme.lower() not in ("http", "https"):
        raise ValueError(f"{text!r} is not a web address")
    return host.removeprefix("www."), parts


def _platform_of(host: str) -> str:
    for known, platform in _HOSTS.items():
        if host == known or host.endswith("." + known):
            return platform
    names = ", ".join(PLATFORMS)
    raise ValueError(f"host {host!r} is none of the platforms known: {names}")


def _from_query(platform: str, query: str) -> str | None:
    fields = _fields(query)
    for name in _QUERY_IDS.get(platform, ()):
        for value in fields.get(name, ()):
            # Links copied by hand carry the next field after a stray "?" or "/".
            value = re.split(r"[?&/#\s]", value, maxsplit=1)[0]
            if re.fullmatch(_ID_FORMS[platform], value):
                return value
    return None


def _from_path(platform: str, path: str) -> str | None:
    for pattern in _COMPILED[platform]:
        match = pattern.fullmatch(path)
        if match:
            return match["id"]
    return None


def _wrapped(platform: str, host: str, query: str) -> list[str]:
    found = []
    fields = _fields(query)
    for name in _QUERY_URLS.get(platform, ()):
        for value in fields.get(name, ()):
            found.append(f"https://{host}{value}" if value.startswith("/") else value)
    return found


def _fields(query: str) -> dict[str, list[str]]:
    try:
        return parse_qs(query, max_num_fields=200)
    except ValueError:
        return {}
