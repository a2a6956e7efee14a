"""A fitted net read from its file: a detector of clips whose frames are stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fvc.errors import DataError, MissingInputError
from fvc.models import build_video_model
from fvc.models.video_spec import VideoInput
from fvc.training.video.cache import read_frames
from fvc.training.video.clips import as_files
from fvc.training.video.device import threads
from fvc.training.video.single import score_one


@dataclass(frozen=True)
class NetDetector:
    """A fitted net.

    Attributes
    ----------
    net
        In evaluation mode.
    form
        What it is given.
    threads
        Threads on a processor: whoever asks may have set another number for other libraries.
    """

    net: Any
    form: VideoInput
    threads: int = 1

    def score(self, streams: Mapping[str, NDArray[np.uint8]]) -> float:
        """Give the probability of being fake of a clip whose frames, and flow, are given."""
        with threads(self.threads):
            return score_one(self.net, streams, self.form)

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Score stored clips.

        Parameters
        ----------
        X : (n, streams) object
            Files of the clips, as `fvc.training.video.clips.VideoClips.inputs` gives them.

        Returns
        -------
        (n, 2) float64
            Probabilities of real and fake.
        """
        files = as_files(X)
        fake = np.array([
            self.score({name: read_frames(paths[i]) for name, paths in files.items()})
            for i in range(len(X))
        ], dtype=np.float64)  # fmt: skip
        return np.column_stack([1 - fake, fake])


def open_net(path: Path, model: str, form: VideoInput, *, tiny: bool) -> NetDetector:
    """Read a net's weights into the module that this package builds for its model.

    Parameters
    ----------
    path
        ``model.safetensors``, or ``model.pt``, of which nothing but tensors is read.
    model
        Name of the model.
    form
        What it is given.
    tiny
        Whether it is the smallest form.

    Raises
    ------
    MissingInputError
        There is no such file.
    DataError
        It does not hold this net.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    net: Any = build_video_model(model, weights="none", tiny=tiny)
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
        net.load_state_dict(state)
    except FileNotFoundError as error:
        raise MissingInputError("no trained net", path=path) from error
    except (SafetensorError, RuntimeError, EOFError, ValueError) as error:
        raise DataError(f"{path} does not hold the net of its card: {error}") from error
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return NetDetector(net.to(device).eval(), form, torch.get_num_threads())
