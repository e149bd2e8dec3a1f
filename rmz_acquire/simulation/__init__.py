"""Specimens, what a wide-field microscope sees of them, and a microscope to try it on.

The devices for Micro-Manager are in `camera` and `stage`; they are not imported here,
so that training on simulated specimens does without Micro-Manager.
"""

from __future__ import annotations

from rmz_acquire.simulation.recorded import RecordedMicroscope
from rmz_acquire.simulation.specimens import SPECIMENS, Specimen, make_specimen
from rmz_acquire.simulation.stack import SimulatedStack, simulate_stack
from rmz_acquire.simulation.widefield import CameraModel, WideField

__all__ = [
    "SPECIMENS",
    "CameraModel",
    "RecordedMicroscope",
    "SimulatedStack",
    "Specimen",
    "WideField",
    "make_specimen",
    "simulate_stack",
]
