"""Decides: plan, policies, stop rules, the scan as a state machine.

Sees a microscope, an estimator and a recorder only through Protocols.
"""

from __future__ import annotations

from rmz_acquire.scanning.decision import Decision, Outcome, Status
from rmz_acquire.scanning.protocols import (
    Estimate,
    Estimator,
    Microscope,
    Plane,
    Recorder,
)

__all__ = [
    "Decision",
    "Estimate",
    "Estimator",
    "Microscope",
    "Outcome",
    "Plane",
    "Recorder",
    "Status",
]
