"""What one part of a picture has learnt for all: scale of z, shares, the camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.reconstruction.likelihood import LayerStack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from rmz_acquire.reconstruction.likelihood import CameraFloor, Given, OtfLines

__all__ = ["Learnt", "Settled", "layers_bytes"]

_BORDER_PX = 64
_KEPT_BYTES = 1 << 30
"""OTFs that are kept at a level, and those of the z grid."""


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What holds for the whole picture.

    Parameters
    ----------
    z_scale : float
        Steps of the focus over those that the optics tell for the stage.
    shares : mapping
        Share of each candidate in the volume.
    floor : CameraFloor
        The camera's dark level and noise.
    """

    z_scale: float
    shares: Mapping[str, float]
    floor: CameraFloor


class Settled:
    """Stands where a `Choice` does, and was made elsewhere.

    Parameters
    ----------
    learnt : Learnt
        By another part of the picture.
    """

    def __init__(self, learnt: Learnt) -> None:
        self.z_scale = learnt.z_scale
        self.shares = dict(learnt.shares)

    def learn(self, given: Given, noise: float, new: int) -> None:
        """Learn nothing: planes are left out in the other part."""


def layers_bytes(
    lines: OtfLines,
    z_um: Tensor,
    shape: tuple[int, int],
    planes: int,
    *,
    fitting: bool = True,
) -> int:
    """Memory of object layers and their OTFs, bytes, at most.

    Parameters
    ----------
    lines : OtfLines
        Of the microscope.
    z_um : Tensor
        (Z,) grid, µm.
    shape : (int, int)
        Of the planes.
    planes : int
        How many there are.
    fitting : bool
        While steps are made, or when they are done.
    """
    layers = len(LayerStack(lines.optics, z_um).depths_um)
    one = 4 * (shape[0] + 2 * _BORDER_PX) * (shape[1] + 2 * _BORDER_PX)
    # of each level all are kept, or none
    levels = [planes * layers * one // binning**2 for binning in (1, 2, 4)]
    kept = sum(each for each in levels if each <= _KEPT_BYTES)
    lattice = min(_KEPT_BYTES, 2 * layers * one)
    copies = 6 if fitting else 1
    return kept + lattice + copies * layers * one
