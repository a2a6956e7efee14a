import csv
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvc.dataset.urls import PLATFORMS, normalise_platform, parse_video_url

YT = "dQw4w9WgXcQ"
FORMS = {
    ("youtube", YT): [
        f"https://www.youtube.com/watch?v={YT}",
        f"http://youtube.com/watch?v={YT}&t=3s",
        f"https://m.youtube.com/watch?app=desktop&v={YT}&list=PL1",
        f"https://music.youtube.com/watch?v={YT}",
        f"youtube.com/watch?feature=player_embedded&v={YT}#t=1",
        f"https://www.youtube.com/watch/{YT}",
        f"https://youtu.be/{YT}",
        f"https://youtu.be/{YT}?si=abc",
        f"https://www.youtube.com/embed/{YT}?autoplay=1",
        f"https://www.youtube-nocookie.com/embed/{YT}",
        f"https://www.youtube.com/shorts/{YT}",
        f"https://www.youtube.com/live/{YT}?feature=share",
        f"https://www.youtube.com/v/{YT}&hl=en",
        f"https://www.youtube.com/e/{YT}",
        f"https://www.youtube.com/attribution_link?a=x&u=%2Fwatch%3Fv%3D{YT}%26feature%3Dshare",
        f"https://www.youtube.com/oembed?url=https%3A//www.youtube.com/watch?v%3D{YT}&format=json",
        f"HTTPS://WWW.YouTube.COM/watch?v={YT}",
        f"//www.youtube.com/watch?v={YT}",
        f"  https://www.youtube.com:443/watch?v={YT}/ ",
        f"https://www.youtube.com/#/watch?v={YT}",
    ],
    ("facebook", "1542574069191584"): [
        "https://www.facebook.com/somepage/videos/1542574069191584/",
        "https://www.facebook.com/some.page-2/videos/vb.100001/1542574069191584/?type=3&theater",
        "https://www.facebook.com/somepage/videos/a-title-in-words/1542574069191584",
        "https://www.facebook.com/videos/1542574069191584",
        "https://www.facebook.com/watch?v=1542574069191584",
        "https://www.facebook.com/watch/?ref=saved&v=1542574069191584",
        "https://www.facebook.com/watch/live/?v=1542574069191584",
        "https://m.facebook.com/video.php?v=1542574069191584&x=1",
        "https://www.facebook.com/photo.php?v=1542574069191584",
        "https://www.facebook.com/video/embed?video_id=1542574069191584",
        "https://www.facebook.com/reel/1542574069191584",
        "https://mbasic.facebook.com/story.php?story_fbid=1542574069191584&id=7",
        "https://de-de.facebook.com/permalink.php?story_fbid=1542574069191584&id=7",
        "https://www.facebook.com/groups/123/permalink/1542574069191584/",
        "https://www.facebook.com/somepage/posts/1542574069191584",
        "https://www.facebook.com/plugins/video.php?href="
        "https%3A%2F%2Fwww.facebook.com%2Fp%2Fvideos%2F1542574069191584%2F&show_text=0",
        "https://fb.com/somepage/videos/1542574069191584",
    ],
    ("facebook", "aB3dE_x-9z"): ["https://fb.watch/aB3dE_x-9z/", "fb.watch/aB3dE_x-9z?mibextid=1"],
    ("twitter", "934567890123456789"): [
        "https://twitter.com/user/status/934567890123456789",
        "https://twitter.com/user/status/934567890123456789/video/1?s=20",
        "https://mobile.twitter.com/user/statuses/934567890123456789",
        "https://x.com/user/status/934567890123456789",
        "https://twitter.com/i/web/status/934567890123456789",
        "https://twitter.com/i/status/934567890123456789",
        "https://twitter.com/i/videos/tweet/934567890123456789",
        "https://twitter.com/#!/user/status/934567890123456789",
    ],
    ("vimeo", "76979871"): [
        "https://vimeo.com/76979871",
        "https://vimeo.com/76979871/0f1e2d",
        "https://player.vimeo.com/video/76979871?h=1",
        "https://vimeo.com/channels/staffpicks/76979871",
        "https://vimeo.com/groups/name/videos/76979871",
        "https://vimeo.com/album/2222/video/76979871",
    ],
    ("instagram", "CuXyZ_1-abc"): [
        "https://www.instagram.com/p/CuXyZ_1-abc/",
        "https://www.instagram.com/reel/CuXyZ_1-abc/?igsh=1",
        "https://instagram.com/user/reel/CuXyZ_1-abc",
        "https://www.instagram.com/tv/CuXyZ_1-abc",
        "https://instagr.am/p/CuXyZ_1-abc/embed/captioned/",
    ],
    ("tiktok", "7106594312292453675"): [
        "https://www.tiktok.com/@some.user/video/7106594312292453675?lang=en",
        "https://m.tiktok.com/v/7106594312292453675.html",
        "https://www.tiktok.com/embed/v2/7106594312292453675",
        "https://www.tiktok.com/embed/7106594312292453675",
    ],
    ("tiktok", "ZMabc123"): [
        "https://vm.tiktok.com/ZMabc123/",
        "https://www.tiktok.com/t/ZMabc123",
    ],
}


@pytest.mark.parametrize(
    ("url", "expected"), [(url, ref) for ref, urls in FORMS.items() for url in urls]
)
def test_every_form_of_a_url_gives_its_video(url: str, expected: tuple[str, str]) -> None:
    assert parse_video_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "   ",
        "not a url",
        "https://",
        "https://example.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
        "https://notyoutube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/",
        "https://www.youtube.com/watch?v=short",
        "https://www.youtube.com/watch?v=../../etc/pw",
        "https://www.youtube.com/@channel",
        "https://www.facebook.com/somepage",
        "https://twitter.com/user",
        "https://twitter.com/user/status/abc",
        "ftp://youtube.com/watch?v=dQw4w9WgXcQ",
        "javascript:alert(1)",
        "https://[::1/watch?v=dQw4w9WgXcQ",
        "https://vimeo.com/user",
    ],
)
def test_what_names_no_video_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_video_url(url)


def test_ids_keep_their_case() -> None:
    lower, upper = (
        parse_video_url(f"https://youtu.be/{v}") for v in ("abcdefghijk", "ABCDEFGHIJK")
    )
    assert lower != upper


def test_other_spellings_of_a_platform_are_resolved() -> None:
    assert [normalise_platform(p) for p in ("YouTube", "X", " fb ")] == [
        *("youtube", "twitter", "facebook")
    ]


@settings(deadline=None, max_examples=200)
@given(
    st.one_of(
        st.text(max_size=60),
        st.tuples(
            st.sampled_from(
                ["https://youtu.be/", "https://www.facebook.com/", "x.com/", "vimeo.com/"]
            ),
            st.text(alphabet="abc019/?&=#%.:-_@!\x00é ", max_size=40),
        ).map("".join),
    )
)
def test_any_text_gives_a_safe_id_or_a_value_error(text: str) -> None:
    try:
        platform, video_id = parse_video_url(text)
    except ValueError:
        return
    assert platform in PLATFORMS
    assert re.fullmatch(r"[A-Za-z0-9_-]+", video_id)


@settings(deadline=None, max_examples=60)
@given(
    st.text(alphabet="abcXYZ019-_", min_size=11, max_size=11),
    st.sampled_from(
        ["https://youtu.be/{}", "https://www.youtube.com/watch?a=b&v={}", "youtube.com/shorts/{}/"]
    ),
)
def test_a_youtube_id_comes_back(video_id: str, form: str) -> None:
    assert parse_video_url(form.format(video_id)) == ("youtube", video_id)


@pytest.mark.fvc_metadata
def test_every_row_of_the_corpus_parses(fvc_metadata: Path) -> None:
    counts = {}
    for name in ("FVC.csv", "FVC_dup.csv"):
        with (fvc_metadata / name).open(encoding="utf-8") as stream:
            refs = [parse_video_url(row["video_url"]) for row in csv.DictReader(stream)]
        counts[name] = len(refs)
        assert {platform for platform, _ in refs} <= {"youtube", "facebook", "twitter"}
    assert counts == {"FVC.csv": 380, "FVC_dup.csv": 5199}
