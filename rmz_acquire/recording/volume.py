"""The volume on disk: one OME-TIFF, float32, camera counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["write_volume"]


def write_volume(
    path: Path,
    volume: NDArray[Any],
    z_um: Sequence[float],
    *,
    pixel_size_um: float | None = None,
) -> None:
    """Write a volume as OME-TIFF, whole or not at all.

    Parameters
    ----------
    path : Path
        The file, by its usual name ``volume.ome.tif``; replaced where it exists.
    volume : ndarray, (Z, Y, X)
        Camera counts; written as float32.
    z_um : sequence of float, (Z,)
        Position of each plane, µm, kept with each; the mean step is the voxel size.
    pixel_size_um : float, optional
        Pixel size at the sample, µm; left out of the metadata where not known.

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
    step = (z[-1] - z[0]) / (len(z) - 1) if len(z) > 1 else None
    metadata: dict[str, Any] = {
        "axes": "ZYX",
        "Plane": {"PositionZ": z, "PositionZUnit": ["µm"] * len(z)},
    }
    sizes = {"X": pixel_size_um, "Y": pixel_size_um, "Z": step}
    for axis, size in sizes.items():
        if size is not None:
            metadata[f"PhysicalSize{axis}"] = size
            metadata[f"PhysicalSize{axis}Unit"] = "µm"
    beside = path.with_name(f".{path.name}.tmp")
    try:
        with beside.open("wb") as file:
            tifffile.imwrite(
                file,
                np.asarray(volume, dtype=np.float32),
                ome=True,
                photometric="minisblack",
                metadata=metadata,
            )
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
