"""The focus stage: goes somewhere, makes sure that it is there, and comes back.

`waitForSystem` and `waitForDevice` return early on many real stages, and the first
move of a series is the one that is off. So a move here ends only when the position
READ BACK is within a tolerance of the target, and stays so over the settle time.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rmz_acquire.errors import InputError, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pymmcore_plus import CMMCorePlus

__all__ = [
    "Arrival",
    "FocusDrive",
    "Interrupted",
    "Side",
    "StageError",
    "position_um",
    "wait_while",
]

Side = Literal["below", "above"]

_POLL_S = 0.01
_LOOK_S = 0.05


class StageError(RuntimeError):
    """The stage is not where it was sent."""


class Interrupted(RuntimeError):
    """The wait for a device was given up, since everything was stopped."""


def position_um(core: CMMCorePlus, stage: str) -> float:
    """Ask a focus stage where it stands before anything moves.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    stage : str
        The stage's label.

    Returns
    -------
    float
        µm, finite.

    Raises
    ------
    InputError
        If it gives no number: it could not be brought back.
    """
    said = "it reports no number"
    try:
        z_um = float(core.getPosition(stage))
    except RuntimeError as error:
        z_um, said = math.nan, message_of(error)
    if not math.isfinite(z_um):
        msg = (
            f"where stage {stage!r} stands is not known ({said}): see that it is "
            "switched on and has found its zero"
        )
        raise InputError(msg)
    return z_um


def wait_while(
    busy: Callable[[], bool],
    stopped: Callable[[], bool] | None,
    timeout_ms: float,
    what: str,
) -> None:
    """Wait for a device as `waitForDevice` does, but let go when all is stopped.

    Parameters
    ----------
    busy : callable
        Whether to wait on.
    stopped : callable, optional
        Whether to let go.
    timeout_ms : float
        How long at most, ms.
    what : str
        Who is waited for.

    Raises
    ------
    Interrupted
        If everything was stopped.
    RuntimeError
        If it takes too long.
    """
    begin = time.perf_counter()
    pause = 0.0
    while busy():
        if stopped is not None and stopped():
            raise Interrupted(f"stopped while {what} was busy")
        if (time.perf_counter() - begin) * 1000 > timeout_ms:
            msg = f"{what} is busy for more than {timeout_ms / 1000:g} s"
            raise RuntimeError(msg)
        # a fast stage is not kept waiting, a slow one is not asked all the time
        time.sleep(pause)
        pause = min(_POLL_S, pause + 0.001)


@dataclass(frozen=True, slots=True)
class Arrival:
    """The end of a move.

    Parameters
    ----------
    z_um : float
        Position read back after settling, µm.
    stage_ms : float
        Time that the move took with its settling, ms.
    """

    z_um: float
    stage_ms: float


class FocusDrive:
    """Moves a focus stage and reads back where it stands.

    Parameters
    ----------
    core : CMMCorePlus
        The core that holds the stage.
    label : str
        The stage's label.
    settle_ms : float or None
        Rest after the arrival, ms; None takes the delay that the configuration
        gives the stage (``Delay,Z,20``).
    tolerance_um : float
        How far from the target it may stand, µm.
    approach_um : float
        Where above 0, every target is approached from one side, from this far or
        farther, µm: against backlash.
    approach_from : {"below", "above"}
        From which side.
    approach_speed : (str, str), optional
        A property of the stage and its value on the way from there to the target;
        before and behind it is as it was.
    timeout_ms : float
        How long the position read back may take to reach the target once the stage
        says that it has arrived, ms.
    retries : int
        How often a move that ended off its target is tried again.
    limits_um : (float, float)
        Where it is never sent beyond, whatever an autofocus adds, µm.
    stopped : callable, optional
        Asked all the while: True ends a move with `Interrupted`, but not the way home.
    """

    def __init__(
        self,
        core: CMMCorePlus,
        label: str,
        *,
        settle_ms: float | None = None,
        tolerance_um: float = 0.1,
        approach_um: float = 0.0,
        approach_from: Side = "below",
        approach_speed: tuple[str, str] | None = None,
        timeout_ms: float = 2000.0,
        retries: int = 0,
        limits_um: tuple[float, float] = (-math.inf, math.inf),
        stopped: Callable[[], bool] | None = None,
    ) -> None:
        self._core = core
        self.label = label
        delay = core.getDeviceDelayMs(label) if settle_ms is None else settle_ms
        self.settle_ms = float(delay)
        self.tolerance_um = tolerance_um
        self.approach_um = approach_um
        self._away = -1.0 if approach_from == "below" else 1.0
        self._speed = approach_speed
        self._timeout_s = timeout_ms / 1000
        self._retries = retries
        self._limits_um = limits_um
        self._stopped = stopped
        self.start_um = position_um(core, label)

    def move(self, z_um: float, *, by_way_of_um: float | None = None) -> Arrival:
        """Go to a position and stay there until it has settled.

        Parameters
        ----------
        z_um : float
            Target, µm.
        by_way_of_um : float, optional
            Where to go first, µm, in place of the usual approach.

        Returns
        -------
        Arrival

        Raises
        ------
        StageError
            If the position read back is not within the tolerance of the target.
        Interrupted
            If everything was stopped meanwhile.
        RuntimeError
            Whatever the device itself complains about.
        """
        begin = time.perf_counter()
        for tries in range(1, self._retries + 2):
            try:
                first = by_way_of_um
                if first is None:
                    first = self._first_um(z_um)
                if first is not None:
                    self._send(first)
                with self._slow():
                    return self._go(z_um, begin)
            except StageError as error:
                if tries <= self._retries:
                    continue
                if tries == 1:
                    raise
                raise StageError(f"{error} after {tries} tries") from None
        raise AssertionError  # pragma: no cover

    def stay(self, rest_ms: float) -> Arrival:
        """Rest where it stands, and read back.

        Parameters
        ----------
        rest_ms : float
            For how long, ms.

        Raises
        ------
        Interrupted
            If everything was stopped meanwhile.
        """
        begin = time.perf_counter()
        self._rest(rest_ms / 1000)
        return Arrival(self._read(), (time.perf_counter() - begin) * 1000)

    def stands_at(self, z_um: float) -> float | None:
        """Read back where it stands, µm; None where that is not this target."""
        here_um = self._read()
        return here_um if self._there(here_um, z_um) else None

    def _first_um(self, z_um: float) -> float | None:
        """Where an approach begins; None where the way leads by there anyway."""
        if self.approach_um <= 0:
            return None
        first = z_um + self._away * self.approach_um
        here = self._read()
        return None if (here - first) * self._away >= 0 else first

    @contextmanager
    def _slow(self) -> Iterator[None]:
        """Have the speed of an approach until its end."""
        if self._speed is None:
            yield
            return
        name, value = self._speed
        usual = self._core.getProperty(self.label, name)
        self._core.setProperty(self.label, name, value)
        try:
            yield
        finally:
            self._core.setProperty(self.label, name, usual)

    def home(self) -> None:
        """Bring the stage back to where it stood at the beginning.

        Raises
        ------
        StageError
            If it does not get there.
        """
        stopped, self._stopped = self._stopped, None
        try:
            # straight, since below the start there may be no room for an approach, and
            # without a rest, since no picture is taken there
            for left in range(self._retries, -1, -1):
                self._send(self.start_um)
                try:
                    self._arrive(self.start_um)
                    return
                except StageError:
                    if left == 0:
                        raise
        finally:
            self._stopped = stopped

    def _send(self, z_um: float) -> None:
        core, label = self._core, self.label
        low, high = self._limits_um
        if not low <= z_um <= high:
            msg = (
                f"stage {label!r} would go to {z_um:g} µm, outside its limits of "
                f"{low:g} to {high:g} µm"
            )
            raise RuntimeError(msg)
        core.setPosition(label, z_um)
        wait_while(
            lambda: core.deviceBusy(label),
            self._stopped,
            core.getTimeoutMs(),
            f"stage {label!r}",
        )

    def _go(self, z_um: float, begin: float) -> Arrival:
        self._send(z_um)
        self._arrive(z_um)
        self._rest(self.settle_ms / 1000)
        actual = self._read()
        if not self._there(actual, z_um):
            raise StageError(self._off(actual, z_um))
        return Arrival(actual, (time.perf_counter() - begin) * 1000)

    def _rest(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self._look()
            time.sleep(min(left, _LOOK_S))

    def _arrive(self, z_um: float) -> None:
        """Wait for a stage that says it has arrived while it has not."""
        deadline = time.perf_counter() + self._timeout_s
        while not self._there(actual := self._read(), z_um):
            if time.perf_counter() > deadline:
                raise StageError(self._off(actual, z_um))
            self._look()
            time.sleep(_POLL_S)

    def _look(self) -> None:
        if self._stopped is not None and self._stopped():
            raise Interrupted(f"stopped while stage {self.label!r} settled")

    def _read(self) -> float:
        return float(self._core.getPosition(self.label))

    def _there(self, actual_um: float, target_um: float) -> bool:
        return (
            math.isfinite(actual_um) and abs(actual_um - target_um) <= self.tolerance_um
        )

    def _off(self, actual_um: float, target_um: float) -> str:
        return (
            f"stage {self.label!r} was sent to {target_um:g} µm and stands at "
            f"{actual_um:g} µm (tolerance {self.tolerance_um:g} µm)"
        )
