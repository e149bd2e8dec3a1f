"""A stop at a stated error: what is asked for, and of which calibration.

A frozen value without Qt.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rmz_acquire.errors import InputError
from rmz_acquire.scanning import read_calibration
from rmz_acquire.scanning.stop_calibration import aim_problems

if TYPE_CHECKING:
    import useq

    from rmz_acquire.experiments import ExperimentSettings
    from rmz_acquire.scanning import StopCalibration

__all__ = ["StopTarget"]


@dataclass(frozen=True, slots=True)
class StopTarget:
    """What the rule target is to keep.

    Parameters
    ----------
    nrmse, confidence : float or None
        What is asked for; None for what the calibration promises.
    file : str
        Of the calibration; empty where an experiment keeps it itself.
    card : StopCalibration or None
        What is in it.
    fault : str
        Why nothing is, in one line.
    """

    nrmse: float | None = None
    confidence: float | None = None
    file: str = ""
    card: StopCalibration | None = None
    fault: str = ""

    @classmethod
    def read(cls, file: str) -> Self:
        """Read a calibration; what is wrong with it is told, not raised."""
        file = str(Path(file).expanduser().absolute())
        try:
            return cls(file=file, card=read_calibration(file))
        except InputError as error:
            return cls(file=file, fault=str(error))

    @classmethod
    def of(cls, block: ExperimentSettings, base: useq.MDASequence) -> Self | None:
        """Give that of an experiment; None where its rule is another one."""
        if block.stop_rule != "target":
            return None
        named = base.metadata["rmz_acquire"].get("calibration")
        file = named if isinstance(named, str) else ""
        return cls(block.target_nrmse, block.confidence, file, block.calibration)

    def block(self) -> dict[str, Any]:
        """Give the keys of an experiment's block."""
        card = None if self.card is None else self.card.model_dump(mode="json")
        given = {
            "target_nrmse": self.nrmse,
            "confidence": self.confidence,
            "calibration": self.file or card,
        }
        return {key: value for key, value in given.items() if value is not None}

    def problems(self) -> dict[str, str]:
        """Say what is wrong, by key."""
        if self.fault:
            return {"calibration": self.fault}
        return aim_problems(self.nrmse, self.confidence, self.card)

    def promise(self) -> str:
        """Say what the calibration promises, and what it costs; empty without one."""
        card = self.card
        if card is None:
            return ""
        return (
            f"NRMSE above {card.target_nrmse:g} in at most {card.alpha:.0%} of volumes "
            f"like the {card.n} calibrated on, with confidence {card.confidence:.4g}. "
            f"These took {card.mean_planes:.1f} of {card.planes_full_scan} planes."
        )
