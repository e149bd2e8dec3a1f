from .acquire import acquire
from .configurations import config_path, load_simulated, open_core, optics_from_core
from .engine import ScanEngine
from .focus_lock import FocusLock, FocusLockError
from .focus_stage import FocusDrive, StageError
from .hardware_autofocus import Autofocus, AutofocusError
from .preflight import stage_limits_um
from .shutdown import close_core, quiet_at_exit
from .shutter import ShutterGuard
from .volume_task import Control, RepeatPlane, VolumeTask

__all__ = [
    "Autofocus",
    "AutofocusError",
    "Control",
    "FocusDrive",
    "FocusLock",
    "FocusLockError",
    "RepeatPlane",
    "ScanEngine",
    "ShutterGuard",
    "StageError",
    "VolumeTask",
    "acquire",
    "close_core",
    "config_path",
    "load_simulated",
    "open_core",
    "optics_from_core",
    "quiet_at_exit",
    "stage_limits_um",
]
