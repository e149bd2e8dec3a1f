"""What is written of a volume beside its pixels: how good it is, and what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmz_acquire.scanning import Carrying
from rmz_acquire.scanning.dose_ledger import exposures_of, fading_of
from rmz_acquire.scanning.output_planes import OutputPlanes

if TYPE_CHECKING:
    from rmz_acquire.scanning import Scan

__all__ = ["ledger_of", "planes_seen"]


def planes_seen(scan: Scan) -> OutputPlanes:
    """Tell what is known of every output plane, of a scan at any time."""
    begun = scan.estimator
    carried = begun.carried_z_um if isinstance(begun, Carrying) else ()
    return OutputPlanes.of(scan.plan.z_um, scan.observed, carried)


def ledger_of(scan: Scan) -> dict[str, Any]:
    """Give the part of a volume's line in its journal that the scan itself tells.

    Parameters
    ----------
    scan : Scan
        At its end.

    Returns
    -------
    dict
        ``output_planes``, ``exposures`` and ``fading``, as JSON has them.
    """
    exposures = exposures_of(scan.decisions, scan.observed)
    fading = fading_of(exposures, scan.plan.same_z_um)
    return {
        "output_planes": planes_seen(scan).to_dict(),
        "exposures": [each.to_dict() for each in exposures],
        "fading": None if fading is None else fading.to_dict(),
    }
