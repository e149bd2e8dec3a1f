"""Which bundled model is for a microscope, where nobody names one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rmz_acquire.errors import InputError
from rmz_acquire.models.store import list_models, read_card

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from rmz_acquire.models.card import ModelCard
    from rmz_acquire.optics import Optics

__all__ = [
    "DEFAULT_MODEL",
    "LAYERS_MODEL",
    "WIDE_MODEL",
    "Default",
    "default_for",
    "instead_of",
    "misfits_of",
    "suitable_model",
    "tells_spread",
]

DEFAULT_MODEL = "air-20x075"
WIDE_MODEL = "widefield"
"""For objectives that no other model is for."""
LAYERS_MODEL = "on-layers"
"""What the default adds to richardson-lucy."""


class Default(NamedTuple):
    """What makes a volume where nobody names an estimator.

    Attributes
    ----------
    estimator : str
        Its name.
    model : str or None
        Name of its model, where it has one.
    why : str
        Why no network is added, in one line; empty where one is.
    """

    estimator: str
    model: str | None
    why: str = ""


def default_for(uses: Iterable[tuple[Optics, ArrayLike]]) -> Default:
    """Give the network on richardson-lucy where it fits, else the latter alone.

    Parameters
    ----------
    uses : iterable of (Optics, array_like)
        Optics and z grid, (n,) µm, of every channel and position.

    Returns
    -------
    Default
    """
    alone = "richardson-lucy"
    if LAYERS_MODEL not in list_models():
        return Default(alone, None, f"the model {LAYERS_MODEL} is not installed")
    card, known = read_card(LAYERS_MODEL), list(uses)
    for optics, z_um in known:
        misfits = card.check(optics, z_um)
        if misfits:
            return Default(alone, None, f"{misfits[0]}: {alone} goes without it")
    return (
        Default(str(card.network.kind), LAYERS_MODEL) if known else Default(alone, None)
    )


def tells_spread(estimator: str, model: str | None) -> bool:
    """Whether an estimator has candidates, which may be apart.

    Parameters
    ----------
    estimator : str
        Its name, of ours.
    model : str or None
        Name or folder of its model, where it has one.
    """
    layers = "richardson-lucy"
    return estimator == layers or (
        model is not None and read_card(model).network.prior == layers
    )


def suitable_model(
    optics: Optics,
    z_um: ArrayLike,
    others: Iterable[tuple[Optics, ArrayLike]] = (),
) -> str:
    """Name of the bundled model for a microscope, where nobody names one.

    Everything that makes a volume asks here: commands, experiments, the window.

    Parameters
    ----------
    optics : Optics
        The microscope at hand; of several channels, the first.
    z_um : array_like
        (n,) its z grid, µm.
    others : iterable of (Optics, array_like)
        Optics and grids of the other channels and positions.

    Returns
    -------
    str
        The first that fits them all, of the default one and the one for any
        objective; else the first that fits `optics` and `z_um`; else the one for any
        objective where it knows this one, or the default.
    """
    offered = [name for name in (DEFAULT_MODEL, WIDE_MODEL) if name in list_models()]
    cards = {name: read_card(name) for name in offered}
    fitting = [name for name in offered if not cards[name].check(optics, z_um)]
    rest = list(others)
    for name in fitting:
        if not any(cards[name].check(*other) for other in rest):
            return name
    if fitting:
        return fitting[0]
    known = cards[WIDE_MODEL].optics_range if WIDE_MODEL in cards else None
    return WIDE_MODEL if known and not known.outside(optics) else DEFAULT_MODEL


def instead_of(name: str, optics: Optics, z_um: ArrayLike) -> str:
    """Say what to choose in place of a model that does not fit.

    Parameters
    ----------
    name : str
        Of the model.
    optics : Optics
        The microscope at hand.
    z_um : array_like
        (n,) its z grid, µm.

    Returns
    -------
    str
        "choose the model …, which fits", or an estimator that needs none.
    """
    other = suitable_model(optics, z_um)
    if other != name and not read_card(other).check(optics, z_um):
        return f"choose the model {other}, which fits"
    return "choose the estimator wiener, which needs no model"


def misfits_of(
    card: ModelCard, optics: Optics, z_um: ArrayLike, *, strict: bool
) -> list[str]:
    """Say by how much a model does not fit, and at the end what would.

    Parameters
    ----------
    card : ModelCard
        Of the model.
    optics, z_um
        As of `instead_of`.
    strict : bool
        Whether that is an error.

    Returns
    -------
    list of str
        A line each; empty where it fits.

    Raises
    ------
    InputError
        With `strict`, where it does not fit.
    """
    misfits = card.check(optics, z_um)
    if not misfits:
        return []
    other = instead_of(card.name, optics, z_um)
    if strict:
        msg = f"{misfits[0]}: {other}; with strict: false it is used all the same"
        raise InputError(msg)
    return [*misfits[:-1], f"{misfits[-1]}: {other}"]
