"""The calibration of the rule `target` in an experiment: kept in it, and held to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.block import BLOCK, ExperimentSettings
from rmz_acquire.experiments.keys import key_of
from rmz_acquire.scanning import conditions_of, read_calibration

if TYPE_CHECKING:
    import useq

    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import ScanPlan

__all__ = [
    "calibration_beside",
    "calibration_from",
    "check_calibration",
    "conditions_now",
    "with_card",
    "with_target",
]

_KEY = f"{BLOCK}.calibration"


def with_target(
    sequence: useq.MDASequence,
    *,
    target_nrmse: float | None = None,
    confidence: float | None = None,
    calibration: Path | str | None = None,
    misfit: str | None = None,
) -> useq.MDASequence:
    """Give the experiment with a target in its block, and what a misfit leads to.

    Parameters
    ----------
    sequence : useq.MDASequence
        With our block in its metadata.
    target_nrmse, confidence : float, optional
        What is to be promised.
    calibration : path, optional
        The file that ``rmz-acquire calibrate`` wrote; a relative one counts from the
        working directory.
    misfit : str, optional
        What follows where the optics do not explain the planes.

    Returns
    -------
    useq.MDASequence
        The same where nothing is given.

    Raises
    ------
    InputError
        If the block has what does not go with it. Names both keys.
    """
    given: dict[str, Any] = {
        "target_nrmse": target_nrmse,
        "confidence": confidence,
        "calibration": None if calibration is None else _absolute(calibration),
        "misfit": misfit,
    }
    told = {key: value for key, value in given.items() if value is not None}
    if not told:
        return sequence
    aimed = _with(sequence, told)
    ExperimentSettings.of(aimed.metadata)
    return aimed


def calibration_from(folder: Path, sequence: useq.MDASequence) -> useq.MDASequence:
    """Let the name of a calibration count from a folder, that of the experiment."""
    named = _named(sequence)
    if named is None:
        return sequence
    return _with(
        sequence, {"calibration": _absolute(folder / Path(named).expanduser())}
    )


def calibration_beside(folder: Path, sequence: useq.MDASequence) -> useq.MDASequence:
    """Name the calibration from a folder, where it lies there: both can be moved."""
    named, here = _named(sequence), folder.absolute()
    if named is None or not Path(named).is_relative_to(here):
        return sequence
    return _with(sequence, {"calibration": Path(named).relative_to(here).as_posix()})


def with_card(sequence: useq.MDASequence) -> useq.MDASequence:
    """Give the experiment with its calibration in the place of that one's file.

    So that who goes on or decides again has the same.

    Raises
    ------
    InputError
        If the file is no calibration.
    """
    named = _named(sequence)
    if named is None:
        return sequence
    with key_of(_KEY):
        card = read_calibration(named)
    return _with(sequence, {"calibration": card.model_dump(mode="json")})


def check_calibration(
    settings: ExperimentSettings,
    plan: ScanPlan,
    *,
    model_sha256: str | None,
    optics: Optics | None,
    shape: tuple[int, int],
    on_regions: bool,
) -> None:
    """Refuse a calibration that was made for other scans.

    Parameters
    ----------
    settings : ExperimentSettings
        The block.
    plan : ScanPlan
        Of a volume.
    model_sha256 : str or None
        Of the estimator's model.
    optics : Optics or None
        Of the volume's channel.
    shape : (int, int)
        Of its pictures, pixels.
    on_regions : bool
        Whether parts of the picture decide.

    Raises
    ------
    InputError
        Naming the key that differs.
    """
    card = settings.calibration
    if card is None:
        return
    for key, wrong in (
        ("channels: leader", settings.channels == "leader"),
        ("z_um", settings.z_um is not None),
    ):
        if wrong:
            msg = f"{BLOCK}.{key}: planes that others choose were not calibrated"
            raise InputError(msg)
    now = conditions_now(
        settings,
        plan,
        model_sha256=model_sha256,
        optics=optics,
        shape=shape,
        on_regions=on_regions,
    )
    was = card.conditions.get("regions", "whole")
    if was != now["regions"]:
        msg = (
            f"{BLOCK}.regions: what was calibrated is {_said(was)}, what decides now "
            f"is {_said(now['regions'])}: calibrate again, or set regions: {was}"
        )
        raise InputError(msg)
    with key_of(_KEY):
        card.check(now)


def conditions_now(
    settings: ExperimentSettings,
    plan: ScanPlan,
    *,
    model_sha256: str | None,
    optics: Optics | None,
    shape: tuple[int, int],
    on_regions: bool,
) -> dict[str, Any]:
    """Give the settings of a scan on which a calibration hangs.

    Parameters
    ----------
    settings : ExperimentSettings
        The block, with the name of the estimator that is taken.
    plan, model_sha256, optics, shape, on_regions
        As of `check_calibration`.

    Returns
    -------
    dict
        As `conditions_of` gives them.
    """
    return conditions_of(
        plan,
        estimator=settings.estimator,
        model_sha256=model_sha256,
        optics=optics,
        shape=shape,
        regions=settings.regions if on_regions else "whole",
    )


def _said(regions: Any) -> str:
    told = {"whole": "whole pictures", "auto": "tiles that the scan chooses"}
    return told.get(str(regions), f"the regions {regions}")


def _named(sequence: useq.MDASequence) -> str | None:
    """The file of the calibration; None where there is none, or it is kept itself."""
    block = sequence.metadata.get("rmz_acquire")
    named = block.get("calibration") if isinstance(block, dict) else None
    return named if isinstance(named, str) else None


def _absolute(path: Path | str) -> str:
    return str(Path(path).expanduser().absolute())


def _with(sequence: useq.MDASequence, told: dict[str, Any]) -> useq.MDASequence:
    block = {**sequence.metadata["rmz_acquire"], **told}
    return sequence.replace(metadata={**sequence.metadata, "rmz_acquire": block})
