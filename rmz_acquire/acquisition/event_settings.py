"""Sets what an event asks for, all but z, and lets nothing fail in silence.

The stock engine does the same in the same order and turns every failure into a
warning: the scan would go on at the wrong place or in the wrong channel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pymmcore_plus import DeviceType, Keyword

from rmz_acquire.acquisition.cameras import crop, set_property
from rmz_acquire.acquisition.focus_stage import wait_while
from rmz_acquire.acquisition.sideways import SidewaysMove
from rmz_acquire.errors import message_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import useq
    from pymmcore_plus import CMMCorePlus

__all__ = ["EventSettings"]

logger = logging.getLogger(__name__)

# Cameras round to lines of their sensor; more than this part is another exposure.
_EXPOSURE_OFF = 0.05
_CAMERA = (Keyword.CoreDevice.value, Keyword.CoreCamera.value)
_Step = tuple[str, Any, Callable[[], None]]


class EventSettings:
    """Position, channel, exposure, properties and region of interest.

    What an event has in common with the one before it is not set again, so a plane of
    the same volume costs a move in z and nothing else.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    stopped : callable
        Whether everything was stopped: ends a wait with `Interrupted`.
    """

    def __init__(self, core: CMMCorePlus, stopped: Callable[[], bool]) -> None:
        self._core = core
        self._stopped = stopped
        self._last: dict[str, Any] = {}
        self._told: set[tuple[float, float]] = set()

    def apply(self, event: useq.MDAEvent) -> None:
        """Set what an event asks for and wait until it is so.

        Parameters
        ----------
        event : useq.MDAEvent
            Its z is left to the `FocusDrive`.

        Raises
        ------
        Interrupted
            If everything was stopped meanwhile.
        RuntimeError
            That names what could not be set.
        """
        # the camera first: exposure and region of interest are those of one camera
        camera = [s for s in event.properties or () if tuple(s[:2]) == _CAMERA]
        rest = [s for s in event.properties or () if tuple(s[:2]) != _CAMERA]
        moves: list[SidewaysMove] = []  # made sure of behind the other settings
        if self._run(self._before_camera(event, camera, moves)):
            # of a preset nobody knows what else it has set
            for kind in ("exposure", "region"):
                self._last.pop(kind, None)
            changed = True
        else:
            changed = False
        if self._run(self._behind_camera(event, rest)) or changed:
            core = self._core
            wait_while(
                core.systemBusy, self._stopped, core.getTimeoutMs(), "the microscope"
            )
        for move in moves:
            move.finish(self._stopped)

    def _before_camera(
        self, event: useq.MDAEvent, camera: list[Any], moves: list[SidewaysMove]
    ) -> list[_Step]:
        core = self._core
        place = (event.x_pos, event.y_pos)
        steps: list[_Step] = []
        if place != (None, None):
            what = f"the position x {event.x_pos}, y {event.y_pos}"
            steps.append(
                (what, place, lambda: moves.append(SidewaysMove(core, *place)))
            )
        if (channel := event.channel) is not None:
            what = f"the channel {channel.group} {channel.config}"
            chosen = (channel.group, channel.config)
            steps.append((what, chosen, lambda: core.setConfig(*chosen)))
        for device, name, label in camera:
            # whenever it is given: a preset may have selected another one
            select = partial(set_property, core, device, name, label)
            steps.append((f"the camera {label}", object(), select))
        return steps

    def _behind_camera(self, event: useq.MDAEvent, rest: list[Any]) -> list[_Step]:
        core = self._core
        steps: list[_Step] = []
        if event.exposure is not None:
            what, ms = f"the exposure of {event.exposure:g} ms", event.exposure
            steps.append((what, ms, lambda: self._expose(ms)))
        if rest:
            names = ", ".join(f"{dev}-{name}" for dev, name, _ in rest)
            # set whenever they are given, as the stock engine does
            steps.append((f"the properties {names}", object(), lambda: self._set(rest)))
        if (roi := event.roi) is not None:
            box = (roi.offset_x, roi.offset_y, roi.width, roi.height)
            steps.append(("the region of interest", box, lambda: crop(core, box)))
        return steps

    def _run(self, steps: list[_Step]) -> bool:
        """Do what is not done already; say whether anything was."""
        changed = False
        for what, value, step in steps:
            kind = what.split()[1]
            if self._last.get(kind) == value:
                continue
            # forgotten first: what failed half-way is set again
            self._last.pop(kind, None)
            try:
                step()
            except Exception as error:
                msg = f"{what} cannot be set: {message_of(error)}"
                raise RuntimeError(msg) from error
            self._last[kind] = value
            changed = True
        return changed

    def _expose(self, ms: float) -> None:
        core = self._core
        core.setExposure(ms)
        is_ms = float(core.getExposure())
        if abs(is_ms - ms) > _EXPOSURE_OFF * ms and (ms, is_ms) not in self._told:
            self._told.add((ms, is_ms))
            logger.warning(
                "the camera exposes %g ms where %g ms are asked for: what it does is "
                "recorded",
                is_ms,
                ms,
            )

    def _set(self, properties: Iterable[tuple[str, str, Any]]) -> None:
        core = self._core
        for device, name, value in properties:
            if name == Keyword.Position:
                kind = core.getDeviceType(device)
                if kind == DeviceType.XYStage:
                    core.setXYPosition(device, float(value[0]), float(value[1]))
                    continue
                if kind == DeviceType.Stage:
                    core.setPosition(device, float(value))
                    continue
            set_property(core, device, name, value)
