"""Where torch computes."""

from __future__ import annotations

import torch

from rmz_acquire.errors import InputError

__all__ = ["check_device", "device_of"]


def check_device(name: str) -> None:
    """Refuse a device that is not there.

    Parameters
    ----------
    name : str
        As for `device_of`.

    Raises
    ------
    InputError
        In one line.
    """
    if name == "auto":
        return
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, ValueError) as error:
        first = str(error).splitlines()[0]
        msg = f"{name!r} cannot be used: {first}"
        raise InputError(msg) from error


def device_of(name: str) -> torch.device:
    """Give a device by its name.

    Parameters
    ----------
    name : str
        Of torch; "auto" takes the GPU where there is one.

    Returns
    -------
    torch.device
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
