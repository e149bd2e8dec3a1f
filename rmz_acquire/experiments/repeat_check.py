"""Looks once more at a plane when its scan has ended: drift, backlash, settling.

A scan believes its stage: what the encoder does not see, no read-back tells. A plane
that was taken early is taken again at the end, and compared with itself. It costs two
exposures a volume, three where the stage is not driven from one side; they are on
disk, in ``checks.ome.zarr``, and count as dose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.acquisition import RepeatPlane
from rmz_acquire.scanning import (
    RecentFrames,
    StaleFramesError,
    compare,
    contrast_of,
    depth_of,
    fault_of,
    look_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import useq

    from rmz_acquire.experiments.block import CheckSettings
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording.experiment_folder import VolumeRecord
    from rmz_acquire.scanning import FrameDifference, Plane, RegionVolume, Scan

__all__ = ["CHECK_PLANES", "VolumeCheck"]

#: The most planes that a check takes.
CHECK_PLANES = 3
# Of the first planes, the one with most contrast tells most; the very first is left
# out, since it is not known from which side the stage came to it.
_CANDIDATES = slice(1, 4)
_LEAST_SHIFT_PX = 0.5
_LEAST_FADING = 0.1
# A second fault is told beside a first where it shows by so much more.
_MORE = 2.0


class VolumeCheck:
    """The check of one volume; a `rmz_acquire.acquisition.Check`.

    Parameters
    ----------
    volume : Volume
        Which one.
    record : VolumeRecord
        Has its planes, is given those of the check and what came of it.
    settings : CheckSettings
        The block's ``checks``.
    from_side : int
        1 where the stage approaches every plane from below, -1 from above, 0 where it
        goes straight.
    regions : callable
        Gives what of the volume the scan decided on; nothing where it has a whole one.
    on_end : callable, optional
        Is handed volume and record when all is compared.
    """

    def __init__(
        self,
        volume: Volume,
        record: VolumeRecord,
        settings: CheckSettings,
        from_side: int,
        regions: Callable[[], Sequence[RegionVolume]] = tuple,
        on_end: Callable[[Volume, VolumeRecord], None] | None = None,
    ) -> None:
        self._on_end, self._regions = on_end, regions
        self._volume = volume
        self._record = record
        self._settings = settings
        self._from_side = from_side
        self._scan: Scan | None = None
        self._first = 0
        self._frames = RecentFrames()
        self._taken: list[Plane] = []

    def asks(self, scan: Scan) -> list[RepeatPlane]:
        """Choose the plane and the ways to it."""
        self._scan = scan
        self._frames = scan.frames.copy().begin("the check")
        chosen = self._choose(scan)
        if chosen is None:
            return []
        self._first = chosen
        before, first = (scan.decisions[n].z_requested_um for n in (chosen - 1, chosen))
        low, high = scan.plan.z_um[0], scan.plan.z_um[-1]
        side = self._from_side or (1 if before < first else -1)
        same, other = (low, high) if side > 0 else (high, low)
        rest_ms = self._settings.rest_ms
        asked = [RepeatPlane(first, same), RepeatPlane(first, None, rest_ms)]
        if self._from_side == 0 and abs(other - first) >= scan.plan.step_um:
            asked.append(RepeatPlane(first, other, rest_ms))
        return asked

    def event(self, again: RepeatPlane, number: int) -> useq.MDAEvent:
        """Make its event; viewers find the number under ``check`` in its metadata."""
        made = self._volume.event(again.z_um, max(1, self._first))
        note = {**made.metadata, "rmz_acquire": {"check": number}}
        return made.model_copy(update={"metadata": note, "min_start_time": None})

    def observe(self, plane: Plane, number: int) -> None:
        """Put it on disk."""
        self._record.write_check(plane, number)
        self._taken.append(plane)
        if self._scan is not None:
            self._scan.frames.skip(1)

    def conclude(self) -> None:
        """Compare, and note what is found in the record.

        Raises
        ------
        StaleFramesError
            If the camera gives no new frames.
        """
        scan = self._scan
        if scan is None or len(self._taken) < 2:
            return
        at_once, rested, *_ = self._taken
        first = self._record.read_plane(self._first)
        limit = scan.plan.stale_frames
        said: list[str] = []
        for number, plane in enumerate(self._taken, 1):
            frame = look_at(plane.image)
            again = self._frames.find(frame, plane, number) if limit else None
            problem = fault_of(frame, again=again)
            if problem is not None:
                said.append(f"a plane of the check {problem}")
        moved = compare(first, rested.image)
        still = compare(at_once.image, rested.image)
        told: dict[str, Any] = {
            "compared": self._first,
            "z_um": rested.z_requested_um,
            "change": moved.change,
            "brightness": moved.brightness,
            "change_at_rest": still.change,
            "change_other_side": None,
        }
        if not said:
            said = self._moved(scan, first, rested, moved, still)
            if len(self._taken) > 2:
                other = compare(rested.image, self._taken[2].image)
                told["change_other_side"] = other.change
                said += self._backlash(scan, rested, self._taken[2], other, still)
        told["findings"] = [f"z {rested.z_requested_um:g} µm: {text}" for text in said]
        self._record.finish_check(told)
        if self._on_end is not None:
            self._on_end(self._volume, self._record)
        row = scan.frames.in_a_row = self._frames.in_a_row
        if limit and row >= limit:
            msg = f"{self._volume.name}: {said[-1]}, {row} times in a row"
            raise StaleFramesError(msg)

    def _choose(self, scan: Scan) -> int | None:
        best: tuple[float, int] | None = None
        for number in range(len(scan.decisions))[_CANDIDATES]:
            if not scan.decisions[number].used:
                continue
            image = self._record.read_plane(number)
            if fault_of(look_at(image)) is not None:
                continue
            contrast = contrast_of(image)
            if best is None or contrast > best[0]:
                best = (contrast, number)
        return None if best is None else best[1]

    def _moved(
        self,
        scan: Scan,
        first: Any,
        rested: Plane,
        moved: FrameDifference,
        still: FrameDifference,
    ) -> list[str]:
        tolerance = self._settings.tolerance
        said = []
        if still.change > tolerance:
            said.append(
                "the picture went on changing while the stage stood "
                f"({still.change:.0%} of its contrast in {self._settings.rest_ms:g} "
                "ms): raise stage.settle_ms, or look for drift"
            )
        if moved.change > max(tolerance, _MORE * still.change):
            how = self._describe(scan, first, rested.image, moved)
            said.append(
                f"the picture is not what it was when the scan began ({how}): focus "
                "drift, or a specimen that moves"
            )
        light = moved.brightness
        if light is not None and light < 1 - _LEAST_FADING:
            said.append(
                f"brightness has fallen to {light:.0%} since the scan began: bleaching"
            )
        return said

    def _backlash(
        self,
        scan: Scan,
        rested: Plane,
        other: Plane,
        unlike: FrameDifference,
        still: FrameDifference,
    ) -> list[str]:
        if unlike.change <= max(self._settings.tolerance, _MORE * still.change):
            return []
        how = self._describe(scan, rested.image, other.image, unlike)
        return [
            f"the picture depends on the side from which the stage comes ({how}): "
            "backlash; set stage.approach_um above it"
        ]

    def _describe(
        self, scan: Scan, before: Any, after: Any, unlike: FrameDifference
    ) -> str:
        """By how much a picture moved, as far as it can be told from it."""
        dy, dx = unlike.shift_px
        said = f"{unlike.change:.0%} of its contrast"
        if np.hypot(dy, dx) >= _LEAST_SHIFT_PX:
            return f"{said}, {np.hypot(dy, dx):.1f} pixels sideways"
        up = self._moved_up(scan, before, after)
        if up is None or abs(up) < scan.plan.step_um / 2:
            return said
        return f"{said}, as if {abs(up):.1f} µm {'higher' if up > 0 else 'lower'}"

    def _moved_up(self, scan: Scan, before: Any, after: Any) -> float | None:
        """How far it went in z, µm, by the volume or the part with most to be seen."""
        grid, volume = scan.plan.z_um, scan.volume
        where = slice(None), slice(None)
        if volume is None:
            part = max(
                self._regions(),
                key=lambda part: contrast_of(before[part.region.slices]),
                default=None,
            )
            if part is None:
                return None
            volume, where = part.on(grid), part.region.slices
        below, above = (depth_of(im[where], volume, grid) for im in (before, after))
        return above - below
