"""Maximum likelihood over layers of light: their OTFs, the steps, the grids."""

from __future__ import annotations

from rmz_acquire.reconstruction.likelihood.ascent import Seen, ascend, log_likelihood
from rmz_acquire.reconstruction.likelihood.camera_floor import CameraFloor, shift_of
from rmz_acquire.reconstruction.likelihood.fourier import few_threads
from rmz_acquire.reconstruction.likelihood.levels import Levels
from rmz_acquire.reconstruction.likelihood.object_layers import (
    Blur,
    LayerStack,
    ObjectLayers,
)
from rmz_acquire.reconstruction.likelihood.otf_lines import OtfLines
from rmz_acquire.reconstruction.likelihood.schedule import (
    Data,
    Given,
    Steps,
    fitting,
    from_nothing,
    go_on,
)

__all__ = [
    "Blur",
    "CameraFloor",
    "Data",
    "Given",
    "LayerStack",
    "Levels",
    "ObjectLayers",
    "OtfLines",
    "Seen",
    "Steps",
    "ascend",
    "few_threads",
    "fitting",
    "from_nothing",
    "go_on",
    "log_likelihood",
    "shift_of",
]
