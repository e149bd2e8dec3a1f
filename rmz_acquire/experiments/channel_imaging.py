"""How each channel of an experiment is imaged: read once, kept in its ``run.json``.

To decide again, to export or to draw then needs no microscope.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rmz_acquire.acquisition.image_format import Imaging
from rmz_acquire.experiments.block import BLOCK
from rmz_acquire.experiments.keys import key_of
from rmz_acquire.objectives import ToldOptics
from rmz_acquire.optics import FITTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import useq

    from rmz_acquire.experiments.block import OpticsSettings
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.optics import Optics

__all__ = ["Imagings", "Place", "imagings_of_old", "optics_given", "optics_of"]

Place = tuple[int, int]
"""Position and channel, p and c: what is set does not depend on time or field."""


class Imagings:
    """How the channels of an experiment are imaged, at each of its positions.

    Parameters
    ----------
    by_place : dict of Imaging
        By position and channel (p, c).
    """

    def __init__(self, by_place: Mapping[Place, Imaging]) -> None:
        self._by_place = dict(by_place)

    def of(self, volume: Volume) -> Imaging:
        """Give that of a volume."""
        _, p, _, c = volume.key
        return self._by_place[p, c]

    def at(self, place: int) -> Imaging:
        """Give that of the first channel of a position."""
        return self._by_place[min(key for key in self._by_place if key[0] == place)]

    def __iter__(self) -> Iterator[Imaging]:
        """Give each that there is, once."""
        return iter(dict.fromkeys(self._by_place.values()))

    def of_all(self, volumes: Iterable[Volume]) -> Imagings:
        """Have them for volumes at points of a plate, which are all as the first."""
        places = {(volume.key[1], volume.key[3]) for volume in volumes}
        known = self._by_place
        return Imagings({(p, c): known.get((p, c)) or known[0, c] for p, c in places})

    def with_cameras_of(self, other: Imagings) -> Imagings:
        """Have the cameras of others: of old, none is told."""
        return Imagings(
            {
                place: replace(imaging, camera=other._by_place[place].camera)
                for place, imaging in self._by_place.items()
            }
        )

    def to_list(self) -> list[dict[str, Any]]:
        """Give them as ``run.json`` has them: each with where it holds."""
        places: dict[Imaging, list[Place]] = {}
        for place, imaging in sorted(self._by_place.items()):
            places.setdefault(imaging, []).append(place)
        return [
            {"p_c": [list(place) for place in where], **imaging.to_dict()}
            for imaging, where in places.items()
        ]

    @classmethod
    def from_list(cls, data: Iterable[Mapping[str, Any]]) -> Imagings:
        """Make them of what `to_list` gave."""
        return cls(
            {(p, c): Imaging.from_dict(one) for one in data for p, c in one["p_c"]}
        )

    def difference(self, before: Imagings) -> str | None:
        """Say in what they are not those of before; None where they are the same."""
        for place, now in self._by_place.items():
            was = before._by_place.get(place)
            if was is not None and was != now:
                for name in ("camera", "binning", "roi", "shape", "pixel_type", "told"):
                    a, b = getattr(now, name), getattr(was, name)
                    if a != b:
                        return f"{name.replace('_', ' ')} is {a}, was {b}"
        return None


def optics_given(
    given: OpticsSettings, imaging: Imaging, channel: str | None
) -> dict[str, float | None]:
    """Give what `ToldOptics.optics` takes for a channel: what is given goes first.

    Parameters
    ----------
    given : OpticsSettings
        The block's ``optics``.
    imaging : Imaging
        Of the channel.
    channel : str or None
        Its name.
    """
    wavelength = given.wavelength_um
    if isinstance(wavelength, dict):
        wavelength = None if channel is None else wavelength.get(channel)
    told = imaging.told
    return {
        "na": given.na or told.na,
        "immersion_index": given.immersion_index or told.immersion_index,
        "wavelength_um": wavelength or told.wavelength_um,
        "pixel_size_um": given.pixel_size_um or told.pixel_size_um,
        "sample_index": given.sample_index,
        **{name: getattr(given, name) for name in FITTED},
    }


def optics_of(given: OpticsSettings, imagings: Imagings, volume: Volume) -> Optics:
    """Give the optics of a volume.

    Parameters
    ----------
    given : OpticsSettings
        The block's ``optics``.
    imagings : Imagings
        How volumes are imaged.
    volume : Volume
        Which one.

    Raises
    ------
    InputError
        Where they are not known. Names the key.
    """
    imaging = imagings.of(volume)
    told = optics_given(given, imaging, volume.channel)
    with key_of(f"{BLOCK}.optics"):
        return imaging.told.optics(**told)


def imagings_of_old(
    told: Mapping[str, Any], sequence: useq.MDASequence, volumes: Iterable[Volume]
) -> Imagings:
    """Make them of a ``run.json`` from before each channel was looked at.

    Its one pixel size and its optics by name are all that it tells.

    Parameters
    ----------
    told : mapping
        The contents of ``run.json``.
    sequence : useq.MDASequence
        The experiment.
    volumes : iterable of Volume
        Its volumes.
    """
    x, y, width, height = told["microscope"]["roi"]
    if sequence.setup is not None and (roi := sequence.setup.roi) is not None:
        x, y, width, height = roi.offset_x, roi.offset_y, roi.width, roi.height
    optics: Mapping[str, Any] = told["optics"] or {}
    made: dict[Place, Imaging] = {}
    for volume in volumes:
        one = optics.get(volume.channel or "", {})
        made[volume.key[1], volume.key[3]] = Imaging(
            "",
            "",
            (x, y, width, height),
            (height, width),
            "",
            float(volume.first.exposure or told["exposure_ms"]),
            ToldOptics(
                "",
                one.get("na"),
                one.get("immersion_index"),
                one.get("wavelength_um"),
                one.get("pixel_size_um", told["pixel_size_um"]),
            ),
        )
    return Imagings(made)
