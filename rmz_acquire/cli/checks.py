"""What is wrong with options, found before anything that takes time is imported."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.methods import METHODS, method_of, method_without_name

if TYPE_CHECKING:
    from rmz_acquire.optics import Optics

__all__ = [
    "check_config",
    "check_device",
    "check_estimator",
    "check_model",
    "check_optics",
    "check_run_folder",
    "check_yaml",
    "shipped_config",
]

_DEVICE = re.compile(r"auto|cpu|mps|(cuda|xpu)(:\d+)?")


def check_estimator(name: str | None, *, model: str | None, device: str) -> str:
    """Refuse a model or a device that does not go with an estimator.

    Parameters
    ----------
    name : str, optional
        Of the estimator; by default that of `method_without_name`.
    model, device : str
        As they were given.

    Returns
    -------
    str
        Name of the estimator.

    Raises
    ------
    InputError
        Naming the option.
    """
    check_device(device)
    if name is None:
        name = method_without_name(model)
    if not method_of(name).model:
        if model is not None:
            have = ", ".join(each.name for each in METHODS.values() if each.model)
            msg = f"--model is for {have}: the {name} estimator has none"
            raise InputError(msg)
        return name
    if model is not None:
        kind = check_model(model, "--model")
        if kind != name:
            msg = (
                f"--model {model} is a {kind} network, not a {name} one: give "
                f"--estimator {kind}, or another --model"
            )
            raise InputError(msg)
    elif name != "recurrent-mz":
        msg = f"the {name} estimator needs a model: give --model NAME or a folder"
        raise InputError(msg)
    return name


def check_model(name: str, option: str) -> str:
    """Refuse a model that is not there; give the kind of its network.

    Raises
    ------
    InputError
        Naming the option.
    """
    from rmz_acquire.models import read_card

    try:
        return str(read_card(name).network.kind)
    except InputError as error:
        raise InputError(f"{option}: {error}") from error


def check_optics(name: str, optics: Optics | None) -> None:
    """Refuse an estimator without the optics that it needs.

    Raises
    ------
    InputError
        Naming the options.
    """
    if optics is None and method_of(name).optics:
        msg = (
            f"the {name} estimator needs the optics: give --na, --immersion, "
            "--wavelength and --pixel-size, or use --estimator linear"
        )
        raise InputError(msg)


def check_device(device: str) -> None:
    """Refuse what is the name of no device; whether it is there, torch will say.

    Raises
    ------
    InputError
        Naming the option.
    """
    if not _DEVICE.fullmatch(device):
        msg = f"--device {device!r}: choose auto, cpu, cuda, cuda:1 or mps"
        raise InputError(msg)


def check_yaml(out: Path, *, overwrite: bool) -> None:
    """Refuse what cannot be a new YAML file.

    Raises
    ------
    InputError
        Naming the option.
    """
    if out.suffix not in {".yaml", ".yml"}:
        raise InputError(f"--out {out}: name the file *.yaml")
    if not out.parent.is_dir():
        raise InputError(f"--out {out.parent}: no such folder; make it first")
    if out.is_dir() or (out.exists() and not overwrite):
        msg = f"{out} is there already: choose another --out or give --overwrite"
        raise InputError(msg)


def check_config(name: str) -> Path:
    """Find a configuration of a microscope, or refuse it.

    Returns
    -------
    Path
        An existing file.

    Raises
    ------
    InputError
        Naming the option.
    """
    from rmz_acquire.acquisition import config_path

    try:
        return config_path(name)
    except InputError as error:
        raise InputError(f"--config {error}") from error


def check_run_folder(folder: Path, option: str = "") -> None:
    """Refuse a folder without a run.

    Raises
    ------
    InputError
        Naming the option, if it was one.
    """
    from rmz_acquire.recording.folder import is_run

    if not is_run(folder):
        msg = f"{option} {folder} holds no run: name the folder that one was written to"
        raise InputError(msg.strip())


def shipped_config(given: Path, kind: str) -> Path:
    """Find a configuration by its path, or its name among those shipped.

    Parameters
    ----------
    given : Path
        A file, or a name with or without ``.yaml``.
    kind : str
        Folder among the shipped configurations.

    Raises
    ------
    InputError
        If there is none.
    """
    from rmz_acquire.resources import resource_dir

    shipped = resource_dir("configs") / kind
    for path in (given, shipped / given, shipped / f"{given}.yaml"):
        if path.is_file():
            return path
    names = ", ".join(sorted(path.stem for path in shipped.glob("*.yaml"))) or "none"
    msg = f"{given}: no such configuration; give a YAML file, or one of {names}"
    raise InputError(msg)
