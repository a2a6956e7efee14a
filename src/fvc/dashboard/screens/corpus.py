"""Corpus: find sources, play a source beside its variants, look at near-duplicates."""

import polars as pl
import streamlit as st

from fvc.dashboard.frame import empty, show_table
from fvc.dashboard.playing import play_clip, quoted
from fvc.dashboard.reading import query, table_of
from fvc.dashboard.thumbnails import MOST, picture_list, thumbnails
from fvc.workspace import Workspace

_SHOWN = 500
_COLUMNS = (
    "source, CASE label WHEN 0 THEN 'real' WHEN 1 THEN 'fake' ELSE 'not used' END AS label, "
    'collection, platform, "group", width, height, fps AS "frames a second", '
    "duration_sec AS seconds, codec_name AS codec, status"
)


def show(workspace: Workspace) -> None:
    """Show the page."""
    st.title("Corpus")
    values = query(
        workspace,
        "SELECT list(DISTINCT collection) AS collection, list(DISTINCT platform) AS platform "
        "FROM sources",
    )
    if values is None:
        empty("No index yet.", "fvc setup --corpus CLIPS")
        return
    where = _filters(values.row(0, named=True))
    found = query(workspace, f"SELECT count(*) AS n FROM sources WHERE {where}")
    table = query(
        workspace,
        f"SELECT {_COLUMNS}, video_path FROM sources WHERE {where} ORDER BY source LIMIT {_SHOWN}",
    )
    if found is None or table is None:
        return
    files = dict(table.select("source", "video_path").iter_rows())
    table = table.drop("video_path")
    n = found["n"][0]
    more = f"; the first {_SHOWN} are listed" if n > _SHOWN else ""
    st.caption(f"{n:,} sources{more}. Choose a row to play it.")
    chosen = show_table(
        table,
        decimals=2,
        height=320,
        on_select="rerun",
        selection_mode="single-row",
        key="sources",
    )
    pictures = st.container()
    rows = chosen["selection"]["rows"]
    if len(table):
        _play(workspace, str(table["source"][rows[0] if rows else 0]))
    st.header("Near-duplicates")
    _duplicates(workspace)
    if len(table):
        # Last, in a place above: to make pictures takes longer than all else on the page.
        with pictures:
            _pictures(workspace, table, files)


def _pictures(workspace: Workspace, table: pl.DataFrame, files: dict[str, str | None]) -> None:
    page = 1
    pages = -(-len(table) // MOST)
    if pages > 1:
        page = int(st.number_input(f"Pictures, page of {pages}", 1, pages, width=200))
    shown = list(table.select("source", "label").slice((page - 1) * MOST, MOST).iter_rows())
    place = st.empty()
    paths = {source: files[source] or "" for source, _ in shown}
    for found in thumbnails(workspace, paths, _refused(str(workspace.root))):
        place.html(picture_list(shown, found))


@st.cache_resource(show_spinner=False)
def _refused(project: str) -> dict[str, str]:
    """Remember files that cannot be decoded, until files are read again."""
    return {}


def _filters(values: dict[str, list[str | None]]) -> str:
    first, second, third, fourth = st.columns(4)
    label = first.selectbox("Label", ["all", "real", "fake"])
    chosen = {
        name: column.multiselect(name.capitalize(), sorted(v for v in values[name] if v))
        for name, column in (("collection", second), ("platform", third))
    }
    text = fourth.text_input("Name contains")
    conditions = ["true"]
    if label != "all":
        conditions.append(f"label = {int(label == 'fake')}")
    for name, wanted in chosen.items():
        if wanted:
            conditions.append(f"{name} IN ({', '.join(map(quoted, wanted))})")
    if text:
        conditions.append(f"contains(lower(source), lower({quoted(text)}))")
    return " AND ".join(conditions)


def _play(workspace: Workspace, source: str) -> None:
    st.header(f"Source {source}")
    clips = query(
        workspace,
        "SELECT augmentation_idx, augmentation FROM clips "
        f"WHERE source = {quoted(source)} ORDER BY augmentation_idx",
    )
    if clips is None or not len(clips):
        empty("This source has no clips yet.", "fvc augment")
        return
    left, right = st.columns(2)
    with left:
        st.subheader("Unaugmented copy")
        play_clip(workspace, source)
    with right:
        st.subheader("Variant")
        variants = clips.filter(pl.col("augmentation_idx") >= 0)
        if not len(variants):
            st.caption("It has no variants.")
            return
        names = {int(row[0]): f"{row[0]}: {row[1]}" for row in variants.iter_rows()}
        number = st.selectbox("Which variant", list(names), format_func=lambda k: names[k])
        play_clip(workspace, source, number)


def _duplicates(workspace: Workspace) -> None:
    if not workspace.duplicate_pairs.is_file():
        empty("Not looked for yet.", "fvc duplicates")
        return
    pairs = table_of(workspace.duplicate_pairs)
    across = pairs.filter(~pl.col("same_group"))
    if not len(across):
        st.success("None found across groups.", icon=":material/check_circle:")
    else:
        st.warning(
            f"{len(across):,} pairs lie in different groups, so that one may be trained on and the "
            "other tested: `fvc duplicates --merge` joins their groups.",
            icon=":material/warning:",
        )
    if not len(pairs):
        return
    if not st.toggle("Only pairs across groups", value=bool(len(across))):
        across = pairs
    listed = across.head(_SHOWN).select(
        *("source_a", "source_b", "group_a", "group_b"),
        (pl.col("matching_frames") / pl.col("frames")).alias("frames alike"),
        *("distance", "transform"),
    )
    chosen = show_table(
        listed, height=260, on_select="rerun", selection_mode="single-row", key="pairs"
    )
    more = f"; the first {_SHOWN} are listed" if len(across) > _SHOWN else ""
    st.caption(
        f"{len(across):,} pairs, the likest first{more}. Choose a row to play both. As pictures: "
        f"{workspace.relative(workspace.duplicate_sheet)}"
    )
    rows = chosen["selection"]["rows"]
    if len(across):
        pair = across.row(rows[0] if rows else 0, named=True)
        for column, side in zip(st.columns(2), ("a", "b"), strict=True):
            with column:
                label = {0: "real", 1: "fake"}.get(pair[f"label_{side}"], "not used")
                st.subheader(pair[f"source_{side}"])
                st.markdown(f"{label}, group `{pair[f'group_{side}']}`")
                play_clip(workspace, pair[f"source_{side}"])
