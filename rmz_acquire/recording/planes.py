"""A plane as the files have it: a line of the journal beside its pixels."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rmz_acquire.scanning import Plane

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["plane_line", "plane_of"]


def plane_line(plane: Plane) -> dict[str, Any]:
    """Everything about a plane but its pixels, as it stands in the files."""
    rare = {
        "noise_free": plane.noise_free,
        "after_resume": plane.after_resume,
        "ahead": plane.ahead,
    }
    return {
        "z_requested_um": plane.z_requested_um,
        "z_actual_um": plane.z_um,
        "z_shift_um": plane.z_shift_um,
        "chosen_by": plane.chosen_by,
        "exposure_ms": plane.exposure_ms,
        "stage_ms": plane.stage_ms,
        "camera_ms": plane.camera_ms,
        "time": plane.time,
        **{name: True for name, is_so in rare.items() if is_so},
    }


def plane_of(line: dict[str, Any], image: NDArray[Any]) -> Plane:
    """Make a plane of what `plane_line` wrote and of its pixels."""
    return Plane(
        image=image,
        z_um=line["z_actual_um"],
        z_requested_um=line["z_requested_um"],
        exposure_ms=line["exposure_ms"],
        stage_ms=line["stage_ms"],
        camera_ms=line["camera_ms"],
        time=datetime.fromisoformat(line["time"]),
        z_shift_um=line.get("z_shift_um", 0.0),
        chosen_by=line.get("chosen_by", "policy"),
        noise_free=line.get("noise_free", False),
        after_resume=line.get("after_resume", False),
        ahead=line.get("ahead", False),
    )
