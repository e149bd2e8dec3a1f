"""Channels that take the planes of the one that leads, in the order of least travel.

Which planes is decided; their order is open. So they are taken along z: from below
where the stage is driven from below, from above where from above, and else from the end
that is nearer to where the channel before ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.experiments.settings import ExperimentSettings
    from rmz_acquire.experiments.volumes import Volume

__all__ = ["Following"]


class Following:
    """Knows what was led at every time, position and field.

    Parameters
    ----------
    settings : ExperimentSettings
        Whether channels follow, and from which side the stage is driven.
    """

    def __init__(self, settings: ExperimentSettings) -> None:
        self._follow = settings.channels == "leader"
        stage = settings.stage
        self._side = stage.approach_from if stage.approach_um > 0 else None
        self._led: dict[tuple[int, int, int], list[float]] = {}
        self._ended: dict[tuple[int, int, int], float] = {}

    def z_of(self, volume: Volume) -> list[float] | None:
        """Give the z that a volume takes, µm; None where it decides for itself."""
        place, low = volume.key[:3], min(volume.z_um)
        if not self._follow or volume.single or place not in self._led:
            return None
        up = sorted(round(z + low, 9) for z in self._led[place])
        ended = self._ended[place] + low
        if self._side is None:
            down = abs(ended - up[-1]) < abs(ended - up[0])
        else:
            down = self._side == "above"
        return up[::-1] if down else up

    def note(self, volume: Volume, z_um: Sequence[float]) -> None:
        """Note the z at which the planes of a volume were taken, in order, µm."""
        if not self._follow or volume.single or not z_um:
            return
        place, low = volume.key[:3], min(volume.z_um)
        self._led.setdefault(place, [z - low for z in z_um])
        self._ended[place] = z_um[-1] - low
