"""Where torch computes."""

from __future__ import annotations

import torch

__all__ = ["device_of"]


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
