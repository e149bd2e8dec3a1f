"""Writes a z-stack as OME-TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import tifffile

from rmz_acquire.atomic_io import replace_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["write_stack"]


def write_stack(
    path: str | Path, data: NDArray[Any], *, z_step_um: float, pixel_size_um: float
) -> None:
    """Write a z-stack as OME-TIFF with its voxel size, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file; overwritten.
    data : ndarray, (Z, Y, X)
        Integer or floating.
    z_step_um, pixel_size_um : float
        Voxel size, µm.
    """
    path = Path(path)
    sizes = {"X": pixel_size_um, "Y": pixel_size_um, "Z": z_step_um}
    voxel: dict[str, Any] = {}
    for axis, size in sizes.items():
        voxel |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    with replace_file(path) as file:
        tifffile.imwrite(
            file,
            data,
            ome=True,
            photometric="minisblack",
            metadata={"axes": "ZYX", **voxel},
        )
