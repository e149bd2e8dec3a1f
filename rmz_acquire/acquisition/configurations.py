"""Opens a microscope from a Micro-Manager configuration, real or simulated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError
from rmz_acquire.installing import install_line
from rmz_acquire.objectives import optics_from_core
from rmz_acquire.resources import resource_dir

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

__all__ = ["config_path", "load_simulated", "open_core", "optics_from_core"]


def config_path(name: str | Path) -> Path:
    """Find a configuration by its path or the name of a shipped one.

    Parameters
    ----------
    name : str or Path
        A path, or a file among the shipped configurations or beside Micro-Manager's
        device adapters, with or without ``.cfg``: ``"simulated"``,
        ``"MMConfig_demo.cfg"``.

    Returns
    -------
    Path
        An existing file.

    Raises
    ------
    InputError
        If there is none.
    """
    given = Path(name).expanduser()
    file = given if given.suffix else given.with_suffix(".cfg")
    for place in (file, resource_dir("configs") / file):
        if place.is_file():
            return place.resolve()
    if not given.is_absolute():
        # not above: a wrong name is refused without waiting for Micro-Manager
        from pymmcore_plus import find_micromanager

        adapters = find_micromanager()
        if adapters and (Path(adapters) / file).is_file():
            return (Path(adapters) / file).resolve()
    shipped_names = sorted(p.stem for p in resource_dir("configs").glob("*.cfg"))
    have = ", ".join([*shipped_names, "MMConfig_demo"])
    msg = f"{name}: no such configuration; give a .cfg file or one of {have}"
    raise InputError(msg)


def open_core(
    config: str | Path = "simulated", core: CMMCorePlus | None = None
) -> CMMCorePlus:
    """Load a configuration and make the microscope ready.

    Parameters
    ----------
    config : str or Path
        As for `config_path`.
    core : CMMCorePlus, optional
        Where to load it; by default a new UniMMCore, which real devices work with as
        with any core. Simulated devices need a UniMMCore.

    Returns
    -------
    CMMCorePlus
        The core, with its simulated devices (if any) connected to its stages,
        shutters and turret.

    Raises
    ------
    InputError
        In one line: no adapters, no such file, one that is no text, or a line of it
        that cannot be done (a device that is missing), by its number and with what to
        do.
    """
    from pymmcore_plus import find_micromanager

    from rmz_acquire.acquisition.config_text import (
        check_lines,
        loadable,
        read_configuration,
        why_not,
    )
    from rmz_acquire.acquisition.shutdown import hold
    from rmz_acquire.simulation.autofocus import FocusingCore
    from rmz_acquire.simulation.camera import connect_simulation

    path = config_path(config)
    if not find_micromanager():
        msg = (
            "no Micro-Manager device adapters are found: install Micro-Manager, "
            f"or the demo devices: {install_line('simulation')}"
        )
        raise InputError(msg)
    text = read_configuration(path)
    if core is None:
        core = FocusingCore()
    check_lines(core, path, text)
    hold(core)
    with loadable(core, path, text) as file:
        try:
            core.loadSystemConfiguration(file)
        except Exception as error:
            # what is loaded and not initialized can take the process along
            core.unloadAllDevices()
            raise InputError(why_not(path, text, error)) from error
    connect_simulation(core)
    return core


def load_simulated(
    core: CMMCorePlus | None = None,
    *,
    specimen: str | None = None,
    seed: int | None = None,
    exposure_ms: float | None = None,
    objective: str | None = None,
    **camera: Any,
) -> CMMCorePlus:
    """Open the simulated microscope.

    Parameters
    ----------
    core : UniMMCore, optional
        Where to load it; by default a new one.
    specimen : str, optional
        ``beads``, ``nuclei``, ``filaments``, or the file of a recorded stack.
    seed : int, optional
        Of specimen and noise.
    exposure_ms : float, optional
        Exposure, ms.
    objective : str, optional
        Label of a position of the turret.
    **camera
        Other properties of the camera by name, ``Bleaching_per_ms=1e-4``.

    Returns
    -------
    UniMMCore
        Ready for `rmz_acquire.experiments.run`.

    Raises
    ------
    InputError
        For a value that a device refuses.
    """
    from pymmcore_plus.experimental.unicore import UniMMCore

    if core is not None and not isinstance(core, UniMMCore):
        msg = "the simulated microscope has devices in Python: give it a UniMMCore"
        raise InputError(msg)
    core = open_core("simulated", core)
    label = core.getCameraDevice()
    given = {"Specimen": specimen, "Seed": seed, "Exposure": exposure_ms}
    settings = {name: value for name, value in given.items() if value is not None}
    try:
        if objective is not None:
            core.setProperty("Objective", "Label", objective)
        for name, value in {**settings, **camera}.items():
            core.setProperty(label, name, value)
    except (KeyError, RuntimeError, ValueError) as error:
        core.unloadAllDevices()
        text = str(error.args[0]) if error.args else repr(error)
        raise InputError(" ".join(text.split())) from error
    core.waitForSystem()
    return core
