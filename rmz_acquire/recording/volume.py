"""The volume on disk: one OME-TIFF, float32, camera counts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.recording.ome_image import About
from rmz_acquire.recording.ome_tiff import TiffPlane, write_ome_tiff
from rmz_acquire.stacks import even_step_um

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics

__all__ = ["write_volume"]


def write_volume(
    path: Path,
    volume: NDArray[Any],
    z_um: Sequence[float],
    *,
    pixel_size_um: float | None = None,
    optics: Optics | None = None,
    channel: str | None = None,
) -> None:
    """Write a volume as OME-TIFF, whole or not at all.

    Parameters
    ----------
    path : Path
        The file, by its usual name ``volume.ome.tif``; replaced where it exists.
    volume : ndarray, (Z, Y, X)
        Camera counts; written as float32.
    z_um : sequence of float, (Z,)
        Position of each plane, µm, kept with each; the voxel has a z size only where
        they are evenly spaced.
    pixel_size_um : float, optional
        Pixel size at the sample, µm; left out of the metadata where not known.
    optics : Optics, optional
        What it was taken with.
    channel : str, optional
        Name of the channel.

    Raises
    ------
    ValueError
        If the volume is not 3D or has not one plane per z.
    OSError
        If the disk does not take it.
    """
    if volume.ndim != 3 or len(volume) != len(z_um):
        msg = f"a volume of shape {volume.shape} does not fit {len(z_um)} z positions"
        raise ValueError(msg)
    z = [float(value) for value in z_um]
    write_ome_tiff(
        path,
        [
            TiffPlane((0, 0, i), partial(np.asarray, image, np.float32), z_um=z[i])
            for i, image in enumerate(volume)
        ],
        About(
            name=path.name.split(".")[0],
            channels=() if channel is None else (channel,),
            optics=(optics,),
            pixel_size_um=pixel_size_um,
            z_step_um=even_step_um(z),
        ),
    )
