"""Small experiments, linear and quick."""

from __future__ import annotations

import useq


def sequence(block=None, **given):
    """An experiment with our block, linear and quick."""
    settings = {
        "version": 1,
        "estimator": "linear",
        "epsilon": 1e-9,
        "max_planes": 4,
        **(block or {}),
    }
    given.setdefault("z_plan", {"range": 6, "step": 1})
    given.setdefault("channels", [{"config": "DAPI", "exposure": 1}])
    return useq.MDASequence(metadata={"rmz_acquire": settings}, **given)
