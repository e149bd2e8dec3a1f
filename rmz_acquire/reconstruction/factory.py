"""Estimators by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.methods import AUTO, METHODS
from rmz_acquire.models import default_for, load_model
from rmz_acquire.reconstruction.interpolation import LinearEstimator, NearestEstimator
from rmz_acquire.reconstruction.layers_estimator import OnLayersEstimator
from rmz_acquire.reconstruction.linear_optimum import WienerEstimator
from rmz_acquire.reconstruction.recurrent import RecurrentEstimator
from rmz_acquire.reconstruction.richardson_lucy import RichardsonLucyEstimator
from rmz_acquire.reconstruction.stateless import DeepZEstimator, UNet3DEstimator

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from rmz_acquire.models import LoadedModel
    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.base import VolumeEstimator

__all__ = ["BASELINES", "ESTIMATORS", "NETWORKS", "make_estimator"]

BASELINES = tuple(name for name, method in METHODS.items() if method.baseline)
NETWORKS = tuple(name for name, method in METHODS.items() if method.model)
"""Estimators that need a model."""
ESTIMATORS = tuple(METHODS)


def make_estimator(
    name: str,
    z_um: ArrayLike,
    optics: Optics | None = None,
    *,
    model: LoadedModel | None = None,
    device: str = "auto",
) -> VolumeEstimator:
    """Make an estimator that has seen no plane yet.

    Parameters
    ----------
    name : str
        One of `ESTIMATORS`.
    z_um : array_like
        (Z,) ascending output grid, µm.
    optics : Optics, optional
        The microscope; the interpolations do without.
    model : LoadedModel, optional
        Of a network.
    device
        Of a network and of richardson-lucy: see `NetworkEstimator`.

    Returns
    -------
    VolumeEstimator

    Raises
    ------
    InputError
        For an unknown name, or where optics or model are missing.
    """
    if name == "linear":
        return LinearEstimator(z_um)
    if name == "nearest":
        return NearestEstimator(z_um)
    if name not in ESTIMATORS:
        msg = f"no estimator {name!r}: choose one of {', '.join(ESTIMATORS)}"
        raise InputError(msg)
    if optics is None:
        msg = (
            f"the {name} estimator needs the optics (NA, immersion, wavelength, pixel "
            "size); linear and nearest do without"
        )
        raise InputError(msg)
    if name == AUTO:
        name, chosen, _ = default_for([(optics, z_um)])
        model = None if chosen is None else load_model(chosen)
    if name == "wiener":
        return WienerEstimator(z_um, optics)
    if name == "richardson-lucy":
        return RichardsonLucyEstimator(z_um, optics, device=device)
    if model is None:
        msg = f"the {name} estimator needs a model: load one with load_model"
        raise InputError(msg)
    if model.card.network.kind != name:
        msg = (
            f"model {model.card.name} is a {model.card.network.kind} network, not a "
            f"{name} one: take that estimator, or another model"
        )
        raise InputError(msg)
    if model.card.network.prior == "richardson-lucy":
        return OnLayersEstimator(z_um, optics, model, device=device)
    network: dict[str, Callable[..., VolumeEstimator]] = {
        "recurrent-mz": RecurrentEstimator,
        "deep-z": DeepZEstimator,
        "unet3d": UNet3DEstimator,
    }
    return network[name](z_um, optics, model, device=device)
