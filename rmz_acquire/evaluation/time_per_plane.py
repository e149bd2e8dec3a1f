"""How long a plane takes to become a volume here: a process of its own measures it.

::

    python -m rmz_acquire.evaluation.time_per_plane '{"estimator": "wiener", …}'

prints a line of JSON each time it knows better. It is ended by killing it, and ends by
itself when its standard input does: it never outlives who asked.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmz_acquire.scanning import ScanPlan

__all__ = ["Pace", "measure"]

_SMALL_PX = 96
_PLANES = 3
"""With the first one much is made that the others use."""
_LONGEST_S = 45.0
"""A measurement that would take longer is made on a smaller picture."""

Pace = dict[str, Any]
"""``seconds`` a plane, and whether that is ``measured`` at this very size."""


def measure(
    estimator: str,
    z_um: tuple[float, float, float],
    shape: tuple[int, int],
    *,
    optics: dict[str, Any] | None = None,
    model: str | None = None,
    device: str = "auto",
) -> Iterator[Pace]:
    """Measure how long planes take, deciding where the next one is included.

    Parameters
    ----------
    estimator : str
        Which.
    z_um : (float, float, float)
        Bottom, top and step of the grid, µm.
    shape : (int, int)
        Height and width of the pictures, pixels.
    optics : dict, optional
        As `rmz_acquire.optics.Optics`.
    model : str, optional
        Of a network; by default the one for these optics.
    device : str
        Where a network runs.

    Yields
    ------
    dict
        ``seconds`` a plane and ``measured``: False for what was measured on smaller
        pictures and multiplied. The last one is the best.
    """
    from rmz_acquire.methods import METHODS
    from rmz_acquire.models import load_model, suitable_model
    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction import make_estimator
    from rmz_acquire.scanning import ScanPlan

    plan = ScanPlan.from_range(*z_um, epsilon=1e-12, max_planes=_PLANES)
    known = None if optics is None else Optics.model_validate(optics)
    loaded = None
    if METHODS[estimator].model and known is not None:
        loaded = load_model(model or suitable_model(known, plan.z_um))

    def at(height: int, width: int) -> float:
        made = make_estimator(estimator, plan.z_um, known, model=loaded, device=device)
        return _seconds(plan, made, height, width)

    height, width = shape
    small = min(height, _SMALL_PX), min(width, _SMALL_PX)
    at(*small)  # whatever is loaded or tuned once
    seconds = at(*small) * (height * width) / (small[0] * small[1])
    whole = small == tuple(shape)
    yield {"seconds": seconds, "measured": whole}
    if whole:
        return
    part = min(1.0, math.sqrt(_LONGEST_S / max(1e-9, _PLANES * seconds)))
    larger = max(small[0], int(part * height)), max(small[1], int(part * width))
    if larger != small:
        seconds = at(*larger) * (height * width) / (larger[0] * larger[1])
        yield {"seconds": seconds, "measured": larger == tuple(shape)}


def _seconds(plan: ScanPlan, estimator: Any, height: int, width: int) -> float:
    """Seconds a plane, after the first one, as a scan spends them."""
    from rmz_acquire.scanning import Plane, Scan

    rng = np.random.default_rng(0)
    scan = Scan(plan, estimator)
    spent = []
    while (z_um := scan.next_z()) is not None:
        image = rng.integers(100, 1000, (height, width), dtype=np.uint16)
        start = time.perf_counter()
        scan.observe(Plane(image, z_um, z_um, 1.0, None, None, datetime.now(UTC)))
        spent.append(time.perf_counter() - start)
    return float(np.median(spent[1:]))


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Measure what the argument asks for; a line of JSON for each answer."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    asked = json.loads(sys.argv[1])
    for pace in measure(**asked):
        sys.stdout.write(json.dumps(pace) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
