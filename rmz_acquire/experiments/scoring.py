"""Scores volumes against a truth, beside the baselines from the same planes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.evaluation import planes_not_taken, score
from rmz_acquire.reconstruction import BASELINES, make_estimator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.experiments.prepare import Prepared
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.optics import Optics
    from rmz_acquire.recording import TruthKind
    from rmz_acquire.scanning import Plane

__all__ = ["Truth", "score_volume"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Truth:
    """What volumes are scored against.

    Parameters
    ----------
    of : ndarray, (Z, Y, X), or callable
        The stack, camera counts, where there is one volume; or what gives that of a
        `Volume`, None where there is none. It is asked when the planes are taken.
    kind : {"truth", "recorded stack"}
        What summary and report call it: a recorded stack has its noise.
    baselines : bool
        Whether to score wiener, linear and nearest from the same planes too.
    path : str, optional
        The file that it is from, to be noted.
    """

    of: NDArray[Any] | Callable[[Volume], NDArray[Any] | None]
    kind: TruthKind = "truth"
    baselines: bool = True
    path: str | None = None

    def describe(self) -> dict[str, str | None]:
        """Give kind and file, as ``run.json`` keeps them."""
        return {"kind": self.kind, "path": self.path}

    def check(self, prepared: Prepared) -> None:
        """Refuse a stack that does not fit the volume.

        Raises
        ------
        InputError
            Saying what does not fit.
        """
        if callable(self.of):
            return
        if len(prepared.volumes) != 1:
            msg = (
                f"a truth is of one volume, the experiment has {len(prepared.volumes)}:"
                " give a function of the volume"
            )
            raise InputError(msg)
        self._check_shape(self.of, prepared.volumes[0])

    def stack(self, volume: Volume) -> NDArray[Any] | None:
        """Give the truth of a volume; None where there is none."""
        if not callable(self.of):
            return self.of
        found = self.of(volume)
        if found is not None:
            self._check_shape(found, volume)
        return found

    @staticmethod
    def _check_shape(stack: NDArray[Any], volume: Volume) -> None:
        if stack.ndim != 3 or len(stack) != len(volume.z_um):
            shape, planes = stack.shape, len(volume.z_um)
            msg = f"a truth of shape {shape} does not fit {planes} z positions"
            raise InputError(msg)


def score_volume(
    truth: NDArray[Any],
    pixels: NDArray[np.float32],
    planes: Sequence[Plane],
    z_um: Sequence[float],
    *,
    estimator: str,
    optics: Optics | None,
    baselines: bool,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Score a volume over the planes that were not taken.

    Parameters
    ----------
    truth, pixels : ndarray, (Z, Y, X)
        Camera counts.
    planes : sequence of Plane
        Those that the estimator was given, as they lie on disk.
    z_um : sequence of float, (Z,)
        The grid, µm.
    estimator : str
        What made the volume: it is not made again as its own baseline.
    optics : Optics or None
        Of the channel; without any, there is no `wiener`.
    baselines : bool
        Whether to score these too.
    say : callable
        Is told each baseline as it begins.

    Returns
    -------
    dict
        psnr_db, nrmse and ssim, and the same under ``baselines`` by their names; None
        for one that could not be made.
    """
    unseen = planes_not_taken(z_um, [plane.z_um for plane in planes])
    own = score(truth, pixels, unseen).to_dict()
    if not baselines:
        return own
    beside: dict[str, dict[str, float | None] | None] = {}
    for name in BASELINES:
        say(name)
        if name == estimator:
            beside[name] = own
            continue
        made = _baseline(name, planes, z_um, optics)
        beside[name] = None if made is None else score(truth, made, unseen).to_dict()
    return {**own, "baselines": beside}


def _baseline(
    name: str, planes: Sequence[Plane], z_um: Sequence[float], optics: Optics | None
) -> NDArray[np.float32] | None:
    """Make the volume of a baseline; None where it cannot be made."""
    if name == "wiener" and optics is None:
        return None
    try:
        estimator = make_estimator(name, np.asarray(z_um), optics)
        for plane in planes:
            estimator.add(plane.image, plane.z_um)
    except Exception:
        # a yardstick that breaks must not cost the run its summary
        logger.exception("the baseline %s could not be made", name)
        return None
    return estimator.volume
