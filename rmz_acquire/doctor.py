"""Looks at everything that a run stands on, and says what to type where it is missing.

Every check is a function that returns what it found or raises `_Missing`; whatever else
it raises is a finding too, so one broken part does not hide the others.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from rmz_acquire.errors import message_of
from rmz_acquire.installing import install_line, missing, pip_line, system_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Finding", "examine"]

Status = Literal["ok", "absent", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Parameters
    ----------
    part : str
        What was looked at.
    status : {"ok", "absent", "wrong"}
        `absent` is a part that one can do without, `wrong` must be mended.
    detail : str
        What is there, or what is wrong; one line.
    remedy : str
        What to type; empty where nothing is to be done.
    """

    part: str
    status: Status
    detail: str
    remedy: str = ""


class _Missing(Exception):
    def __init__(self, detail: str, remedy: str, *, optional: bool = False) -> None:
        super().__init__(detail)
        self.remedy = remedy
        self.status: Status = "absent" if optional else "wrong"


def examine() -> Iterator[Finding]:
    """Run every check, one after the other.

    Yields
    ------
    Finding
        As soon as it is there; the whole takes some seconds.
    """
    for part, check, remedy in _CHECKS:
        try:
            yield Finding(part, "ok", check())
        except _Missing as missing:
            yield Finding(part, missing.status, str(missing), missing.remedy)
        except Exception as error:
            words = " ".join(f"{error}".split()) or type(error).__name__
            yield Finding(part, "wrong", words, remedy)


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _package() -> str:
    from rmz_acquire import __version__
    from rmz_acquire.resources import resource_dir

    return f"rmz-acquire {__version__}, models in {resource_dir('models')}"


def _torch() -> str:
    import torch

    devices = [f"cpu ({torch.get_num_threads()} threads)"]
    if torch.cuda.is_available():
        devices += [
            f"cuda:{i} ({torch.cuda.get_device_name(i)})"
            for i in range(torch.cuda.device_count())
        ]
    if torch.backends.mps.is_available():
        devices.append("mps")
    one = torch.ones(8, 8)
    if float((one @ one).sum()) != 512:
        msg = "torch computes wrong results here"
        raise RuntimeError(msg)
    return f"{torch.__version__}; {', '.join(devices)}"


def _adapters() -> str:
    import pymmcore
    from pymmcore_plus import CMMCorePlus, find_micromanager

    from rmz_acquire.acquisition import close_core

    interface = pymmcore.__version__.split(".")[3]
    folder = find_micromanager()
    if not folder:
        raise _Missing(
            "no Micro-Manager device adapters found",
            f"{pip_line(f'mm-test-adapters=={interface}.*')} for the simulated ones, "
            "or set MICROMANAGER_PATH to a Micro-Manager",
        )
    core = CMMCorePlus()
    try:
        core.loadDevice("Probe", "DemoCamera", "DCam")
    except Exception as error:
        words = message_of(error)
        raise _Missing(
            f"those in {folder} do not load ({words})",
            f"get adapters of device interface {interface}: "
            f"{pip_line(f'mm-test-adapters=={interface}.*')}",
        ) from error
    finally:
        close_core(core)
    return f"device interface {interface}, {folder}"


def _snap() -> str:
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.acquisition import close_core

    core = CMMCorePlus()
    try:
        core.loadSystemConfiguration("MMConfig_demo.cfg")
        core.setExposure(5)
        image = core.snap()
        core.waitForSystem()
        z_um = core.getPosition()
    finally:
        close_core(core)
    height, width = image.shape[:2]
    return f"demo camera {width} × {height} {image.dtype}, stage at {z_um:g} µm"


def _simulated() -> str:
    from rmz_acquire.acquisition import close_core, open_core

    core = open_core("simulated")
    try:
        camera, stage = core.getCameraDevice(), core.getFocusDevice()
    finally:
        close_core(core)
    return f"configs/simulated.cfg loads: {camera}, {stage}"


def _qt() -> str:
    gone = missing("gui")
    if gone:
        raise _Missing(
            f"{', '.join(gone)} not installed: no window",
            install_line("gui"),
            optional=True,
        )
    try:
        importlib.import_module("PyQt6.QtWidgets")
    except ImportError as error:
        raise _Missing(
            f"PyQt6 does not load: {error}",
            system_line(),
            optional=True,
        ) from error
    has_screen = (
        not sys.platform.startswith("linux")
        or os.environ.get("DISPLAY")
        or os.environ.get("WAYLAND_DISPLAY")
    )
    return f"PyQt6 {version('PyQt6')}, {'a screen' if has_screen else 'no screen'}"


def _training() -> str:
    gone = missing("train")
    if gone:
        raise _Missing(
            f"{', '.join(gone)} not installed: no training",
            install_line("train"),
            optional=True,
        )
    return f"lightning {version('lightning')}"


def _models() -> str:
    from rmz_acquire.models import list_models, load_model

    names = [getattr(entry, "name", entry) for entry in list_models()]
    if not names:
        raise _Missing(
            "no released model",
            "install rmz-acquire again, or use --estimator wiener, which needs none",
        )
    for name in names:
        load_model(name)
    return f"{', '.join(map(str, names))}: weights match their cards"


def _plugins() -> str:
    from rmz_acquire.errors import InputError
    from rmz_acquire.plugins import KINDS, installed_names, load

    said, broken = [], []
    for kind in KINDS:
        for name, full in installed_names(kind).items():
            said.append(f"{kind.title} {name} ({full})")
            try:
                load(kind, name)
            except InputError as error:
                broken.append(f"{kind.title} {name}: {error}")
    if broken:
        raise RuntimeError("; ".join(broken))
    return ", ".join(said) or "no estimators, policies or stop rules of other people"


_REINSTALL = install_line()
_CHECKS: tuple[tuple[str, Callable[[], str], str], ...] = (
    ("python", _python, ""),
    ("package", _package, _REINSTALL),
    ("torch", _torch, pip_line("--force-reinstall", "torch")),
    ("device adapters", _adapters, install_line("simulation")),
    ("a snap", _snap, install_line("simulation")),
    ("simulated microscope", _simulated, _REINSTALL),
    ("models", _models, _REINSTALL),
    ("training", _training, install_line("train")),
    ("qt", _qt, install_line("gui")),
    ("plugins", _plugins, "pip install again, or uninstall, the package named"),
)
