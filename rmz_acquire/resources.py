"""Where the files that ship beside the code are: released models, configurations.

In a checkout (and an editable install) they stand at the root of the repository, in a
wheel inside the package, under ``_data``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

__all__ = ["data_folder", "resource_dir"]

_PACKAGE = Path(__file__).resolve().parent


def resource_dir(kind: Literal["configs", "models"]) -> Path:
    """Return the folder of the shipped ``configs`` or ``models``.

    Parameters
    ----------
    kind : {"configs", "models"}
        What is looked for.

    Returns
    -------
    Path
        An existing folder.

    Raises
    ------
    FileNotFoundError
        If the installation is damaged: neither place has the folder.
    """
    places = (_PACKAGE / "_data" / kind, _PACKAGE.parent / kind)
    for place in places:
        if place.is_dir():
            return place
    tried = " nor ".join(str(place) for place in places)
    msg = f"the folder of the shipped {kind} is missing: neither {tried}; reinstall"
    raise FileNotFoundError(msg)


def data_folder() -> Path:
    """Where real stacks are looked for.

    Returns
    -------
    Path
        What ``RMZ_ACQUIRE_DATA`` says, otherwise ``shared/data`` beside the checkout.
    """
    told = os.environ.get("RMZ_ACQUIRE_DATA")
    return Path(told) if told else _PACKAGE.parent.parent / "shared" / "data"
