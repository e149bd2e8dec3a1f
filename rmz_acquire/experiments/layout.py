"""How the volumes of an experiment lie in its folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rmz_acquire.experiments.checking import CHECK_PLANES
from rmz_acquire.recording.experiment import ExperimentFolder
from rmz_acquire.recording.series import SeriesImage

if TYPE_CHECKING:
    from pathlib import Path

    from rmz_acquire.experiments.imaging import Imagings
    from rmz_acquire.experiments.settings import ExperimentSettings
    from rmz_acquire.experiments.volumes import Volume

__all__ = ["lay_out"]


def lay_out(
    path: Path | str,
    volumes: list[Volume],
    settings: ExperimentSettings,
    imagings: Imagings,
) -> ExperimentFolder:
    """Open the record of an experiment, with every store laid out.

    Parameters
    ----------
    path : path
        The folder.
    volumes : list of Volume
        What it holds, or will.
    settings : ExperimentSettings
        Tells how many planes there may be of each.
    imagings : Imagings
        How they are imaged: the channels of an image have one pixel size.
    """
    raw = _images(volumes, settings, imagings, raw=True)
    return ExperimentFolder(
        path,
        planes=raw,
        volumes=_images(volumes, settings, imagings, raw=False),
        checks={
            place: replace(image, shape=(*image.shape[:2], CHECK_PLANES))
            for place, image in raw.items()
        },
    )


def _images(
    volumes: list[Volume],
    settings: ExperimentSettings,
    imagings: Imagings,
    *,
    raw: bool,
) -> dict[tuple[int, int], SeriesImage]:
    """Lay out a store: of raw planes by their order, or of volumes by z."""
    sizes: dict[tuple[int, int], list[int]] = {}
    first: dict[tuple[int, int], Volume] = {}
    names: dict[tuple[int, int], dict[int, str]] = {}
    for volume in volumes:
        t, p, g, c = volume.key
        deep = len(volume.z_um)
        names.setdefault((p, g), {}).setdefault(c, volume.channel or "camera")
        if raw and not volume.single:
            plan = volume.plan(settings)
            exact = plan.z_exact_um
            deep = plan.max_planes if exact is None else len(exact)
        size = sizes.setdefault((p, g), [1, 1, 1])
        size[:] = [max(n, m) for n, m in zip(size, (t + 1, c + 1, deep), strict=True)]
        known = first.setdefault((p, g), volume)
        if known.single and not volume.single:
            first[p, g] = volume
    many = max(g for _, g in sizes) > 0
    made = {}
    for (p, g), (t, c, deep) in sizes.items():
        volume = first[p, g]
        z_um = sorted(volume.z_um)
        step = None
        if not raw and len(z_um) > 1:
            step = (z_um[-1] - z_um[0]) / (len(z_um) - 1)
        name = f"p{p:03d}_g{g:03d}" if many else f"p{p:03d}"
        place = volume.first
        origin = (None if raw else z_um[0], place.y_pos, place.x_pos)
        of_c = names[p, g]
        made[p, g] = SeriesImage(
            name,
            (t, c, deep),
            step,
            origin,
            tuple(of_c.get(n, f"channel {n}") for n in range(c)),
            imagings.of(volume).pixel_size_um,
        )
    return made
