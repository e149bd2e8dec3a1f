"""What a plane costs, in operations counted: clocks of busy machines tell nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from small_scope import AIR, Z_UM, evenly, stacks
from torch.utils._python_dispatch import TorchDispatchMode

from rmz_acquire.reconstruction import RichardsonLucyEstimator

if TYPE_CHECKING:
    from collections.abc import Callable

PRODUCTS = ("mul", "addcmul", "lerp", "div", "copy", "clamp", "clamp_min", "sum")

MOST = {"transformed": (600, 900), "products": (3200, 5600)}
"""Of the second and of the third plane, which is the first to be left out."""


class Counted(TorchDispatchMode):
    """Points that were transformed, and values that were read or multiplied."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        name = func.__name__.split(".")[0].rstrip("_")
        if "fft_" in name:
            self.counts["transformed"] += made.numel()
        elif name in PRODUCTS:
            given = args[0].numel() if name == "sum" else made.numel()
            self.counts["products"] += given
        return made


def cost_of_plane(m: int) -> Counter[str]:
    """Operations of the m-th plane, over the voxels of the volume."""
    _, counts = stacks("nuclei")
    at = evenly(m)
    at = [at[0], at[-1], *at[1:-1]]
    estimator = RichardsonLucyEstimator(Z_UM, AIR)
    estimator.add_all(counts[at[:-1]], Z_UM[at[:-1]])
    with Counted() as counted:
        estimator.add(counts[at[-1]], Z_UM[at[-1]])
    return Counter({k: round(n / counts.size) for k, n in counted.counts.items()})


@pytest.mark.slow
def test_a_plane_costs_no_more_than_it_did() -> None:
    """Of 8 planes at most twice as much as of 2, and neither much more than now."""
    second, third, eighth = (cost_of_plane(m) for m in (2, 3, 8))
    for kind, most in MOST.items():
        assert second[kind] <= most[0], (kind, second)
        assert third[kind] <= most[1], (kind, third)
        assert eighth[kind] <= 2 * second[kind], (kind, second, eighth)
