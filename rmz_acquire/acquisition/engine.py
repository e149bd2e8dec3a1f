"""The engine that feeds a scan: one event, one move, one frame, one decision.

Why an engine and not signals: with a Qt application alive, what is connected to
`frameReady` runs on the main thread, output handlers run on a third one behind an
unbounded queue, and exceptions in either are only logged. In `exec_event` the frame is
seen on the acquisition thread under any backend, before the next event is pulled.

The stock engine logs a warning where a channel, an exposure or a snap fails, and goes
on. Here each of them ends the scan as failed. Nothing raises out of this engine:
the scan's outcome tells, and the run ends because the scan asks for no further z.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import useq
from pymmcore_plus.mda import MDAEngine, SkipEvent

from rmz_acquire.acquisition.drive import StageError
from rmz_acquire.scanning import Plane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.acquisition.drive import Arrival, FocusDrive
    from rmz_acquire.acquisition.light import LightGate
    from rmz_acquire.scanning import Recorder, Scan

__all__ = ["Optical", "ScanEngine"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Optical:
    """What stays the same over the planes of a scan.

    Parameters
    ----------
    exposure_ms : float
        Exposure, ms.
    channel : (str, str) or None
        Configuration group and preset, None to leave the channel as it is.
    """

    exposure_ms: float
    channel: tuple[str, str] | None = None


class ScanEngine(MDAEngine):
    """Runs the events that a scan asks for and hands it every frame.

    Use it for one scan: it holds the scan's parts.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    scan : Scan
        Says where next.
    recorder : Recorder
        Has each plane before the scan sees it.
    drive : FocusDrive
        The focus stage.
    light : LightGate
        The shutter.
    optical : Optical
        Exposure and channel.
    """

    def __init__(
        self,
        core: CMMCorePlus,
        scan: Scan,
        recorder: Recorder,
        *,
        drive: FocusDrive,
        light: LightGate,
        optical: Optical,
    ) -> None:
        # The state is brought back by `run_on_core`, in an order that is safe.
        super().__init__(
            core, use_hardware_sequencing=False, restore_initial_state=False
        )
        self._scan = scan
        self._recorder = recorder
        self._drive = drive
        self._light = light
        self._optical = optical
        self._arrival: Arrival | None = None
        #: What went wrong after the scan had come to its end.
        self.late_errors: list[Exception] = []

    def events(self) -> Iterator[useq.MDAEvent]:
        """Give the events one by one, each when the scan has seen the last frame.

        An iterator, since the runner looks ahead into anything else.

        Yields
        ------
        useq.MDAEvent
            One z each, in the order taken.
        """
        channel: dict[str, Any] = {}
        if self._optical.channel is not None:
            group, config = self._optical.channel
            channel["channel"] = {"config": config, "group": group}
        while (z_um := self._scan.next_z()) is not None:
            yield useq.MDAEvent(
                index={"t": self._scan.planes_taken},
                z_pos=z_um,
                exposure=self._optical.exposure_ms,
                **channel,
            )

    def setup_sequence(self, sequence: useq.MDASequence) -> Any:
        """Set what stays the same: channel and exposure."""
        try:
            core = self.mmcore
            meta = super().setup_sequence(sequence)
            if self._optical.channel is not None:
                group, preset = self._optical.channel
                core.setConfig(group, preset)
                core.waitForConfig(group, preset)
            core.setExposure(self._optical.exposure_ms)
            core.waitForSystem()
        except Exception as error:
            self._fail(error)
            return None
        return meta

    def setup_event(self, event: useq.MDAEvent) -> None:
        """Go to the event's z.

        Raises
        ------
        SkipEvent
            Where no frame shall be taken: the scan was ended meanwhile, or the stage
            is not where it was sent (then the scan has failed).
        """
        self._go_on_or_skip()
        try:
            if event.z_pos is None:
                msg = "an event without a z came to the scan's engine"
                raise StageError(msg)
            self._arrival = self._drive.move(event.z_pos)
        except Exception as error:
            self._fail(error)
            raise SkipEvent(0, "the stage failed") from error
        # light is dose: look once more before the exposure
        self._go_on_or_skip()

    def exec_event(self, event: useq.MDAEvent) -> Iterator[Any]:
        """Take the plane, put it on disk, let the scan decide, pass the frame on.

        Yields
        ------
        ImagePayload
            Image, event and metadata, for whoever listens to `frameReady`.
        """
        try:
            plane = self._take(event)
            self._recorder.write_plane(plane, self._scan.planes_taken)
            decision = self._scan.observe(plane)
            self._recorder.write_decision(decision)
            meta = self._describe(event)
        except Exception as error:
            self._fail(error)
            return
        yield plane.image, event, meta

    def teardown_event(self, event: useq.MDAEvent) -> None:
        """Leave all as it is: nothing was set for one event alone."""

    def teardown_sequence(self, sequence: useq.MDASequence) -> None:
        """Leave all as it is: `run_on_core` brings the state back."""

    def _fail(self, error: Exception) -> None:
        logger.debug("the scan failed", exc_info=error)
        if self._scan.outcome is not None:
            self.late_errors.append(error)
        self._scan.fail(error)

    def _go_on_or_skip(self) -> None:
        status = self.mmcore.mda.status
        if status.cancel_requested:
            self._scan.abort("cancelled through Micro-Manager")
        if self._scan.abort_requested or self._scan.outcome is not None:
            raise SkipEvent(0, "the scan was ended")

    def _take(self, event: useq.MDAEvent) -> Plane:
        core, arrival = self.mmcore, self._arrival
        if arrival is None:  # pragma: no cover  # the runner calls setup_event first
            msg = "a frame was asked for before the stage was set"
            raise StageError(msg)
        self._arrival = None
        begin = time.perf_counter()
        with self._light.exposure():
            core.snapImage()
        ended = datetime.now(UTC)
        # a copy: the core may hand out its own buffer, which the next frame overwrites
        image = np.array(core.getImage())
        camera_ms = (time.perf_counter() - begin) * 1000
        if image.ndim != 2 or image.size == 0:
            msg = f"the camera gave an array of shape {image.shape}, not a grey picture"
            raise RuntimeError(msg)
        return Plane(
            image=image,
            z_um=arrival.z_um,
            z_requested_um=float(event.z_pos or 0.0),
            exposure_ms=float(core.getExposure()),
            stage_ms=arrival.stage_ms,
            camera_ms=camera_ms,
            time=ended,
        )

    def _describe(self, event: useq.MDAEvent) -> Any:
        return self.get_frame_metadata(
            event,
            runner_time_ms=self.mmcore.mda.seconds_elapsed() * 1000,
            include_position=True,
        )
