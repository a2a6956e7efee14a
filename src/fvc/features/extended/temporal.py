"""Three frames in a row: how noise changes, light flickers and motion flows."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fvc.features import noise
from fvc.features.picture import Luma

LONGER_SIDE = 256
"""Pixels along the longer side of the frames that flow is computed on."""

LEVEL_FLOOR = 0.02
LIGHT_FLOOR = 0.01
FLOW_FLOOR = 0.02
"""Pixels added to lengths of flow."""

ERROR_FLOOR = 0.1

Flow = NDArray[np.float32]
"""Displacement (x, y) in pixels, shape (height, width, 2)."""


def temporal_noise(first: Luma, second: Luma) -> float:
    """Compare the change of the residual between two frames in a row with the residual itself.

    ln((mean |R₂ − R₁| + 0.02) / ((mean |R₁| + mean |R₂|) / 2 + 0.02)) over the blocks that are
    flattest in both. Independent noise gives ln √2 = 0.35, a frozen pattern −∞ up to the floor.

    No unit; range [−10, 0.7]; NaN where no block can be used.

    References
    ----------
    Kobayashi, M., Okabe, T. & Sato, Y. (2010). Detecting forgery from static-scene video based on
    inconsistency in noise level functions. IEEE TIFS 5(4).
    """
    activity = np.maximum(noise.block_activity(first), noise.block_activity(second))
    blocks = noise.flattest(activity)
    if len(blocks) == 0:
        return math.nan
    a, b = (noise.gather_blocks(noise.residual(frame), blocks) for frame in (first, second))
    change = cv2.norm(a, b, cv2.NORM_L1) / (6 * a.size)
    level = (cv2.norm(a, cv2.NORM_L1) + cv2.norm(b, cv2.NORM_L1)) / (12 * a.size)
    return math.log((change + LEVEL_FLOOR) / (level + LEVEL_FLOOR))


def temporal_flicker(frames: Sequence[Luma]) -> float:
    """Compute the second difference of the mean of three frames: ln(|m₁ − 2 m₂ + m₃| + 0.01).

    Light that changes steadily cancels. Unit: ln grey levels; range [−4.6, 6.2]; NaN for fewer than
    three frames.
    """
    if len(frames) < 3:
        return math.nan
    a, b, c = (cv2.mean(frame)[0] for frame in frames[:3])
    return math.log(abs(a - 2 * b + c) + LIGHT_FLOOR)


def small(luma: Luma) -> Luma:
    """Bring a frame to 256 pixels along its longer side; smaller ones stay as they are."""
    scale = LONGER_SIDE / max(luma.shape)
    if scale >= 1:
        return np.ascontiguousarray(luma)
    size = (max(16, round(luma.shape[1] * scale)), max(16, round(luma.shape[0] * scale)))
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8)


def flow(first: Luma, second: Luma) -> Flow:
    """Compute the dense optical flow from one frame to the next by dense inverse search.

    References
    ----------
    Kroeger, T., Timofte, R., Dai, D. & Van Gool, L. (2016). Fast optical flow using dense inverse
    search. Proc. ECCV.
    """
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(search.calc(first, second, None), np.float32)  # type: ignore[call-overload]


def flow_roughness(field: Flow) -> float:
    """Compare the steps of a flow field from pixel to pixel with its length.

    ln((mean |∇f| + 0.02) / (mean |f| + 0.02)), |∇f| the mean of the lengths of both derivatives.
    Cameras and bodies move in large pieces; a generator's detail may swim.

    No unit; range [−10, 4].

    References
    ----------
    Amerini, I., Galteri, L., Caldelli, R. & Del Bimbo, A. (2019). Deepfake video detection through
    optical flow based CNN. Proc. ICCV Workshops.
    """
    step = (_length(np.diff(field, axis=0)) + _length(np.diff(field, axis=1))) / 2
    return math.log((step + FLOW_FLOOR) / (_length(field) + FLOW_FLOOR))


def flow_change(first: Flow, second: Flow) -> float:
    """Compare the change of flow from one pair of frames to the next with its length.

    ln((mean |f₂ − f₁| + 0.02) / ((mean |f₁| + mean |f₂|) / 2 + 0.02)). Steady motion gives
    −∞ up to the floor, motion without a memory ln √2.

    No unit; range [−10, 0.7].
    """
    level = (_length(first) + _length(second)) / 2
    return math.log((_length(second - first) + FLOW_FLOOR) / (level + FLOW_FLOOR))


def flow_error(first: Luma, second: Luma, field: Flow) -> float:
    """Compare what two frames differ in after motion compensation with what they did before.

    ln((mean |Y₂(x + f) − Y₁| + 0.1) / (mean |Y₂ − Y₁| + 0.1)). What changes and does not move
    stays.

    No unit; about −3 to 0.

    References
    ----------
    Lai, W.-S., Huang, J.-B., Wang, O., Shechtman, E., Yumer, E. & Yang, M.-H. (2018). Learning
    blind video temporal consistency. Proc. ECCV: warping error.
    """
    height, width = first.shape
    x = np.arange(width, dtype=np.float32)[None, :] + field[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + field[..., 1]
    moved = cv2.remap(second, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    after = cv2.norm(moved, first, cv2.NORM_L1) / first.size
    before = cv2.norm(second, first, cv2.NORM_L1) / first.size
    return math.log((after + ERROR_FLOOR) / (before + ERROR_FLOOR))


def _length(field: Flow) -> float:
    return float(np.hypot(field[..., 0], field[..., 1]).mean(dtype=np.float64))
