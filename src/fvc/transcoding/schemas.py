"""The columns of the tables of this room."""

import dataframely as dy


class PlatformClipSchema(dy.Schema):
    """One row a source and transformation, of what was written."""

    clip = dy.String(primary_key=True, min_length=1)
    source = dy.String(nullable=False, min_length=1)
    transformation = dy.String(nullable=False)
    video_path = dy.String(nullable=False)
    original_video = dy.String(nullable=False)
    width = dy.Int32(nullable=False, min=1)
    height = dy.Int32(nullable=False, min=1)
    fps = dy.Float64(nullable=True, min_exclusive=0)
    frame_count = dy.Int64(nullable=False, min=1)
    codec_name = dy.String(nullable=False)
    file_size_bytes = dy.Int64(nullable=False, min=1)


class MatchedSchema(dy.Schema):
    """One row a source: what its matched file is like."""

    source = dy.String(primary_key=True, min_length=1)
    video_path = dy.String(nullable=False)
    matched_from = dy.String(nullable=False)
    original_width = dy.Int32(nullable=False, min=1)
    original_height = dy.Int32(nullable=False, min=1)
    original_fps = dy.Float64(nullable=True, min_exclusive=0)
    width = dy.Int32(nullable=False, min=1)
    height = dy.Int32(nullable=False, min=1)
    fps = dy.Float64(nullable=True, min_exclusive=0)
    frame_count = dy.Int64(nullable=False, min=1)
    duration_sec = dy.Float64(nullable=False, min=0)
    codec_name = dy.String(nullable=False)
    bitrate = dy.Int64(nullable=False, min=0)
    pixel_format = dy.String(nullable=False)
    has_audio = dy.Bool(nullable=False)
    file_size_bytes = dy.Int64(nullable=False, min=1)


class PlatformFeatureSchema(dy.Schema):
    """One row a source and transformation: the features follow as Float32 columns."""

    clip = dy.String(primary_key=True, min_length=1)
    source = dy.String(nullable=False, min_length=1)
    transformation = dy.String(nullable=False)


class PlatformFrameSchema(dy.Schema):
    """One row a source and transformation: where its frames are, and its flow, if it was taken."""

    clip = dy.String(primary_key=True, min_length=1)
    source = dy.String(nullable=False, min_length=1)
    transformation = dy.String(nullable=False)
    frames_path = dy.String(nullable=False)
    flow_path = dy.String(nullable=True)
