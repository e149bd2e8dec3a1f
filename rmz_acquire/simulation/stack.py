"""A whole simulated z-stack at once, with its truth: for `simulate` and for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.simulation.scene import Field, RenderedScene
from rmz_acquire.simulation.widefield import CameraModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics

__all__ = ["SimulatedStack", "simulate_stack"]


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedStack:
    """A stack as a camera gives it, and the same without noise.

    Parameters
    ----------
    counts : ndarray of uint16, (Z, Y, X)
        With shot and read noise.
    truth : ndarray of float32, (Z, Y, X)
        The mean of `counts` over many exposures, in the same counts.
    z_um : ndarray of float64, (Z,)
        Focus of each plane, µm; 0 is the middle of the specimen.
    """

    counts: NDArray[np.uint16]
    truth: NDArray[np.float32]
    z_um: NDArray[np.float64]


def simulate_stack(
    specimen: str,
    seed: int,
    optics: Optics,
    *,
    planes: int,
    z_step_um: float,
    shape: tuple[int, int],
    exposure_ms: float,
    camera: CameraModel | None = None,
) -> SimulatedStack:
    """Take a z-stack of a simulated specimen that is larger than the picture.

    The specimen reaches beyond the range by a sixth at both ends, and is three times
    as wide as the picture.

    Parameters
    ----------
    specimen : str
        A name that `make_specimen` knows.
    seed : int
        Of the specimen and of the noise.
    optics : Optics
        Objective, wavelength and pixel size.
    planes : int
        Number of planes, two or more.
    z_step_um : float
        Distance of the planes, µm.
    shape : (int, int)
        Height and width, pixels.
    exposure_ms : float
        Exposure of every plane, ms.
    camera : CameraModel, optional
        By default a common sCMOS.

    Returns
    -------
    SimulatedStack
    """
    camera = camera or CameraModel()
    span_um = (planes - 1) * z_step_um
    z_um = np.arange(planes) * z_step_um - span_um / 2
    scene = RenderedScene(
        Field(
            specimen,
            seed,
            depth_um=span_um * 4 / 3,
            width_um=3 * max(shape) * optics.pixel_size_um,
            optics=optics,
            shape=shape,
            centre_um=(0.0, 0.0),
        )
    )
    light = scene.stack(z_um.tolist())
    rng = np.random.default_rng([seed, 7])
    return SimulatedStack(
        counts=camera.expose(light, exposure_ms, rng),
        truth=camera.expected(light, exposure_ms),
        z_um=z_um.astype(np.float64),
    )
