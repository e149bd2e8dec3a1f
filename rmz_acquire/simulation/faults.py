"""What goes wrong on microscopes, as properties of the simulated devices.

Each fault comes with a probability or a size, 0 by default, and all of a device draw
from one generator with the seed ``FaultSeed``: the same seed, the same bad night.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from pymmcore_plus.experimental.unicore import ShutterDevice

from rmz_acquire.simulation.devices import SimulatedDevice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["CameraFaults", "Faults", "SimulatedShutter", "StageFaults"]


class Faults:
    """Sizes and probabilities by name, and the generator that they share.

    Parameters
    ----------
    device : SimulatedDevice
        Whose properties they become.
    named : iterable of (str, float, str)
        Name of the property, its largest value, and what it means.
    """

    def __init__(
        self, device: SimulatedDevice, named: Iterable[tuple[str, float, str]]
    ) -> None:
        self._seed = 0
        self._rng = np.random.default_rng(0)
        self._of: dict[str, float] = {}
        device.add_property(
            "FaultSeed",
            int,
            lambda: self._seed,
            self._set_seed,
            limits=(0, 2**31 - 1),
            description="of everything that goes wrong by chance",
        )
        for name, most, description in named:
            self._of[name] = 0.0
            device.add_property(
                name,
                float,
                lambda name=name: self._of[name],  # type: ignore[misc]
                lambda value, name=name: self._of.__setitem__(name, value),  # type: ignore[misc]
                limits=(-most if name.endswith("_per_s") else 0.0, most),
                description=description,
            )

    def __getitem__(self, name: str) -> float:
        """Give the size of a fault."""
        return self._of[name]

    def strikes(self, name: str) -> bool:
        """Draw whether a fault happens now."""
        chance = self._of[name]
        return chance > 0 and float(self._rng.random()) < chance

    def normal(self, name: str) -> float:
        """Draw a deviation with the size of a fault."""
        size = self._of[name]
        return float(self._rng.normal(0.0, size)) if size > 0 else 0.0

    def _set_seed(self, value: int) -> None:
        self._seed = value
        self._rng = np.random.default_rng(value)


class CameraFaults(Faults):
    """The faults of a camera, and of the specimen before it."""

    def __init__(self, device: SimulatedDevice) -> None:
        super().__init__(
            device,
            (
                ("Throw_probability", 1.0, "the camera reports an error"),
                ("Drop_probability", 1.0, "a frame never arrives"),
                ("Blank_probability", 1.0, "a frame without any light"),
                ("Saturate_probability", 1.0, "a frame at its highest count"),
                ("Stale_probability", 1.0, "the frame before it comes again"),
                ("Late_probability", 1.0, "a frame that comes late"),
                ("Late_ms", 10000.0, "by how much a late frame is late, ms"),
                ("SpecimenSpeed_um_per_s", 100.0, "the specimen moves up, µm/s"),
            ),
        )
        self._begin = time.perf_counter()
        self._before: NDArray[Any] | None = None

    def moved_um(self) -> float:
        """By how much the specimen has moved, µm."""
        return self["SpecimenSpeed_um_per_s"] * (time.perf_counter() - self._begin)

    def expose(self) -> None:
        """Be late, or not there at all.

        Raises
        ------
        RuntimeError
            For a camera that reports an error, or a frame that never comes.
        """
        if self["SpecimenSpeed_um_per_s"] == 0:
            self._begin = time.perf_counter()
        if self.strikes("Throw_probability"):
            msg = "simulated fault: the camera reports an error"
            raise RuntimeError(msg)
        if self.strikes("Late_probability"):
            time.sleep(self["Late_ms"] / 1000)
        if self.strikes("Drop_probability"):
            msg = "simulated fault: the frame was dropped"
            raise RuntimeError(msg)

    def spoil(self, frame: NDArray[Any], dark: float, most: int) -> None:
        """Make a frame blank, saturated or the one before it, in place."""
        if self.strikes("Blank_probability"):
            frame[:] = round(dark)
        if self.strikes("Saturate_probability"):
            frame[:] = most
        stale = self.strikes("Stale_probability")
        if stale and self._before is not None and self._before.shape == frame.shape:
            frame[:] = self._before
        self._before = frame.copy()


class StageFaults(Faults):
    """The faults of a focus stage."""

    def __init__(self, device: SimulatedDevice) -> None:
        super().__init__(
            device,
            (
                ("Backlash_um", 10.0, "it stands higher after a move down, µm"),
                ("Drift_um_per_s", 10.0, "it sinks unseen by its encoder, µm/s"),
                ("Jitter_um", 10.0, "it stops beside its target by chance, µm RMS"),
                ("Stuck_probability", 1.0, "a move is not made"),
                ("ReadWrong_probability", 1.0, "a position is read back wrong"),
                ("ReadWrong_um", 100.0, "by how much it is then wrong, µm"),
                ("Inverted_probability", 1.0, "1: up is down (the sign is reversed)"),
            ),
        )
        self._begin = time.perf_counter()
        self._down = False
        self._beside_um = 0.0

    @property
    def off_um(self) -> float:
        """By how much this move ended beside its target, as the encoder sees it, µm."""
        return self._beside_um

    def moves(self, start_um: float, target_um: float) -> bool:
        """Begin a move; whether it is made at all."""
        if self.strikes("Stuck_probability"):
            return False
        if target_um != start_um:
            self._down = target_um < start_um
        self._beside_um = self.normal("Jitter_um")
        return True

    def read_um(self, encoder_um: float) -> float:
        """Read the encoder, perhaps wrong."""
        wrong = self.strikes("ReadWrong_probability")
        return encoder_um + (self["ReadWrong_um"] if wrong else 0.0)

    def true_um(self, position_um: float) -> float:
        """Where the focus really is."""
        if self["Drift_um_per_s"] == 0:
            self._begin = time.perf_counter()
        sunk = self["Drift_um_per_s"] * (time.perf_counter() - self._begin)
        if self["Inverted_probability"] > 0.5:
            position_um = -position_um
        return position_um + (self["Backlash_um"] if self._down else 0.0) - sunk


class SimulatedShutter(SimulatedDevice, ShutterDevice):
    """A shutter that may stick: told to close, it stays open."""

    def __init__(self) -> None:
        super().__init__()
        self._open = False
        self._faults = Faults(
            self, [("Stick_probability", 1.0, "told to close, it stays open")]
        )

    def get_open(self) -> bool:
        """Whether there is light."""
        return self._open

    def set_open(self, open: bool) -> None:
        """Open, or close unless it sticks."""
        if open or not self._faults.strikes("Stick_probability"):
            self._open = open
