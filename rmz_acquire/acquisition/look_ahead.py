"""What is done for the next plane while the estimator computes the last one.

Where the policy knows the next z without the last answer, the stage goes there
meanwhile, and perhaps one plane is exposed ahead. It is the acquisition thread that
does it, which else would wait: devices are called by one thread at a time, as
Micro-Manager wants it, and the estimator's thread calls none. So everything that ends
a move or an exposure (an abort, a fault, a pause) ends it here in the usual way.

Neither changes what is decided. A plane exposed ahead is on disk at once; where the
scan ends, or goes elsewhere, it is passed over and counts as dose alone, so that volume
and decisions are those that they would be without it, whatever the machine was at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmz_acquire.acquisition.focus_stage import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    import useq

    from rmz_acquire.acquisition.focus_stage import Arrival
    from rmz_acquire.acquisition.plane_taker import PlaneTaker
    from rmz_acquire.acquisition.volume_task import VolumeTask
    from rmz_acquire.defaults import Overlap
    from rmz_acquire.scanning import ChosenBy, Plane, Scan

__all__ = ["ExposedAhead", "LookAhead"]


@dataclass(frozen=True, slots=True, eq=False)
class ExposedAhead:
    """A plane that is on disk before it is known whether the scan wants it.

    Parameters
    ----------
    plane : Plane
        The plane.
    event : useq.MDAEvent
        That would have taken it.
    meta : object
        Of its frame, for whoever listens to `frameReady`.
    """

    plane: Plane
    event: useq.MDAEvent
    meta: Any


class LookAhead:
    """Moves, and perhaps exposes, for the plane that would follow.

    Parameters
    ----------
    overlap : {"none", "stage", "exposure"}
        What is done while the estimator computes.
    taker : PlaneTaker
        Moves and exposes.
    held : callable
        Whether somebody has paused or stopped it: then nothing moves, and no light.
    describe : callable
        Makes the metadata of an event's frame.
    """

    def __init__(
        self,
        overlap: Overlap,
        taker: PlaneTaker,
        held: Callable[[], bool],
        describe: Callable[[useq.MDAEvent], Any],
    ) -> None:
        self._overlap = overlap
        self._taker = taker
        self._held = held
        self._describe = describe
        self._arrived: tuple[float, Arrival] | None = None
        self._error: Exception | None = None
        #: The plane that was exposed ahead, until it is taken up or passed over.
        self.exposed: ExposedAhead | None = None

    def work_for(self, task: VolumeTask, plane: Plane) -> Callable[[], None] | None:
        """Say what can be done while a plane is computed; asked before it is.

        Parameters
        ----------
        task : VolumeTask
            The volume.
        plane : Plane
            Its last plane, on disk, which the scan has not observed.

        Returns
        -------
        callable or None
            To be called once, on this thread; raises nothing.
        """
        self._arrived = None
        if self._overlap == "none":
            return None
        follows = task.scan.z_ahead(plane)
        if follows is None:
            return None
        z_um, chosen_by = follows
        number = task.scan.planes_begun
        return lambda: self._work(task, z_um, chosen_by, number)

    def _work(
        self, task: VolumeTask, z_um: float, chosen_by: ChosenBy, number: int
    ) -> None:
        scan, taker = task.scan, self._taker
        try:
            if self._rests(scan):
                return
            arrival = taker.arrive(z_um, task.place)
            self._arrived = z_um, arrival
            if self._overlap == "stage" or not scan.on_plan or self._rests(scan):
                return
            plane = taker.take(z_um, arrival, task.place, chosen_by, ahead=True)
            task.recorder.write_plane(plane, number)
            event = task.event(z_um, number)
            self.exposed = ExposedAhead(plane, event, self._describe(event))
            taker.make_sure_of_the_light()
        except Interrupted:
            return  # whoever stopped everything is heard by the one that waits
        except Exception as error:
            # told when the plane at hand is decided upon
            self._error = error

    def _rests(self, scan: Scan) -> bool:
        return self._held() or scan.ending

    def raise_error(self) -> None:
        """Raise what went wrong meanwhile, now that the last plane is decided upon.

        Raises
        ------
        Exception
            As stage, camera or disk raised it.
        """
        error, self._error = self._error, None
        if self._held():
            self._arrived = None  # somebody may move it by hand
        if error is not None:
            raise error

    def arrival(self, z_um: float, place: int | None) -> Arrival | None:
        """Give the arrival there; None where the stage has yet to go.

        Parameters
        ----------
        z_um : float
            Where a plane is wanted, µm.
        place : int or None
            What shares a focus correction.
        """
        arrived, self._arrived = self._arrived, None
        if arrived is None or arrived[0] != z_um:
            return None
        return self._taker.still_there(arrived[1], z_um, place)

    def take_up(self) -> ExposedAhead | None:
        """Give the plane that was exposed ahead, and forget it."""
        exposed, self.exposed = self.exposed, None
        return exposed

    def end(self, task: VolumeTask) -> None:
        """Forget what was done for a volume whose scan has ended."""
        self._arrived = None
        self.pass_over(task)

    def pass_over(self, task: VolumeTask) -> ExposedAhead | None:
        """Give up the plane exposed ahead where the scan does not want it.

        Parameters
        ----------
        task : VolumeTask
            The volume; its record is told.

        Returns
        -------
        ExposedAhead or None
            The plane that is given up. None where there is none, where it is wanted,
            and where a scan was aborted or has failed: going on finds it on disk.
        """
        scan = task.scan
        if self.exposed is None or scan.wants(self.exposed.plane):
            return None
        exposed = self.take_up()
        failed = scan.outcome is not None and not scan.outcome.ok
        if exposed is None or failed or scan.abort_requested:
            return None
        task.recorder.write_decision(scan.pass_over(exposed.plane))
        return exposed
