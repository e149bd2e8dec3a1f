"""A scan on Micro-Manager: events, engine, the safety of stage and light."""

from __future__ import annotations

from rmz_acquire.acquisition.acquire import acquire
from rmz_acquire.acquisition.checks import stage_limits_um
from rmz_acquire.acquisition.configs import config_path, load_simulated, open_core
from rmz_acquire.acquisition.drive import FocusDrive, StageError
from rmz_acquire.acquisition.engine import ScanEngine
from rmz_acquire.acquisition.focus import Autofocus, AutofocusError
from rmz_acquire.acquisition.light import LightGate
from rmz_acquire.acquisition.run import run_on_core
from rmz_acquire.acquisition.shutdown import quiet_at_exit
from rmz_acquire.acquisition.visit import Again, Control, Visit
from rmz_acquire.objectives import optics_from_core

__all__ = [
    "Again",
    "Autofocus",
    "AutofocusError",
    "Control",
    "FocusDrive",
    "LightGate",
    "ScanEngine",
    "StageError",
    "Visit",
    "acquire",
    "config_path",
    "load_simulated",
    "open_core",
    "optics_from_core",
    "quiet_at_exit",
    "run_on_core",
    "stage_limits_um",
]
