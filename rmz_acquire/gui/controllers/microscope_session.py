"""The microscope of the window: loaded, looked through, let go.

Whatever may take time runs on one worker thread, one thing after the other, so that
the window never waits for a device.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pymmcore_plus import DeviceType
from PyQt6.QtCore import pyqtSignal

from rmz_acquire.acquisition import ShutterGuard, close_core, open_core
from rmz_acquire.acquisition.preflight import check_channel
from rmz_acquire.errors import InputError
from rmz_acquire.gui.controllers.controller import Controller
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.controllers.watched_core import WatchedCore
from rmz_acquire.gui.models.microscope_facts import ScopeFacts

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.gui.models.specimen import SimulatedSpecimen

__all__ = ["MicroscopeController"]

logger = logging.getLogger(__name__)

_FRAME_S = 0.03
_FOCUS_S = 0.15


class MicroscopeController(Controller):
    """Connects, snaps, shows live, and ends safely."""

    #: The microscope is in another state now.
    state_changed = pyqtSignal(State)
    #: A configuration is loaded: its name.
    connected = pyqtSignal(str)
    #: What the microscope tells of itself now.
    looked = pyqtSignal(ScopeFacts)
    #: A picture, (Y, X) camera counts, live or snapped.
    picture = pyqtSignal(np.ndarray, str)
    #: Label of the focus stage; the positions of all stages by label, µm: of a z stage
    #: one, of an XY stage two.
    stages_seen = pyqtSignal(str, dict)

    def __init__(self) -> None:
        super().__init__()
        self._state = State.empty
        self._lock = threading.RLock()
        self._core: CMMCorePlus | None = None
        self._config = ""
        self._specimen: SimulatedSpecimen | None = None
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="microscope")
        self._live = threading.Event()
        self._look = threading.Event()
        self._closing = threading.Event()
        self._watcher = threading.Thread(
            target=self._watch, name="microscope watch", daemon=True
        )
        self._watcher.start()

    @property
    def state(self) -> State:
        """What the microscope is doing."""
        return self._state

    @property
    def core(self) -> CMMCorePlus | None:
        """The core, once a configuration is loaded."""
        return self._core

    @property
    def config(self) -> str:
        """Name or path of the configuration that is loaded."""
        return self._config

    def set_state(self, state: State) -> None:
        """Go into a state and tell the window."""
        with self._lock:
            if self._state is State.closed or state is self._state:
                return
            self._state = state
            # inside, so that they are told in this order
            self.state_changed.emit(state)

    def claim(self, state: State = State.scanning) -> bool:
        """Take the microscope, for a scan or stacks; False where it is not free."""
        with self._lock:
            if self._state not in (State.ready, State.live):
                return False
            self._state = state
            self.state_changed.emit(state)
        return True

    def connect(self, config: str | Path) -> Future[None]:
        """Load a configuration in place of the one that is loaded.

        Parameters
        ----------
        config : str or Path
            As for `rmz_acquire.acquisition.open_core`.

        Returns
        -------
        Future
            Done when it is loaded or has failed; both are told by signals.
        """
        if self._state.busy or self._state is State.connecting:
            said = "stop the scan before loading a configuration"
            self.problem.emit(said, "")
            return self._submit(lambda: None)
        self.set_state(State.connecting)
        return self._submit(lambda: self._connect(config))

    def choose_specimen(self, specimen: SimulatedSpecimen) -> Future[None]:
        """Put a specimen under the simulated microscope, now or when it is loaded."""
        self._specimen = specimen

        def work(core: CMMCorePlus) -> None:
            # the camera must not look while it is being changed
            live = self._live.is_set()
            self._stop_live()
            specimen.put_under(core)
            if live:
                self._start_live()

        return self.use(work)

    def snap(self) -> Future[None]:
        """Take one picture."""
        return self._submit(self._snap)

    def start_live(self) -> Future[None]:
        """Take pictures until `stop_live`."""
        return self._submit(self._start_live)

    def stop_live(self) -> Future[None]:
        """End the live view; light off."""
        return self._submit(self._stop_live)

    def move_focus(self, by_um: float) -> Future[None]:
        """Move the focus stage by so many µm."""

        def work() -> None:
            core = self._core
            if core is not None and core.getFocusDevice():
                focus = core.getFocusDevice()
                # from where the step before it leads, not from half the way
                core.waitForDevice(focus)
                core.setRelativePosition(focus, by_um)

        return self._submit(work)

    def go_to(self, x_um: float | None, y_um: float | None, z_um: float | None) -> None:
        """Move the stages; None leaves an axis where it is."""

        def work() -> None:
            core = self._core
            if core is None or self._state.busy:
                return
            if core.getXYStageDevice() and not (x_um is None and y_um is None):
                x, y = core.getXYPosition()
                core.setXYPosition(
                    x if x_um is None else x_um, y if y_um is None else y_um
                )
            if core.getFocusDevice() and z_um is not None:
                core.setPosition(z_um)

        self._submit(work)

    def prepare(
        self, exposure_ms: float, channel: tuple[str, str] | None
    ) -> Future[None]:
        """Set exposure and channel."""

        def work() -> None:
            core = self._core
            if core is None or self._state.busy:
                return
            check_channel(core, channel)
            if channel is not None:
                core.setConfig(*channel)
                core.waitForConfig(*channel)
            core.setExposure(exposure_ms)

        return self._submit(work)

    def use(self, work: Callable[[CMMCorePlus], None]) -> Future[None]:
        """Do something with the core that may take time, where there is one."""

        def guarded() -> None:
            core = self._core
            if core is not None and not self._state.busy:
                work(core)

        return self._submit(guarded)

    def look(self) -> None:
        """Read again what the microscope tells of itself; `looked` will come."""
        self._look.set()

    def close(self) -> None:
        """End the live view, switch the light off, unload; waits until it is done."""
        if self._state is State.closed:
            return
        self._closing.set()
        try:
            gone = self._worker.submit(self._let_go)
        except RuntimeError:
            # the process ends: its pools have done all they had, and take no more
            self._let_go()
        else:
            gone.result(timeout=30)
            self._worker.shutdown()
        self._watcher.join(timeout=5)
        self.set_state(State.closed)

    # ---- on the worker thread ---------------------------------------------------

    def _submit(self, work: Callable[[], None]) -> Future[None]:
        return self._worker.submit(self.guarded, work)

    def _connect(self, config: str | Path) -> None:
        self._let_go()
        core = WatchedCore()
        core.elsewhere = self._submit
        try:
            open_core(config, core)
            if self._specimen is not None:
                self._specimen.put_under(core)
        except BaseException:
            close_core(core)
            self.set_state(State.empty)
            raise
        with self._lock:
            self._core, self._config = core, str(config)
        name = Path(config).stem
        self.looked.emit(ScopeFacts.of(core))
        self.connected.emit(name)
        self.set_state(State.ready)

    def _let_go(self) -> None:
        self._live.clear()
        core, self._core = self._core, None
        if core is None:
            return
        try:
            if core.isSequenceRunning():
                core.stopSequenceAcquisition()
            ShutterGuard(core).close()
        finally:
            close_core(core)

    def _camera_ready(self) -> CMMCorePlus | None:
        core = self._core
        if core is None or self._state not in (State.ready, State.live):
            return None
        if not core.getCameraDevice():
            msg = "the configuration has no camera: choose another one"
            raise InputError(msg)
        return core

    def _snap(self) -> None:
        self._stop_live()
        core = self._camera_ready()
        if core is None:
            return
        gate = ShutterGuard(core)
        with gate.exposure():
            core.snapImage()
        self.picture.emit(np.array(core.getImage()), "snapped")

    def _start_live(self) -> None:
        core = self._camera_ready()
        if core is None or self._live.is_set():
            return
        core.startContinuousSequenceAcquisition(0)
        self._live.set()
        self.set_state(State.live)

    def _stop_live(self) -> None:
        core = self._core
        self._live.clear()
        if core is not None and core.isSequenceRunning():
            core.stopSequenceAcquisition()
        if self._state is State.live:
            self.set_state(State.ready)

    # ---- on the watching thread -------------------------------------------------

    def _watch(self) -> None:
        """Fetch live pictures and the focus; ends with `close`."""
        looked = 0.0
        while not self._closing.wait(_FRAME_S):
            core = self._core
            if core is None:
                continue
            try:
                if self._live.is_set() and core.getRemainingImageCount() > 0:
                    self.picture.emit(np.array(core.getLastImage()), "live")
                if self._look.is_set() and not self._state.busy:
                    self._look.clear()
                    self.looked.emit(ScopeFacts.of(core))
                now = time.perf_counter()
                if now - looked > _FOCUS_S:
                    looked = now
                    self._see_stages(core)
            except Exception:
                # unloaded between two lines, or a camera between two frames
                logger.debug("nothing to watch", exc_info=True)

    def _see_stages(self, core: CMMCorePlus) -> None:
        focus = core.getFocusDevice()
        if not focus:
            return
        stages: dict[str, tuple[float, ...]] = {}
        for label in core.getLoadedDevicesOfType(DeviceType.Stage):
            stages[label] = (float(core.getPosition(label)),)
        for label in core.getLoadedDevicesOfType(DeviceType.XYStage):
            x_um, y_um = core.getXYPosition(label)
            stages[label] = (float(x_um), float(y_um))
        self.stages_seen.emit(str(focus), stages)
