"""What a volume is scored against: a simulation knows it, or somebody has a stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rmz_acquire.experiments.prepare import Prepared
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording import TruthKind

__all__ = ["Truth"]


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
