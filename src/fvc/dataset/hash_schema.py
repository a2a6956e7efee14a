"""The columns of the tables that the search for near-duplicates writes."""

import dataframely as dy


class HashSchema(dy.Schema):
    """``video_hashes``: one row a source; ``hash_<crop>`` columns follow, in Base64."""

    source = dy.String(primary_key=True, min_length=1)
    video_path = dy.String(nullable=False)
    frames = dy.Int32(nullable=False, min=1)
    voting_frames = dy.Int32(nullable=False, min=0)
    picture_top = dy.Float64(nullable=False, min=0, max=1)
    picture_bottom = dy.Float64(nullable=False, min=0, max=1)
    picture_left = dy.Float64(nullable=False, min=0, max=1)
    picture_right = dy.Float64(nullable=False, min=0, max=1)
    times = dy.String(nullable=False)
    votes = dy.String(nullable=False)


class PairSchema(dy.Schema):
    """``pairs``: one row for two sources that are near-duplicates of one another."""

    source_a = dy.String(primary_key=True, min_length=1)
    source_b = dy.String(primary_key=True, min_length=1)
    path_a = dy.String(nullable=False)
    path_b = dy.String(nullable=False)
    group_a = dy.String(nullable=False)
    group_b = dy.String(nullable=False)
    same_group = dy.Bool(nullable=False)
    label_a = dy.Int8(nullable=False, is_in=[0, 1])
    label_b = dy.Int8(nullable=False, is_in=[0, 1])
    matching_frames = dy.Int32(nullable=False, min=1)
    frames = dy.Int32(nullable=False, min=1)
    distance = dy.Float64(nullable=False, min=0, max=256)
    transform = dy.String(nullable=False)
    times_a = dy.String(nullable=False)
    times_b = dy.String(nullable=False)
