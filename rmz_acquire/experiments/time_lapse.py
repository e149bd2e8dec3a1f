"""What a time point leaves to the next: which planes its volume stands on.

Kept as references to planes that are on disk, in the journal of the volumes too, so
that an experiment that goes on after a kill, or is decided again, finds the same ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmz_acquire.scanning import Carrying, OldPlane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.experiments.block import TimeLapseSettings
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording.experiment_folder import ExperimentFolder
    from rmz_acquire.scanning import Scan

__all__ = ["TimeLapse"]

Place = tuple[int, int, int]


class TimeLapse:
    """Knows the planes on which the last volume of every place and channel stands.

    Parameters
    ----------
    settings : TimeLapseSettings
        The block's ``time_lapse``.
    folder : ExperimentFolder
        Has the planes.
    """

    def __init__(self, settings: TimeLapseSettings, folder: ExperimentFolder) -> None:
        self._settings = settings
        self._folder = folder
        self._stands_on: dict[Place, list[dict[str, Any]]] = {}

    def old(self, volume: Volume) -> list[OldPlane]:
        """Give the planes that the scan of a volume begins with; none: it is fresh."""
        t, p, g, c = volume.key
        return [
            OldPlane(
                self._folder.plane_pixels((line["t"], p, g, c), line["order"]),
                line["z_um"],
                line["z_requested_um"],
                t - line["t"],
            )
            for line in self.lines(volume)
        ]

    def lines(self, volume: Volume) -> list[dict[str, Any]]:
        """Give where these planes are: t, order, z_um and z_requested_um of each."""
        t, *place = volume.key
        if self._settings.start == "fresh" or volume.single:
            return []
        known = self._stands_on.get((place[0], place[1], place[2]), [])
        return [line for line in known if t - line["t"] <= self._settings.max_age]

    def note(self, volume: Volume, scan: Scan) -> list[dict[str, Any]] | None:
        """Note what a volume stands on; None where nothing will be carried over.

        Where a later time point has begun, that one stands on what the volume stood on
        then: planes that were taken since, by going on after the stop, change nothing.
        """
        t, p, g, c = volume.key
        if self._settings.start == "fresh" or volume.single:
            return None
        before = self._folder.volumes_before.get(volume.key, {}).get("stands_on")
        later = any(
            key[0] > t and key[1:] == (p, g, c) for key in self._folder.planes_before
        )
        if later and before is not None:
            self._stands_on[p, g, c] = list(before)
            return list(before)
        lines = [
            {
                "t": t,
                "order": each.index,
                "z_um": each.z_actual_um,
                "z_requested_um": each.z_requested_um,
            }
            for each in scan.decisions
            # a blank one tells nothing to the next time point
            if each.frame is None and each.used
        ]
        if isinstance(scan.estimator, Carrying) and scan.estimator.dropped is None:
            anew = [line["z_requested_um"] for line in lines]
            same_um = scan.plan.same_z_um
            lines += [
                line
                for line in self._stands_on.get((p, g, c), [])
                if t - line["t"] <= self._settings.max_age
                and all(abs(line["z_requested_um"] - z) > same_um for z in anew)
            ]
        self._stands_on[p, g, c] = lines
        return lines

    def take_up(self, volume: Volume, lines: Sequence[dict[str, Any]] | None) -> None:
        """Note what a volume stands on that was done before, as it was written down."""
        _, p, g, c = volume.key
        if lines is not None:
            self._stands_on[p, g, c] = list(lines)
