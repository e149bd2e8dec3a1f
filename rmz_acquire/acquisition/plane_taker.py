"""Takes one plane: the stage goes there, the camera exposes, and both are read back."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.acquisition.exposure import expose
from rmz_acquire.acquisition.noise import is_noise_free
from rmz_acquire.acquisition.shutter import ShutterError
from rmz_acquire.scanning import Plane

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.acquisition.focus_stage import Arrival, FocusDrive
    from rmz_acquire.acquisition.hardware_autofocus import Autofocus
    from rmz_acquire.acquisition.shutter import ShutterGuard
    from rmz_acquire.acquisition.volume_task import RepeatPlane
    from rmz_acquire.scanning import ChosenBy

__all__ = ["PlaneTaker"]


class PlaneTaker:
    """Drives stage, light and camera, on the one thread that calls the core.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    drive : FocusDrive
        The focus stage.
    light : ShutterGuard
        The shutter.
    autofocus : Autofocus or None
        Its corrections are added where the stage is sent, and taken off what it tells.
    stopped : callable
        Whether everything was stopped.
    resumed : bool
        Whether the acquisition had ended before, and goes on.
    """

    def __init__(
        self,
        core: CMMCorePlus,
        drive: FocusDrive,
        light: ShutterGuard,
        autofocus: Autofocus | None,
        stopped: Callable[[], bool],
        *,
        resumed: bool,
    ) -> None:
        self._core = core
        self._drive = drive
        self._light = light
        self._autofocus = autofocus
        self._stopped = stopped
        self._stuck: ShutterError | None = None
        #: Whether the next plane is the first since the acquisition had ended.
        self.after_resume = resumed

    def correction_um(self, place: int | None) -> float:
        """Give what an autofocus adds at a place, µm."""
        return 0.0 if self._autofocus is None else self._autofocus.correction_um(place)

    def arrive(self, z_um: float, place: int | None) -> Arrival:
        """Go to a z of the specimen's, µm, and read back where the stage stands."""
        return self._drive.move(z_um + self.correction_um(place))

    def arrive_again(
        self, z_um: float, place: int | None, again: RepeatPlane
    ) -> Arrival:
        """Go to it for a check: by its way, with its rest."""
        drive, shift_um = self._drive, self.correction_um(place)
        begin = time.perf_counter()
        arrival = None
        if again.by_way_of_um is not None:
            way_um = again.by_way_of_um + shift_um
            arrival = drive.move(z_um + shift_um, by_way_of_um=way_um)
        if arrival is None or again.rest_ms > 0:
            arrival = drive.stay(again.rest_ms)
        return replace(arrival, stage_ms=(time.perf_counter() - begin) * 1000)

    def still_there(
        self, arrival: Arrival, z_um: float, place: int | None
    ) -> Arrival | None:
        """Read back once more; None where the stage has left, as by hand."""
        here_um = self._drive.stands_at(z_um + self.correction_um(place))
        return None if here_um is None else replace(arrival, z_um=here_um)

    def take(
        self,
        z_um: float,
        arrival: Arrival,
        place: int | None,
        chosen_by: ChosenBy,
        *,
        ahead: bool = False,
    ) -> Plane:
        """Expose where the stage has arrived.

        Parameters
        ----------
        z_um : float
            Where it was sent, as the specimen has it, µm.
        arrival : Arrival
            As `arrive` gave it.
        place : int or None
            What shares a focus correction.
        chosen_by : str
            Who wants it.
        ahead : bool
            Whether it is exposed before it is decided on the plane before it.

        Raises
        ------
        Interrupted
            If everything was stopped in the middle of it.
        RuntimeError
            Whatever the camera complains about.
        """
        core = self._core
        begin = time.perf_counter()
        try:
            with self._light.exposure():
                expose(core, self._light, self._stopped)
        except ShutterError as error:
            # the specimen has paid for this frame: kept first, told then
            self._stuck = error
        ended = datetime.now(UTC)
        # a copy: the core may hand out its own buffer, which the next frame overwrites
        image = np.array(core.getImage())
        camera_ms = (time.perf_counter() - begin) * 1000
        if image.ndim != 2 or image.size == 0:
            msg = f"the camera gave an array of shape {image.shape}, not a grey picture"
            raise RuntimeError(msg)
        # what autofocus shifted is no z of the specimen's
        shift_um = self.correction_um(place)
        after_resume, self.after_resume = self.after_resume, False
        return Plane(
            image=image,
            z_um=arrival.z_um - shift_um,
            z_requested_um=z_um,
            exposure_ms=float(core.getExposure()),
            stage_ms=arrival.stage_ms,
            camera_ms=camera_ms,
            time=ended,
            z_shift_um=shift_um,
            chosen_by=chosen_by,
            noise_free=is_noise_free(core),
            after_resume=after_resume,
            ahead=ahead,
        )

    def make_sure_of_the_light(self) -> None:
        """Tell of a shutter that did not close, once its frame is on disk.

        Raises
        ------
        ShutterError
            If one did not.
        """
        if self._stuck is not None:
            raise self._stuck
