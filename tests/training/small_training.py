"""A training run small enough for a test."""

from __future__ import annotations

from typing import Any

from rmz_acquire.training import TrainingConfig

SETTINGS: dict[str, Any] = {
    "name": "small",
    "description": "for tests",
    "seed": 3,
    "network": {"levels": 2, "base_channels": 2, "norm": "group", "prior": "wiener"},
    "simulation": {
        "optics": {
            "na": 0.75,
            "immersion_index": 1.0,
            "wavelength_um": 0.52,
            "pixel_size_um": 0.325,
        },
        "z_range_um": 4,
        "z_step_um": 0.5,
        "families": {"beads": 0.5, "nuclei": 0.25, "filaments": 0.25},
        "crop_px": 32,
        "field_px": 40,
        "margin_px": 8,
        "sequences": 3,
    },
    "planes": [1, 3],
    "targets": 3,
    "optimiser": {"steps": 4, "accumulate": 2, "average_decay": 0.5},
    "validate_every": 2,
    "validation_specimens": 1,
}
SMALL = TrainingConfig.model_validate(SETTINGS)
