"""A training run so small that a test can do it."""

from __future__ import annotations

from typing import Any

import pytest

from rmz_acquire.training import TrainingConfig


@pytest.fixture
def tiny() -> dict[str, Any]:
    """Return a configuration, to change and to validate."""
    return {
        "name": "tiny",
        "description": "for tests",
        "network": {"levels": 2, "base_channels": 2, "norm": "group"},
        "simulation": {
            "optics": {
                "na": 0.75,
                "immersion_index": 1.0,
                "wavelength_um": 0.52,
                "pixel_size_um": 0.325,
            },
            "z_range_um": 6,
            "z_step_um": 1,
            "families": {"beads": 1},
            "crop_px": 32,
            "field_px": 32,
            "margin_px": 8,
            "sequences": 3,
        },
        "planes": [1, 3],
        "targets": 2,
        "optimiser": {"steps": 5, "accumulate": 2, "learning_rate": 0.01},
        "validate_every": 2,
        "validation_specimens": 2,
        "checkpoint_every": 2,
        "min_gain_db": None,
    }


@pytest.fixture
def make(tiny):
    """Make the tiny configuration with some keys changed."""

    def build(**changes: Any) -> TrainingConfig:
        return TrainingConfig.model_validate({**tiny, **changes})

    return build
