"""What a volume that is taken up again knows of the exposures before it."""

from __future__ import annotations

from bisect import bisect_left
from operator import itemgetter
from typing import TYPE_CHECKING

from rmz_acquire.recording.planes import plane_of
from rmz_acquire.scanning import RecentFrames, look_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording.experiment_folder import ExperimentFolder

__all__ = ["recall"]


def recall(
    frames: RecentFrames,
    folder: ExperimentFolder,
    volumes: Sequence[Volume],
    volume: Volume,
) -> None:
    """Remember the last exposures before a volume as they lie on disk, and no others.

    Parameters
    ----------
    frames : RecentFrames
        What remembers.
    folder : ExperimentFolder
        Has the planes.
    volumes : sequence of Volume
        All of the experiment.
    volume : Volume
        The one that is taken up; has a plane.
    """
    names = {each.key: each.name for each in volumes}
    frames.forget()
    first = folder.planes_before[volume.key][0]["time"]
    end = bisect_left(folder.exposures_before, first, key=itemgetter("time"))
    start = max(0, end - RecentFrames.REMEMBERED)
    for line in folder.exposures_before[start:end]:
        order = line.get("order")
        if order is None:  # of a check
            frames.skip(1)
            continue
        key = line["t"], line["p"], line["g"], line["c"]
        plane = plane_of(line, folder.plane_pixels(key, order))
        frames.begin(names.get(key, "")).find(look_at(plane.image), plane, order + 1)
    frames.in_a_row = 0
    frames.begin(volume.name)
