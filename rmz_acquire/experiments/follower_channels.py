"""Channels that take the planes of the one that leads, in the order of least travel.

Which planes is decided; their order is open. So they are taken along z: from below
where the stage is driven from below, from above where from above, and else from the end
that is nearer to where the channel before ended.

Where the one that leads goes on after its stop, the others take what was added in a
second sweep: what they have taken stays as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.experiments.block import ExperimentSettings
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording.experiment_folder import ExperimentFolder

__all__ = ["Following"]

_SAME = 1e-6


class Following:
    """Knows what was led at every time, position and field.

    Parameters
    ----------
    settings : ExperimentSettings
        Whether channels follow, and from which side the stage is driven.
    folder : ExperimentFolder
        Has the planes that were taken before.
    """

    def __init__(self, settings: ExperimentSettings, folder: ExperimentFolder) -> None:
        self._follow = settings.channels == "leader"
        stage = settings.stage
        self._side = stage.approach_from if stage.approach_um > 0 else None
        self._folder = folder
        self._led: dict[tuple[int, int, int], list[float]] = {}
        self._before: dict[tuple[int, int, int], list[float]] = {}

    def taken(self, volume: Volume) -> list[float]:
        """Give the z of its planes that count, but those by hand."""
        return self.counted(volume, by_hand=False)

    def counted(self, volume: Volume, *, by_hand: bool = True) -> list[float]:
        """Give the z of its planes that count, before the folder was opened."""
        unused = self._folder.unused_before(volume.key)
        return [
            line["z_requested_um"]
            for line in self._folder.planes_before.get(volume.key, [])
            if line["order"] not in unused
            and (by_hand or line.get("chosen_by") != "hand")
        ]

    def z_of(self, volume: Volume) -> list[float] | None:
        """Give the z that a volume takes, µm; None where it decides for itself."""
        place, low = volume.key[:3], min(volume.z_um)
        if not self._follow or volume.single or place not in self._led:
            return None
        led = [round(z + low, 9) for z in self._led[place]]
        before = [z + low for z in self._before[place]]
        taken, z_um = self.taken(volume), list[float]()
        while len(z_um) < len(led):
            begin = len(z_um)
            for end in range(len(led), begin, -1):
                # as far as it was led when it took what it has taken
                sweep = self._sweep(led[begin:end], before[min(end, len(before)) - 1])
                if _same(taken[begin:end], sweep):
                    break
            else:
                sweep = self._sweep(led[begin:], before[-1])
            z_um += sweep
        return z_um

    def note(self, volume: Volume, z_um: Sequence[float]) -> None:
        """Note the z at which the planes of a volume were taken, in order, µm."""
        if not self._follow or volume.single or not z_um:
            return
        place, low = volume.key[:3], min(volume.z_um)
        self._before[place] = [z - low for z in z_um]
        self._led.setdefault(place, self._before[place])

    def _sweep(self, z_um: Sequence[float], from_um: float) -> list[float]:
        up = sorted(z_um)
        if self._side is None:
            down = abs(from_um - up[-1]) < abs(from_um - up[0])
        else:
            down = self._side == "above"
        return up[::-1] if down else up


def _same(taken: Sequence[float], sweep: Sequence[float]) -> bool:
    return all(abs(a - b) <= _SAME for a, b in zip(taken, sweep, strict=False))
