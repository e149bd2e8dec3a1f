"""The ways to make a volume of planes: one table that all parts of the program read.

Command line, experiments and window offer what stands here, in this order; how each
is made stands in `rmz_acquire.reconstruction`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

__all__ = [
    "AUTO",
    "DEFAULT_METHOD",
    "METHODS",
    "NO_VOLUME",
    "SCAN_METHODS",
    "Method",
    "MethodName",
    "method_of",
    "method_without_name",
]


@dataclass(frozen=True, slots=True)
class Method:
    """An estimator, and what it needs.

    Parameters
    ----------
    name : str
        As it is given.
    title, short : str
        In the window, where there is room and where there is none.
    words : str
        One sentence on it, for the window.
    optics : bool
        Whether it needs the optics.
    model : bool
        Whether it needs a trained model.
    layers : bool
        Whether it fits layers of light, which takes the GPU where there is one.
    scans : bool
        Whether experiments and the window offer it.
    baseline : bool
        Whether every volume is scored beside it.
    """

    name: str
    title: str
    short: str
    words: str = ""
    optics: bool = False
    model: bool = False
    layers: bool = False
    scans: bool = True
    baseline: bool = False


AUTO = "auto"
"""recurrent-mz on richardson-lucy where its model knows the microscope, else the latter
alone: see `rmz_acquire.models.default_for`."""

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            AUTO,
            "Automatic",
            "Automatic",
            "The likeliest object without negative light, and what a small network has "
            "earned to add to it.",
            optics=True,
            layers=True,
        ),
        Method(
            "richardson-lucy",
            "Richardson–Lucy (no training)",
            "Richardson–Lucy",
            "Needs no training: the likeliest object without negative light.",
            optics=True,
            layers=True,
        ),
        Method(
            "recurrent-mz",
            "Recurrent-MZ network",
            "Recurrent-MZ",
            optics=True,
            model=True,
        ),
        Method(
            "deep-z", "Deep-Z network", "Deep-Z", optics=True, model=True, scans=False
        ),
        Method("unet3d", "3D U-Net", "3D U-Net", optics=True, model=True, scans=False),
        Method(
            "wiener",
            "Wiener filter (no training)",
            "Wiener",
            "Needs no training: it works from the optics alone.",
            optics=True,
            baseline=True,
        ),
        Method(
            "linear",
            "Linear interpolation",
            "Linear",
            "Knows nothing of optics: for comparison.",
            baseline=True,
        ),
        Method(
            "nearest",
            "Nearest plane",
            "Nearest",
            "Knows nothing of optics: for comparison.",
            baseline=True,
        ),
    )
}
"""By name, in the order in which they are offered."""

SCAN_METHODS: dict[str, Method] = {
    name: method for name, method in METHODS.items() if method.scans
}
"""Those of experiments and the window."""

DEFAULT_METHOD = AUTO
"""Where nobody names an estimator or a model."""


NO_VOLUME = "none"
"""In the place of an estimator: every plane is taken, and no volume made of them."""


def method_of(name: str) -> Method:
    """Give what an estimator needs; somebody else's takes what is known.

    Parameters
    ----------
    name : str
        One of `METHODS`, or that of somebody else's.

    Returns
    -------
    Method
    """
    if name == NO_VOLUME:
        return Method(name, "No volume", "No volume", "Takes every plane.")
    title = name.rpartition(":")[2]
    return METHODS.get(name) or Method(name, title, title, f"Not ours: {name}.")


def method_without_name(model: str | None) -> str:
    """Give the estimator where nobody names one.

    Parameters
    ----------
    model : str or None
        A model that was named.

    Returns
    -------
    str
        `DEFAULT_METHOD`, or recurrent-mz for the model.
    """
    return "recurrent-mz" if model else DEFAULT_METHOD


# made when the program runs, so that a new row is a choice everywhere
if TYPE_CHECKING:
    MethodName = str
else:
    MethodName = Literal[tuple(METHODS)]
