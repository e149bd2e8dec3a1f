from .recorded import RecordedMicroscope
from .specimens import SPECIMENS, Specimen, make_specimen
from .stack import SimulatedStack, simulate_stack
from .widefield import CameraModel, WideField

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
