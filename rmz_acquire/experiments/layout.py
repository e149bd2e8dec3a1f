"""How the volumes of an experiment lie in its folder, and what other programs learn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rmz_acquire.experiments.channel_imaging import optics_given
from rmz_acquire.experiments.repeat_check import CHECK_PLANES
from rmz_acquire.objectives import ToldOptics
from rmz_acquire.recording.experiment_folder import ExperimentFolder
from rmz_acquire.recording.zarr_store import SeriesImage
from rmz_acquire.stacks import even_step_um
from rmz_acquire.stacks.ome_image import About

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rmz_acquire.experiments.block import ExperimentSettings
    from rmz_acquire.experiments.channel_imaging import Imagings
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.stacks.ome_image import Lens

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
    places: dict[tuple[int, int], list[Volume]] = {}
    for volume in volumes:
        _, p, g, _ = volume.key
        places.setdefault((p, g), []).append(volume)
    many = max(g for _, g in places) > 0
    every_s = _time_step_s(volumes)
    raw, made = {}, {}
    for (p, g), here in places.items():
        key = f"p{p:03d}_g{g:03d}" if many else f"p{p:03d}"
        name = here[0].first.pos_name or f"p{p:03d}"
        channels = _channel_names(here)
        by_z = _z_by_channel(here)
        deep = [z for z in by_z if len(z) > 1]
        steps = {even_step_um(z) for z in deep}
        # of the first channel: others may be offset, and have z of their own
        bottom = (deep or [z for z in by_z if z])[0][0]
        place = here[0].first
        about = About(
            name if not many else f"{name} field {g + 1}",
            channels=channels,
            optics=_lenses(here, settings, imagings),
            pixel_size_um=imagings.of(here[0]).pixel_size_um,
            t_step_s=every_s,
            stage_um=(None, place.y_pos, place.x_pos),
        )
        shape = (1 + max(v.key[0] for v in here), len(channels))
        planes = max(_most_planes(volume, settings) for volume in here)
        raw[p, g] = SeriesImage(key, (*shape, planes), about)
        about = replace(
            about,
            z_step_um=steps.pop() if len(steps) == 1 else None,
            stage_um=(bottom, place.y_pos, place.x_pos),
        )
        number = max(len(volume.z_um) for volume in here)
        made[p, g] = SeriesImage(key, (*shape, number), about, by_z)
    checks = {
        place: replace(image, shape=(*image.shape[:2], CHECK_PLANES))
        for place, image in raw.items()
    }
    return ExperimentFolder(path, planes=raw, volumes=made, checks=checks)


def _channel_names(volumes: Sequence[Volume]) -> list[str]:
    """Name of each channel, by its index c."""
    names: dict[int, str] = {}
    for volume in volumes:
        names.setdefault(volume.key[3], volume.channel or "camera")
    return [names.get(c, f"channel {c}") for c in range(max(names) + 1)]


def _lenses(
    volumes: Sequence[Volume], settings: ExperimentSettings, imagings: Imagings
) -> list[Lens | None]:
    """Optics of each channel, by its index c, as far as they are known."""
    found: dict[int, Lens] = {}
    for volume in volumes:
        if volume.key[3] not in found:
            imaging = imagings.of(volume)
            known = optics_given(settings.optics, imaging, volume.channel)
            found[volume.key[3]] = ToldOptics(
                na=known["na"],
                immersion_index=known["immersion_index"],
                wavelength_um=known["wavelength_um"],
            )
    return [found.get(c) for c in range(max(found) + 1)]


def _z_by_channel(volumes: Sequence[Volume]) -> tuple[tuple[float, ...], ...]:
    """The z of each channel, ascending, µm; empty for one that is not there."""
    z: dict[int, tuple[float, ...]] = {}
    for volume in volumes:
        z.setdefault(volume.key[3], tuple(sorted(volume.z_um)))
    return tuple(z.get(c, ()) for c in range(max(z) + 1))


def _most_planes(volume: Volume, settings: ExperimentSettings) -> int:
    if volume.single:
        return 1
    plan = volume.plan(settings)
    exact = plan.z_exact_um
    return plan.max_planes if exact is None else len(exact)


def _time_step_s(volumes: Sequence[Volume]) -> float | None:
    """Time between time points as planned, s; None where it is not even, or not set."""
    begins: dict[int, float] = {}
    for volume in volumes:
        start = volume.first.min_start_time
        if start is None:
            return None
        begins.setdefault(volume.key[0], start)
    times = [begins[t] for t in sorted(begins)]
    if sorted(begins) != list(range(len(times))):
        return None
    return even_step_um(times) or None
