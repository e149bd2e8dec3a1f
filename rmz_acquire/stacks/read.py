"""Reads a z-stack from TIFF, OME-TIFF or OME-Zarr, and refuses what is none."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.stacks.axes import as_zyx, stack_axis
from rmz_acquire.stacks.axis_claims import Given
from rmz_acquire.stacks.plane_positions import calibrate
from rmz_acquire.stacks.tiff import open_tiff
from rmz_acquire.stacks.zarr import open_zarr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["Stack", "read_stack"]

logger = logging.getLogger(__name__)

_NOTHING = Given()


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """A z-stack of one channel.

    Parameters
    ----------
    data : ndarray, (Z, Y, X)
        Camera counts in the dtype of the file, integer or floating, all finite,
        at least two planes, in ascending order of z.
    z_step_um, pixel_size_um : float or None
        Voxel size, µm; None where it is not known, or where z has no even step.
    path : Path
        Where it was read from.
    z_um : tuple of float or None
        z of each plane, µm, ascending; from 0 where only a step is known, None where
        nothing is.
    order : tuple of int
        Which plane of the file each is, from 0.
    channel : str or None
        Name of the channel.
    na, immersion_index, wavelength_um : float or None
        Optics, where the file tells them.
    unknown : mapping
        Why a size is not known, by its name.
    """

    data: NDArray[Any]
    z_step_um: float | None
    pixel_size_um: float | None
    path: Path
    z_um: tuple[float, ...] | None = None
    order: tuple[int, ...] = ()
    channel: str | None = None
    na: float | None = None
    immersion_index: float | None = None
    wavelength_um: float | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)

    def need_step(self, advice: str) -> float:
        """Give the step of planes that must be even, µm.

        Parameters
        ----------
        advice : str
            What to do where it is not known, such as "give --z-step".

        Raises
        ------
        InputError
            With why it is not known.
        """
        if self.z_step_um is not None:
            return self.z_step_um
        if self.z_um is not None:
            advice = "evenly spaced ones are needed"
        raise InputError(self._why("z_step_um", "z step", advice))

    def need_pixel_size(self, advice: str) -> float:
        """Give the pixel size, µm; as `need_step`."""
        if self.pixel_size_um is not None:
            return self.pixel_size_um
        raise InputError(self._why("pixel_size_um", "pixel size", advice))

    def _why(self, key: str, what: str, advice: str) -> str:
        said = self.unknown.get(key, f"does not give its {what}")
        return f"{self.path} {said}: {advice}"


def read_stack(
    path: str | Path, given: Given = _NOTHING, *, repeats: bool = False
) -> Stack:
    """Read and check a z-stack.

    What the file says in two ways, or otherwise than was given, is logged as a warning
    with both values.

    Parameters
    ----------
    path : str or Path
        A TIFF or OME-TIFF file, or the folder of an OME-Zarr image.
    given : Given
        What is known of it beside the file, and holds over that.
    repeats : bool
        Whether two planes may lie at one z, as those of a scan do.

    Returns
    -------
    Stack
        Axes (Z, Y, X).

    Raises
    ------
    InputError
        If there is no such file, it is of another kind or damaged, it does not hold
        one finite z-stack (2D, RGB, empty, one plane, several channels, times or
        positions, NaN or infinity), or what it says of its voxels cannot be.
    """
    path = Path(path)
    try:
        if not path.exists():
            msg = "no such file"
            raise InputError(msg)
        opened = open_zarr(path) if path.is_dir() else open_tiff(path)
        with warnings.catch_warnings():
            # what a library tells its own developers
            warnings.simplefilter("ignore")
            with opened as image:
                claims = image.claims
                axis, said = stack_axis(image.shape, image.axes, claims, given)
                planes = image.shape[image.axes.index(axis)]
                found = calibrate(claims, planes, axis, given, repeats=repeats)
                volume = as_zyx(image.pixels(), image.axes, axis)
        _check_values(volume)
    except InputError as error:
        msg = f"{path}: {error}"
        raise InputError(msg) from error
    for line in (*claims.notes, *said, *found.warnings):
        logger.warning("%s: %s", path, line)
    if found.order != tuple(range(planes)):
        volume = volume[list(found.order)]
    z_um = found.z_um
    return Stack(
        volume,
        found.z_step_um,
        found.pixel_size_um,
        path,
        z_um=None if z_um is None else tuple(z_um[i] for i in found.order),
        order=found.order,
        channel=claims.channel,
        na=claims.na,
        immersion_index=claims.immersion_index,
        wavelength_um=claims.wavelength_um,
        unknown=found.unknown,
    )


def _check_values(volume: NDArray[Any]) -> None:
    if volume.dtype.kind not in "uif":
        msg = f"pixels of type {volume.dtype}; give integers or floats"
        raise InputError(msg)
    if volume.dtype.kind == "f":
        bad = ~np.isfinite(volume)
        if bad.any():
            planes = np.flatnonzero(bad.any(axis=(1, 2)))
            msg = (
                f"{int(bad.sum())} pixels are NaN or infinite, "
                f"first in plane {int(planes[0]) + 1} of {len(volume)}; mend or crop it"
            )
            raise InputError(msg)
