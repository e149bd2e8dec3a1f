"""The settings on which it depends what a scan decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning.plan import ScanPlan

__all__ = ["conditions_of"]

_BOUNDS = (
    *("policy", "travel_cost", "first_planes", "min_planes", "max_planes"),
    *("max_light_ms", "max_seconds"),
)
"""Keys of a plan on which depends where a scan looks, and when it ends."""


def conditions_of(
    plan: ScanPlan,
    *,
    estimator: str,
    model_sha256: str | None,
    optics: Optics | None,
    shape: tuple[int, int],
    regions: str | Sequence[Sequence[int]] = "whole",
) -> dict[str, Any]:
    """Give the settings on which it depends what a scan decides.

    Parameters
    ----------
    plan : ScanPlan
        Of the scan.
    estimator : str
        Its name.
    model_sha256 : str or None
        Of its model.
    optics : Optics or None
        Of the channel.
    shape : (int, int)
        Of the pictures, pixels.
    regions : str or sequence of (int, int, int, int)
        What decides of them: "whole", "auto" for tiles that are chosen, or rectangles:
        y, x, height and width, pixels.

    Returns
    -------
    dict
        JSON-ready, keys with dots.
    """
    told = {} if optics is None else optics.model_dump(mode="json")
    return {
        "estimator": estimator,
        "model_sha256": model_sha256,
        **{f"optics.{key}": value for key, value in told.items()},
        "grid.planes": len(plan.z_um),
        "grid.step_um": round(plan.step_um, 6),
        "grid.range_um": round(plan.range_um, 6),
        **{key: getattr(plan, key) for key in _BOUNDS},
        "audit": plan.audit_share,
        "picture": list(shape),
        "regions": regions
        if isinstance(regions, str)
        else [list(one) for one in regions],
    }
