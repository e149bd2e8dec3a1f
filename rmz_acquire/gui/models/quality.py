"""The quality of a scan in three steps, each a rule of when it stops."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rmz_acquire.defaults import EPSILON, MIN_PLANES

if TYPE_CHECKING:
    import useq

    from rmz_acquire.gui.models.scan_settings import ScanSettings

__all__ = ["CUSTOM", "QUALITIES", "Quality", "quality_of", "with_quality"]

CUSTOM = "custom"

_RULE_KEYS = (
    *("first_planes", "max_gap_um", "z_um", "epsilon_kind"),
    *("stop_rule", "patience", "audit", "target_nrmse", "confidence", "calibration"),
)
"""Of the experiment's block: they decide on the stop too, and the form has no field
for them, or one that no step fills."""


@dataclass(frozen=True, slots=True)
class Quality:
    """A rule of when to stop.

    Parameters
    ----------
    name, title : str
        Of the step.
    epsilon : float
        The scan stops once the volume's relative change is so small.
    min_planes : int
        No stop with fewer.
    """

    name: str
    title: str
    epsilon: float
    min_planes: int


QUALITIES = {
    quality.name: quality
    for quality in (
        Quality("fast", "Fast", epsilon=0.1, min_planes=3),
        Quality("balanced", "Balanced", epsilon=EPSILON, min_planes=MIN_PLANES),
        Quality("careful", "Careful", epsilon=0.02, min_planes=6),
    )
}


def quality_of(settings: ScanSettings) -> str:
    """Name the step that settings are; `CUSTOM` where they are none of them."""
    if (settings.tau, settings.target) != (None, None) or settings.policy != "bisect":
        return CUSTOM
    if any(key in _block(settings.base) for key in _RULE_KEYS):
        return CUSTOM
    for quality in QUALITIES.values():
        if (settings.epsilon, settings.min_planes) == (
            quality.epsilon,
            quality.min_planes,
        ):
            return quality.name
    return CUSTOM


def with_quality(settings: ScanSettings, name: str) -> ScanSettings:
    """Give settings that stop as this step does, whatever stood there before."""
    quality = QUALITIES[name]
    base = settings.base
    if base is not None:
        block = {k: v for k, v in _block(base).items() if k not in _RULE_KEYS}
        metadata = {**base.metadata, "rmz_acquire": block}
        base = base.model_copy(update={"metadata": metadata})
    return replace(
        settings,
        epsilon=quality.epsilon,
        min_planes=quality.min_planes,
        tau=None,
        target=None,
        policy="bisect",
        base=base,
    )


def _block(base: useq.MDASequence | None) -> dict[str, Any]:
    return {} if base is None else dict(base.metadata.get("rmz_acquire") or {})
