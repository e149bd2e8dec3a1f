"""Simulated stacks that no training saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.simulation.specimens import make_specimen
from rmz_acquire.simulation.widefield import CameraModel, WideField

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics

__all__ = ["HeldOut", "simulate"]

_MARGIN_PX = 96


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """A simulated stack that no training saw.

    Attributes
    ----------
    counts, truth : ndarray
        (Z, Y, X) with noise, and without.
    z_um : ndarray
        (Z,) µm; 0 is the middle of the specimen.
    optics : Optics
        The microscope's.
    """

    counts: NDArray[np.uint16]
    truth: NDArray[np.float32]
    z_um: NDArray[np.float64]
    optics: Optics

    def nearest(self, z_um: Iterable[float]) -> list[int]:
        """Indices of the planes nearest to some z."""
        return [int(np.argmin(np.abs(self.z_um - z))) for z in z_um]


def simulate(
    specimen: str,
    seed: int,
    optics: Optics,
    z_um: NDArray[np.float64],
    *,
    side_px: int,
    exposure_ms: float,
    options: dict[str, Any] | None = None,
) -> HeldOut:
    """Take a stack of a specimen that is larger than picture and range.

    Parameters
    ----------
    specimen : str
        A name that `make_specimen` knows.
    seed : int
        Of specimen and noise.
    optics : Optics
        The microscope.
    z_um : ndarray
        (Z,) evenly spaced, µm.
    side_px : int
        Height and width, pixels.
    exposure_ms : float
        Of every plane.
    options : dict, optional
        Of the specimen.

    Returns
    -------
    HeldOut
    """
    step = float(z_um[1] - z_um[0])
    reach = float(z_um[-1] - z_um[0]) * 2 / 3
    width = (side_px + 2 * _MARGIN_PX) * optics.pixel_size_um
    body = make_specimen(
        specimen, seed, extent_um=(2 * reach, width, width), **(options or {})
    )
    # whole layers in a step, near a third of the depth of field: one convolution
    layer = step / max(1, round(step / (0.37 * optics.depth_of_field_um)))
    half = layer * np.ceil(reach / layer)
    field_of_view = WideField(
        body,
        optics,
        shape=(side_px, side_px),
        z_range_um=(-half, half),
        layer_um=layer,
        margin_px=_MARGIN_PX,
    )
    light = field_of_view.stack(z_um.tolist())
    camera, rng = CameraModel(), np.random.default_rng([seed, 7])
    return HeldOut(
        camera.expose(light, exposure_ms, rng),
        camera.expected(light, exposure_ms),
        z_um,
        optics,
    )
