"""What a calibration of the stop rule found, and the settings for which it holds.

A threshold says something about scans like those that it was found on: by the same
estimator, model and policy, on the same grid, through the same optics, within the same
bounds. They are kept with it, and a scan whose own differ is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import yaml
from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from rmz_acquire.atomic_io import replace_text
from rmz_acquire.errors import InputError
from rmz_acquire.settings_file import Strict, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AIM",
    "UNUSED",
    "AnyCalibration",
    "ScoreName",
    "StopCalibration",
    "aim_problems",
    "check_aim",
    "hash_of",
    "read_calibration",
]

AIM = ("target_nrmse", "confidence", "calibration")
"""Keys of a plan that are of the rule target alone."""

UNUSED = ("epsilon", "epsilon_kind", "tau", "patience", "max_gap_um")
"""Keys of a plan at which the rule target does not look."""

_SAME = 1e-6
"""Part of a number by which two may differ and be the same: a file's rounding."""

ScoreName = Literal["tested error", "predicted NRMSE", "misprediction"]
"""What a threshold is of: told apart in `target_rule`."""

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class StopCalibration(Strict):
    """A threshold and what it promises.

    Of scans like those it was found on, at most a share `alpha` ends with an NRMSE
    above `target_nrmse`; that holds with `confidence` over calibrations.

    Parameters
    ----------
    version : int
        Of this file: 1.
    target_nrmse, alpha, confidence : float
        The promise.
    threshold : float
        Of the score, at or below which it is enough.
    score : str
        What is compared with it, by what the estimator tells, as `SCORES` has them.
    n, failures : int
        Specimens, and how many of them ended above the target by this threshold.
    mean_planes, planes_full_scan : float, int
        Planes that these took on average, and those of their stacks.
    families : dict of str to int
        Specimens of each kind.
    sources : list of str
        Files, or how they were simulated.
    conditions : dict
        For which settings it holds; as `conditions_of` gives them.
    sha256 : str
        Of the conditions.
    made : dict
        With which versions, and when.
    """

    model_config = ConfigDict(protected_namespaces=())

    version: Literal[1] = 1
    target_nrmse: Positive
    alpha: Share
    confidence: Share
    threshold: Positive
    score: ScoreName = "misprediction"
    n: int = Field(ge=1)
    failures: int = Field(ge=0)
    mean_planes: Positive
    planes_full_scan: int = Field(ge=2)
    families: dict[str, int]
    sources: list[str]
    conditions: dict[str, Any]
    sha256: str
    made: dict[str, str] = Field(default={})

    @model_validator(mode="after")
    def _check_hash(self) -> Self:
        if self.sha256 != hash_of(self.conditions):
            msg = "sha256 is not that of conditions: they were changed by hand"
            raise ValueError(msg)
        return self

    def check(self, conditions: Mapping[str, Any]) -> None:
        """Refuse to speak for other settings.

        Parameters
        ----------
        conditions : mapping
            Of a scan, as `conditions_of` gives them.

        Raises
        ------
        InputError
            Naming the first key that differs.
        """
        for key in {**self.conditions, **conditions}:
            was, now = self.conditions.get(key), conditions.get(key)
            if not _same(was, now):
                msg = (
                    f"it is not of this microscope and plan: {key} was {was}, it is "
                    f"{now} now; calibrate again, or set {key} back"
                )
                raise InputError(msg)

    def write(self, path: Path) -> None:
        """Write it as YAML."""
        told = self.model_dump(mode="json")
        replace_text(path, yaml.safe_dump(told, sort_keys=False, allow_unicode=True))


def read_calibration(path: Path | str) -> StopCalibration:
    """Read a calibration.

    Parameters
    ----------
    path : path
        The YAML file that ``rmz-acquire calibrate`` wrote.

    Returns
    -------
    StopCalibration

    Raises
    ------
    InputError
        In one line, if it is none.
    """
    return read_settings(Path(path), StopCalibration)


def _from_file(value: Any) -> Any:
    return read_calibration(value) if isinstance(value, str | Path) else value


AnyCalibration = Annotated[StopCalibration, BeforeValidator(_from_file)]
"""A calibration, or the name of its file."""


def check_aim(stop_rule: str, given: Mapping[str, Any]) -> None:
    """Refuse a target without the rule, the rule without a calibration, and less.

    Parameters
    ----------
    stop_rule : str
        Of a plan.
    given : mapping
        What else was given of it, by its keys; nothing that is None.

    Raises
    ------
    ValueError
        In one line that names the key.
    """
    named = next((key for key in AIM if key in given), "stop_rule: target")
    if stop_rule != "target":
        if named in given:
            msg = f"{named} is for stop_rule target, not {stop_rule}"
            raise ValueError(msg)
        return
    for key in UNUSED:
        if key in given:
            msg = (
                f"{key} does not go with {named}: the rule target looks at what was "
                f"calibrated alone; leave {key} out"
            )
            raise ValueError(msg)
    for said in aim_problems(*(given.get(key) for key in AIM)).values():
        raise ValueError(said)


def aim_problems(
    target_nrmse: float | None,
    confidence: float | None,
    calibration: StopCalibration | None,
) -> dict[str, str]:
    """Say what is asked for that was not calibrated for, by key, each in one line."""
    if calibration is None:
        none = "a target needs the file that the command calibrate wrote"
        return {"calibration": f"calibration is missing: {none}"}
    found = {}
    least, most = calibration.target_nrmse, calibration.confidence
    if target_nrmse is not None and target_nrmse < least:
        found["target_nrmse"] = (
            f"target_nrmse {target_nrmse:g} is below that of the calibration, "
            f"{least:g}: ask for no less, or calibrate for it"
        )
    if confidence is not None and confidence > most:
        found["confidence"] = (
            f"confidence {confidence:g} is above that of the calibration, "
            f"{most:g}: ask for no more, or calibrate for it"
        )
    return found


def hash_of(conditions: Mapping[str, Any]) -> str:
    """SHA-256 of conditions, whatever their order."""
    text = json.dumps(conditions, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _same(a: Any, b: Any) -> bool:
    numbers = (int, float)
    if isinstance(a, numbers) and isinstance(b, numbers):
        return math.isclose(a, b, rel_tol=_SAME)
    return bool(a == b)
