"""Simulated microscopes of small pictures."""

from __future__ import annotations

import pytest

from rmz_acquire.acquisition import close_core, load_simulated


@pytest.fixture
def scope(monkeypatch):
    """Open simulated microscopes of small pictures, and unload them at the end."""
    monkeypatch.setenv("PYMM_SIGNALS_BACKEND", "psygnal")
    cores = []

    def load(**options):
        small = {"SensorSize_px": 64, "exposure_ms": 5.0, "seed": 4}
        bright = {"Photons_per_ms": 400.0, "specimen": "filaments"}
        options = {**small, **bright, **options}
        core = load_simulated(**options)
        cores.append(core)
        return core

    yield load
    for core in cores:
        close_core(core)
