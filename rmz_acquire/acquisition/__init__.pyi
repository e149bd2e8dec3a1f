from .acquire import acquire
from .checks import stage_limits_um
from .configs import config_path, load_simulated, open_core, optics_from_core
from .drive import FocusDrive, StageError
from .engine import ScanEngine
from .focus import Autofocus, AutofocusError
from .focus_lock import FocusLock, FocusLockError
from .light import LightGate
from .run import run_on_core
from .shutdown import close_core, quiet_at_exit
from .visit import Again, Control, Visit

__all__ = [
    "Again",
    "Autofocus",
    "AutofocusError",
    "Control",
    "FocusDrive",
    "FocusLock",
    "FocusLockError",
    "LightGate",
    "ScanEngine",
    "StageError",
    "Visit",
    "acquire",
    "close_core",
    "config_path",
    "load_simulated",
    "open_core",
    "optics_from_core",
    "quiet_at_exit",
    "run_on_core",
    "stage_limits_um",
]
