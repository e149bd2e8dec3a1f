"""What the metadata of an image in an OME-Zarr say, as the format has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from yaozarrs import v05

from rmz_acquire.stacks.ome_image import ome_plane

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from ome_types import model

    from rmz_acquire.stacks.ome_image import About

__all__ = ["SeriesImage", "image_model", "planes_of"]


@dataclass(frozen=True, slots=True)
class SeriesImage:
    """One image of a series: everything about it but its pixels.

    Parameters
    ----------
    name : str
        Of its group.
    shape : (int, int, int)
        Sizes of t, c and z.
    about : About
        What viewers are told of it.
    z_um : tuple of tuple of float
        z of each plane, µm, by channel; empty where it is not known beforehand.
    """

    name: str
    shape: tuple[int, int, int]
    about: About
    z_um: tuple[tuple[float, ...], ...] = ()

    @property
    def same_z_um(self) -> tuple[float, ...]:
        """Z of each plane, µm, where that is the same in all channels that have it."""
        deep = {z for z in self.z_um if len(z) > 1}
        return deep.pop() if len(deep) == 1 else ()


def image_model(image: SeriesImage, pixels: NDArray[Any]) -> v05.Image:
    """Give the metadata of an image.

    Parameters
    ----------
    image : SeriesImage
        What is known of it.
    pixels : ndarray
        Of it: they tell how bright a viewer begins.
    """
    about = image.about
    pixel, step = about.pixel_size_um, about.z_step_um
    unit = None if pixel is None else "micrometer"
    every_s = about.t_step_s
    scale = [every_s or 1.0, 1.0, step or 1.0, pixel or 1.0, pixel or 1.0]
    moves: list[Any] = [v05.ScaleTransformation(scale=scale)]
    if any(value is not None for value in about.stage_um):
        shift = [0.0, 0.0, *(value or 0.0 for value in about.stage_um)]
        moves.append(v05.TranslationTransformation(translation=shift))
    colours = ("FFFFFF", "00FF00", "FF00FF", "00FFFF", "FFFF00")
    many = len(about.channels) > 1
    # the first pixels tell how bright a viewer should begin
    low, high = (float(v) for v in np.percentile(pixels, (0.5, 99.9)))
    window = {"min": 0.0, "max": 65535.0, "start": low, "end": max(high, low + 1)}
    omero = {
        "channels": [
            {
                "label": name,
                "color": colours[1 + n % 4] if many else colours[0],
                "active": True,
                "window": window,
            }
            for n, name in enumerate(about.channels)
        ]
    }
    return v05.Image.model_validate(
        {
            "multiscales": [
                v05.Multiscale(
                    name=about.name,
                    axes=[
                        v05.TimeAxis(
                            name="t", unit=None if every_s is None else "second"
                        ),
                        v05.ChannelAxis(name="c"),
                        v05.SpaceAxis(
                            name="z", unit=None if step is None else "micrometer"
                        ),
                        v05.SpaceAxis(name="y", unit=unit),
                        v05.SpaceAxis(name="x", unit=unit),
                    ],
                    datasets=[v05.Dataset(path="0", coordinateTransformations=moves)],
                )
            ],
            "omero": omero,
        }
    )


def planes_of(image: SeriesImage) -> list[model.Plane]:
    """Where planes are: of each where no even step tells, of the first otherwise."""
    about = image.about
    _, y_um, x_um = about.stage_um
    if not image.z_um or (image.same_z_um and about.z_step_um is not None):
        return [ome_plane((0, 0, 0), about.stage_um)]
    return [
        ome_plane((0, c, number), (z_um, y_um, x_um))
        for c, z in enumerate(image.z_um)
        for number, z_um in enumerate(z)
    ]
