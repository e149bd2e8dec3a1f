"""An image as the OME model describes it; what is not known is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ome_types import model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

__all__ = ["ome_image", "ome_plane"]

_UM, _MS, _S = (
    model.UnitsLength.MICROMETER,
    model.UnitsTime.MILLISECOND,
    model.UnitsTime.SECOND,
)
# as numpy calls them, and as OME does where it has another name
_PIXEL_TYPES = {"float32": "float", "float64": "double"}


def ome_image(
    name: str,
    shape: Sequence[int],
    dtype: DTypeLike,
    *,
    channels: Sequence[str],
    pixel_size_um: float | None,
    z_step_um: float | None,
    planes: Sequence[model.Plane] = (),
    **pixels: Any,
) -> model.Image:
    """Describe an image.

    Parameters
    ----------
    name : str
        Its name, and the end of its ID; no spaces.
    shape : sequence of int
        Sizes of t, c, z, y and x.
    dtype : dtype
        Of its pixels.
    channels : sequence of str
        Names, of as many channels as there are or more.
    pixel_size_um, z_step_um : float or None
        Voxel size, µm.
    planes : sequence of ome_types.model.Plane
        What is known of single planes.
    **pixels
        Further fields of `ome_types.model.Pixels`, such as where they are.

    Returns
    -------
    ome_types.model.Image
    """
    t, c, z, y, x = (int(size) for size in shape)
    kind = np.dtype(dtype).name
    length: dict[str, Any] = {}
    for axis, size in (("x", pixel_size_um), ("y", pixel_size_um), ("z", z_step_um)):
        if size is not None:
            length |= {f"physical_size_{axis}": size, f"physical_size_{axis}_unit": _UM}
    return model.Image(
        id=f"Image:{name}",
        name=name,
        pixels=model.Pixels(
            id=f"Pixels:{name}",
            dimension_order=model.Pixels_DimensionOrder.XYZCT,
            type=model.PixelType(_PIXEL_TYPES.get(kind, kind)),
            size_x=x,
            size_y=y,
            size_z=z,
            size_c=c,
            size_t=t,
            channels=[
                model.Channel(id=f"Channel:{name}:{n}", name=label, samples_per_pixel=1)
                for n, label in enumerate(channels[:c])
            ],
            planes=list(planes),
            **length,
            **pixels,
        ),
    )


def ome_plane(
    index: tuple[int, int, int],
    position_um: tuple[float | None, float | None, float | None],
    *,
    exposure_ms: float | None = None,
    delta_s: float | None = None,
) -> model.Plane:
    """Describe a plane.

    Parameters
    ----------
    index : (int, int, int)
        t, c and z.
    position_um : (float or None, float or None, float or None)
        z, y and x on the stage, µm.
    exposure_ms : float, optional
        ms.
    delta_s : float, optional
        When it was taken, s since the beginning.
    """
    t, c, z = index
    known: dict[str, Any] = {}
    for axis, value in zip("zyx", position_um, strict=True):
        if value is not None:
            known |= {f"position_{axis}": value, f"position_{axis}_unit": _UM}
    if exposure_ms is not None:
        known |= {"exposure_time": exposure_ms, "exposure_time_unit": _MS}
    if delta_s is not None:
        known |= {"delta_t": delta_s, "delta_t_unit": _S}
    return model.Plane(the_t=t, the_c=c, the_z=z, **known)
