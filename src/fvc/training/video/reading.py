"""What models that look at frames read: frames, flow, or the tokens of a frozen backbone."""

from fvc.models import ModelSpec, build_video_model
from fvc.training.clips import Clips, Sources
from fvc.training.request import Request
from fvc.training.video.clips import read_video_clips
from fvc.training.video.frames import frame_settings


def read_for(spec: ModelSpec, request: Request, sources: Sources) -> Clips:
    """Put by what a model reads, as far as it is not there, and list it.

    Raises
    ------
    MissingInputError
        Stage 3 has not run, or weights are missing.
    NothingLeftError
        There is no clip.
    """
    if spec.family == "video" and request.nets.weights != "none":
        # Before anything is decoded: weights that are not to be had are told at once.
        build_video_model(spec.name, weights=request.nets.weights_source, tiny=request.nets.tiny)
    settings = frame_settings(request.nets.form(spec))
    far = request.run if request.run.engine != "local" else None
    clips = read_video_clips(
        request.workspace, sources, settings, request.nets, workers=request.workers, run=far
    )
    if spec.family == "video":
        return clips
    from fvc.training.video.embedding import embed_clips

    return embed_clips(spec, request.workspace, clips, run=far)


__all__ = ["frame_settings", "read_for", "read_video_clips"]
