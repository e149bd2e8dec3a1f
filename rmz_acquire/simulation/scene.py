"""What lies before the simulated camera: a rendered specimen, or a recorded stack."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.simulation.specimens import make_specimen
from rmz_acquire.simulation.widefield import WideField
from rmz_acquire.stacks import Given, read_stack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.simulation.specimens import Specimen

__all__ = ["Field", "RecordedScene", "RenderedScene"]

_MAX_MARGIN_PX = 64
_MAX_LAYERS = 160  # of a thick specimen under a high NA: memory
_KEPT = 128


@dataclass(frozen=True, slots=True)
class Field:
    """All that a noise-free picture depends on, but the focus.

    Parameters
    ----------
    specimen : str
        Name of the specimen.
    seed : int
        Of the specimen.
    depth_um, width_um : float
        Its thickness and its extent in y and x, µm; the middle lies at 0, 0, 0.
    optics : Optics
        Objective, wavelength, size of an unbinned pixel.
    shape : (int, int)
        Height and width of the sensor, pixels.
    centre_um : (float, float)
        y, x of the picture's middle on the specimen, µm.
    """

    specimen: str
    seed: int
    depth_um: float
    width_um: float
    optics: Optics
    shape: tuple[int, int]
    centre_um: tuple[float, float]

    @property
    def size_um(self) -> tuple[float, float]:
        """Height and width of the field, µm."""
        pixel = self.optics.pixel_size_um
        return (self.shape[0] * pixel, self.shape[1] * pixel)


@lru_cache(maxsize=2)
def _specimen(name: str, seed: int, depth_um: float, width_um: float) -> Specimen:
    return make_specimen(name, seed, extent_um=(depth_um, width_um, width_um))


class RenderedScene:
    """A specimen under an objective. Keeps spectra and pictures once computed.

    Parameters
    ----------
    field : Field
        What is looked at.
    """

    def __init__(self, field: Field) -> None:
        self.field = field
        optics = field.optics
        # 1/n µm, near a third of the depth of field: then the usual z steps are whole
        # layers and a full stack is one convolution along z
        per_um = math.ceil(1 / (0.37 * optics.depth_of_field_um))
        layer_um = 1 / max(1, min(per_um, int(_MAX_LAYERS / field.depth_um)))
        half = layer_um * math.ceil(field.depth_um / 2 / layer_um)
        reach_px = math.ceil(optics.blur_radius_px_per_um * field.depth_um)
        self._wide = WideField(
            _specimen(field.specimen, field.seed, field.depth_um, field.width_um),
            optics,
            shape=field.shape,
            z_range_um=(-half, half),
            layer_um=layer_um,
            margin_px=min(_MAX_MARGIN_PX, reach_px),
            centre_um=field.centre_um,
        )
        self._pictures: OrderedDict[float, NDArray[np.float32]] = OrderedDict()

    def light(self, z_um: float) -> NDArray[np.float32]:
        """Light on every pixel of the sensor at one focus.

        Parameters
        ----------
        z_um : float
            Focus, µm.

        Returns
        -------
        ndarray
            (Y, X) float32, read-only.
        """
        key = round(z_um, 4)
        if key in self._pictures:
            self._pictures.move_to_end(key)
            return self._pictures[key]
        picture = self._wide.image(key)
        picture.flags.writeable = False
        self._pictures[key] = picture
        if len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)
        return picture

    def stack(self, z_um: Sequence[float]) -> NDArray[np.float32]:
        """Light at many focus positions, (n, Y, X) float32; as `light`."""
        return self._wide.stack(z_um)


class RecordedScene:
    """A recorded stack: at every focus the plane that was taken nearest to it.

    z counts from the lowest plane.

    Parameters
    ----------
    path : Path
        The file.
    step_um : float
        Distance of the planes, µm; 0 takes what the file says.

    Raises
    ------
    InputError
        If it cannot be read, has more than 16 bits, or no step is known.
    """

    def __init__(self, path: Path, step_um: float) -> None:
        names = {"z_step_um": "StackStep_um"}
        stack = read_stack(path, Given(z_step_um=step_um or None, names=names))
        if stack.z_um is None:
            stack.need_step("set StackStep_um")
        if stack.data.min() < 0 or stack.data.max() > 65535:
            msg = f"{path}: values outside 0 to 65535 are no camera counts"
            raise InputError(msg)
        self.counts: NDArray[Any] = stack.data
        z_um = np.asarray(stack.z_um, dtype=np.float64)
        self.z_um = z_um - z_um[0]

    def at(self, z_um: float) -> NDArray[Any]:
        """Give the plane nearest to a focus, (Y, X), counts as recorded."""
        plane: NDArray[Any] = self.counts[int(np.argmin(np.abs(self.z_um - z_um)))]
        return plane
