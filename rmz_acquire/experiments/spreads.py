"""The spread of the candidates, where an experiment asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.block import BLOCK
from rmz_acquire.reconstruction import VolumeEstimator
from rmz_acquire.reconstruction.spread import WithSpread, spread_of
from rmz_acquire.scanning import Carrying

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.experiments.block import ExperimentSettings
    from rmz_acquire.scanning import Scan

__all__ = ["check_spread", "spread_after", "wanting"]


def check_spread(settings: ExperimentSettings, *, on_layers: bool) -> None:
    """Refuse to keep the spread of an estimator that has none.

    Parameters
    ----------
    settings : ExperimentSettings
        The block, with the name of the estimator that is taken.
    on_layers : bool
        Whether it is a network on richardson-lucy.

    Raises
    ------
    InputError
        Naming the key.
    """
    layers = on_layers or settings.estimator == "richardson-lucy"
    if settings.spread and not layers:
        msg = (
            f"{BLOCK}.spread: {settings.estimator} has no candidates that could be "
            "apart: take estimator: richardson-lucy, or leave spread out"
        )
        raise InputError(msg)


def wanting(
    estimator: VolumeEstimator, settings: ExperimentSettings
) -> VolumeEstimator:
    """Give an estimator that makes the spread, too, where it is to be kept."""
    return WithSpread(estimator) if settings.spread else estimator


def spread_after(scan: Scan) -> NDArray[np.float32] | None:
    """Make the spread of a scan's volume, (Z, Y, X) counts; None where it made none."""
    begun = scan.estimator
    estimator = begun.estimator if isinstance(begun, Carrying) else begun
    if scan.volume is None or not isinstance(estimator, VolumeEstimator):
        return None
    return spread_of(estimator)
