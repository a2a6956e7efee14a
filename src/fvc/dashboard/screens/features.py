"""Features: distributions, importance, correlations, and a map of clips in which leaks show."""

import numpy as np
import polars as pl
import streamlit as st

from fvc.dashboard import charts
from fvc.dashboard.alterations import looks_at_frames, net_importance, show_alterations
from fvc.dashboard.card import warn_of_weights
from fvc.dashboard.frame import chart, empty, signed
from fvc.dashboard.reading import document, query, stamp_of, trained_models
from fvc.features import FEATURE_NAMES, SCALED_FEATURE_NAMES
from fvc.inference.words import feature_words
from fvc.workspace import Workspace

_SETS = {
    "the clip (stage 2)": ("features", FEATURE_NAMES, "fvc features"),
    "the scaled clip (stage 4)": ("scaled_features", SCALED_FEATURE_NAMES, "fvc scaled-features"),
}
_POINTS = 3000
_IMPORTANT = 15


def show(workspace: Workspace) -> None:
    """Show the page."""
    st.title("Features")
    _measured(workspace)
    st.header("What nets rest on")
    _nets(workspace)


def _measured(workspace: Workspace) -> None:
    chosen = st.segmented_control("Features of", list(_SETS), default=next(iter(_SETS)))
    view, known, command = _SETS[chosen or next(iter(_SETS))]
    nothing = query(workspace, f"SELECT * FROM {view} LIMIT 0")
    if nothing is None:
        empty("Not measured yet.", command)
        return
    # A table of an earlier version has other features.
    names = tuple(name for name in known if name in nothing.columns)
    columns = ", ".join(f'"{name}"' for name in names)
    unaugmented = f"FROM {view} WHERE augmentation = 'original'"
    counted = query(workspace, f"SELECT count(*) AS n {unaugmented}")
    # A few thousand show the same shapes as all of a large corpus, and a browser can hold them.
    table = query(
        workspace,
        f"SELECT label, {columns} {unaugmented} ORDER BY hash(source), source LIMIT {_POINTS}",
    )
    if table is None or counted is None:
        return
    of = "" if len(table) == counted["n"][0] else f" of {counted['n'][0]:,}, drawn by a hash"
    st.caption(f"Unaugmented copies: {len(table):,} clips{of}, one a source.")
    left, right = st.columns(2)
    with left:
        st.header("By class")
        name = st.selectbox("Feature", names)
        quartiles = table.group_by("label", maintain_order=True).agg(
            pl.len().alias("clips"),
            *(pl.col(name).quantile(q).alias(f"{q:.0%} below") for q in (0.25, 0.5, 0.75)),
        )
        quartiles = quartiles.with_columns(
            pl.col("label").replace_strict({0: "real", 1: "fake"}, default="not used")
        )
        missing = table[name].null_count()
        lacking = f" Not known of {missing:,} clips." if missing else ""
        words = f"Shares of each class by the feature's value; the table holds quartiles.{lacking}"
        if missing == len(table):
            st.info("It is not known of any clip.")
        else:
            figure = charts.distribution(table, name, feature_words(name))
            chart(figure, quartiles, words)
    with right:
        st.header("Importance")
        _importance(workspace)
    st.header("Correlations")
    _correlations(table, names)
    st.header("Clips in a plane")
    _plane(workspace, view, names)


def _nets(workspace: Workspace) -> None:
    names = trained_models(workspace)
    found = {name: net_importance(workspace, name) for name in names}
    there = {name: item for name, item in found.items() if item is not None}
    if not there:
        nets = [name for name in names if looks_at_frames(name)]
        if nets:
            empty("Not measured yet.", f"fvc importance {nets[0]}")
        else:
            empty("No net is trained.", "fvc train --model-types naive_cnn")
        return
    model = st.selectbox("Net, or model of embeddings", list(there))
    warn_of_weights(document(workspace.model(model) / "metrics.json") or {})
    show_alterations(there[model])


def _importance(workspace: Workspace) -> None:
    names = [name for name in trained_models(workspace) if not looks_at_frames(name)]
    found = {name: document(workspace.importances / name / "importance.json") for name in names}
    there = [name for name, item in found.items() if item is not None]
    if not there:
        empty("Not measured yet.", f"fvc importance {names[0] if names else 'MODEL'}")
        return
    model = st.selectbox("Model", there)
    item = found[model]
    assert item is not None
    rows = [
        {
            "feature": row["feature"],
            "AUC lost": row["drop"],
            "interval": ""
            if row["drop_low"] is None
            else f"{signed(row['drop_low'])} to {signed(row['drop_high'])}",
        }
        for row in item["features"]
    ]
    shown = item["features"][:_IMPORTANT]
    more = f"; the first {len(shown)} of {len(rows)}" if len(shown) < len(rows) else ""
    words = f"What the AUC on held-out folds loses when the feature is permuted{more}."
    chart(charts.importance(shown), pl.DataFrame(rows), words)


def _correlations(table: pl.DataFrame, names: tuple[str, ...]) -> None:
    known = table.select(names).drop_nulls()
    if len(known) < 3:
        st.info("Three clips with all features are needed.")
        return
    ranks = np.column_stack([known[name].rank().to_numpy() for name in names])
    varies = ranks.std(axis=0) > 0
    kept = [name for name, moves in zip(names, varies, strict=True) if moves]
    matrix = np.atleast_2d(np.corrcoef(ranks[:, varies], rowvar=False))
    numbers = pl.DataFrame({"feature": kept} | dict(zip(kept, matrix, strict=True)))
    words = f"Spearman's rank correlation over {len(known):,} clips: blue together, red opposed."
    chart(charts.correlations(matrix, kept), numbers, words)


def _plane(workspace: Workspace, view: str, names: tuple[str, ...]) -> None:
    st.markdown(
        "All clips, variants too, by the first two principal components of their features. Clips "
        "of one source lie together: a model that is tested on other clips of sources it has seen "
        "need only look up the nearest one."
    )
    by = st.segmented_control(
        "Colour by", ["source", "group", "platform", "collection", "label"], default="source"
    )
    placed = _points(str(workspace.root), view, names, stamp_of(workspace))
    if placed is None:
        st.info("Three clips with all features are needed.")
        return
    points, shares = placed
    by = by or "source"
    n = points[by].n_unique()
    coloured = f" Those of the thirty commonest of {n:,} values are coloured." if n > 30 else ""
    words = f"{len(points):,} clips.{coloured}"
    chart(charts.plane(points, by, shares), points, words)


@st.cache_data(show_spinner="Placing clips …", max_entries=10)
def _points(
    project: str, view: str, names: tuple[str, ...], stamp: float
) -> tuple[pl.DataFrame, tuple[float, float]] | None:
    """Place clips by two principal components; also give the variance along each."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    columns = ", ".join(f'"{name}"' for name in names)
    # Whole sources, chosen by a hash: a sample of clips would tear them apart.
    table = query(
        Workspace(project),
        f'SELECT clip, source, "group", platform, collection, label, {columns} FROM {view} '
        f"ORDER BY hash(source), clip LIMIT {_POINTS}",
    )
    if table is None:
        return None
    known = table.drop_nulls(list(names))
    if len(known) < 3:
        return None
    values = StandardScaler().fit_transform(known.select(names).to_numpy())
    components = PCA(2, random_state=0)
    placed = components.fit_transform(values)
    points = known.drop(names).with_columns(
        x=pl.Series(placed[:, 0]),
        y=pl.Series(placed[:, 1]),
        label=pl.col("label").replace_strict({0: "real", 1: "fake"}),
    )
    first, second = components.explained_variance_ratio_
    return points, (float(first), float(second))
