"""A focus stage that takes its time: travel, then ringing until it has settled."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from pymmcore_plus import FocusDirection, Keyword
from pymmcore_plus.experimental.unicore import StageDevice

from rmz_acquire.simulation.devices import SimulatedDevice
from rmz_acquire.simulation.faults import StageFaults

__all__ = ["SimulatedStage"]

_RINGING = 0.05  # of the travel, at the moment of arrival
_DECAYS = 5.0  # time constants in the settle time


@dataclass(frozen=True, slots=True)
class _Move:
    """One move; replaced as a whole, so that any thread may read it."""

    start_um: float
    target_um: float
    begin_s: float
    travel_s: float

    def encoder_um(self, now_s: float) -> float:
        passed = now_s - self.begin_s
        if passed >= self.travel_s:
            return self.target_um
        return self.start_um + (self.target_um - self.start_um) * passed / self.travel_s


class SimulatedStage(SimulatedDevice, StageDevice):
    """Simulated focus stage.

    The position that it tells is that of its encoder: the target, from the end of the
    travel on. Where it really stands (`true_position_um`, what the camera sees) rings
    by a twentieth of the travel, and is still when ``Settle_ms`` is over. With
    ``BusyUntilSettled`` at No it says that it is ready when only the travel is over,
    as many real stages do. It announces no moves (``stagePositionChanged``).
    """

    def __init__(self) -> None:
        super().__init__()
        self._speed_um_per_s = 2000.0
        self._settle_ms = 5.0
        self._limits_um = (-200.0, 200.0)
        self._busy_until_settled = True
        self._direction = FocusDirection.Unknown
        self._origin_um = 0.0
        self._move = _Move(0.0, 0.0, time.perf_counter(), 0.0)
        self._faults = StageFaults(self)
        add = self.add_property
        add(
            Keyword.Position,
            float,
            self.get_position_um,
            self.set_position_um,
            limits=self._limits_um,
            description="position of the encoder, µm",
        )
        add(
            "Speed_um_per_s",
            float,
            lambda: self._speed_um_per_s,
            lambda value: setattr(self, "_speed_um_per_s", value),
            limits=(1.0, 1e6),
            description="speed of travel, µm/s",
        )
        add(
            "Settle_ms",
            float,
            lambda: self._settle_ms,
            lambda value: setattr(self, "_settle_ms", value),
            limits=(0.0, 5000.0),
            description="ringing after the travel, ms",
        )
        add(
            "BusyUntilSettled",
            str,
            lambda: "Yes" if self._busy_until_settled else "No",
            lambda value: setattr(self, "_busy_until_settled", value == "Yes"),
            choices=("No", "Yes"),
            description="whether it calls itself busy while it rings",
        )
        add(
            "LowerLimit_um",
            float,
            lambda: self._limits_um[0],
            lambda value: self._set_limits(value, self._limits_um[1]),
            limits=(-1e5, 1e5),
            description="lowest position, µm",
        )
        add(
            "UpperLimit_um",
            float,
            lambda: self._limits_um[1],
            lambda value: self._set_limits(self._limits_um[0], value),
            limits=(-1e5, 1e5),
            description="highest position, µm",
        )

    def set_position_um(self, val: float) -> None:
        """Begin to move.

        Raises
        ------
        ValueError
            Outside the limits.
        """
        target = float(val)
        low, high = self._limits_um
        if not low <= target <= high:
            msg = f"{target:g} µm is outside the stage's {low:g} to {high:g} µm"
            raise ValueError(msg)
        now = time.perf_counter()
        start = self._move.encoder_um(now)
        if not self._faults.moves(start, target):
            return
        target += self._faults.off_um
        travel_s = abs(target - start) / self._speed_um_per_s
        self._move = _Move(start, target, now, travel_s)

    def get_position_um(self) -> float:
        """Position of the encoder, µm."""
        return self._faults.read_um(self._move.encoder_um(time.perf_counter()))

    def true_position_um(self) -> float:
        """Where the focus really is now, µm: with ringing and with its faults."""
        return self._faults.true_um(self._ringing_um())

    def _ringing_um(self) -> float:
        move, now = self._move, time.perf_counter()
        position = move.encoder_um(now) + self._origin_um
        rest_s = now - move.begin_s - move.travel_s
        if rest_s < 0 or self._settle_ms == 0:
            return position
        part = rest_s / (self._settle_ms / 1000)
        if part >= 1:
            return position
        swing = _RINGING * (move.target_um - move.start_um)
        return position + swing * math.exp(-_DECAYS * part)

    def busy(self) -> bool:
        """Whether it is on its way, or rings and admits it."""
        until = self._move.begin_s + self._move.travel_s
        if self._busy_until_settled:
            until += self._settle_ms / 1000
        return time.perf_counter() < until

    def home(self) -> None:
        """Go to 0 µm."""
        self.set_position_um(0.0)

    def stop(self) -> None:
        """Stay where it is."""
        now = time.perf_counter()
        here = self._move.encoder_um(now)
        self._move = _Move(here, here, now, 0.0)

    def set_origin(self) -> None:
        """Call the place where it stands 0 µm; the specimen stays where it is."""
        here = self.get_position_um()
        self._origin_um += here
        low, high = self._limits_um
        self._set_limits(low - here, high - here)
        self._move = _Move(0.0, 0.0, time.perf_counter(), 0.0)

    def get_focus_direction(self) -> FocusDirection:
        """Give what the configuration said."""
        return self._direction

    def set_focus_direction(self, sign: int) -> None:
        """Remember what the configuration says."""
        self._direction = FocusDirection((sign > 0) - (sign < 0))

    def _set_limits(self, low: float, high: float) -> None:
        if not low < high:
            msg = f"the lower limit {low:g} µm is not below the upper, {high:g} µm"
            raise ValueError(msg)
        self._limits_um = (low, high)
        self.set_property_limits(Keyword.Position, (low, high))
