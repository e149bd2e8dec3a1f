"""What a volume that is taken up again knows of the exposures before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.scanning import RecentFrames, look_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording.experiment import ExperimentFolder

__all__ = ["check_exposures", "recall"]


def recall(
    frames: RecentFrames, folder: ExperimentFolder, before: Sequence[Volume]
) -> None:
    """Remember the last exposures that lie on disk, and no others.

    Parameters
    ----------
    frames : RecentFrames
        What remembers.
    folder : ExperimentFolder
        Has the planes.
    before : sequence of Volume
        The volumes before the one that is taken up, in the order taken.
    """
    frames.forget()
    last: list[Volume] = []
    exposures = 0
    for volume in reversed(before):
        if exposures >= RecentFrames.REMEMBERED:
            break
        last.insert(0, volume)
        exposures += len(folder.planes_before.get(volume.key, ()))
        exposures += check_exposures(folder, volume)
    for volume in last:
        frames.begin(volume.name)
        for number, plane in enumerate(folder.planes_of(volume.key), 1):
            frames.find(look_at(plane.image), plane, number)
        frames.skip(check_exposures(folder, volume))
    frames.in_a_row = 0


def check_exposures(folder: ExperimentFolder, volume: Volume) -> int:
    """Count the planes that were taken for the check of a volume."""
    lines = folder.checks_before.get(volume.key, ())
    return sum(line["number"] is not None for line in lines)
