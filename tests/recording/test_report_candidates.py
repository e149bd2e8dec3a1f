"""The panel of predicted planes: errors as in decisions.jsonl, shares of the end."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scan_fakes import ArrayMicroscope, blobs

from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.recording import draw_report
from rmz_acquire.scanning import ScanPlan
from rmz_acquire.session import run_volume

Z_UM = np.linspace(0, 12, 25)
STACK = blobs(Z_UM, shape=(40, 44))
OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
TITLE = "Predicted planes"


def a_run(folder, estimator):
    """The panels by title, and the lines of decisions.jsonl and summary.json."""
    decisions = []
    summary = run_volume(
        ArrayMicroscope(STACK, Z_UM),
        ScanPlan.from_grid(Z_UM, z_exact_um=(0.0, 12.0, 6.0, 3.0, 9.0)),
        make_estimator(estimator, Z_UM, OPTICS),
        folder,
        on_decision=lambda decision, _: decisions.append(decision),
    )
    figure = draw_report(summary, decisions, volume=None)
    text = (folder / "decisions.jsonl").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    told = json.loads((folder / "summary.json").read_text("utf-8"))
    return {ax.get_title(loc="left"): ax for ax in figure.axes}, lines, told


def test_the_curves_are_those_of_the_decisions(tmp_path):
    panels, lines, told = a_run(tmp_path, "richardson-lucy")
    axes = panels[TITLE]
    curves = {line.get_label(): line.get_xydata() for line in axes.lines}
    assert len(curves) == len(told["candidates"]) >= 4
    low, high = axes.get_ylim()
    for name, each in told["candidates"].items():
        number, error = curves[f"{each['share']:.0%} {name}"].T
        expected = [(line["predictions"] or {}).get(name, np.nan) for line in lines]
        np.testing.assert_array_equal(number, [1, 2, 3, 4, 5])
        np.testing.assert_allclose(error, expected)
        assert np.isnan(error[0]) and np.isfinite(error[1:]).all()
        assert low < np.nanmin(error) and np.nanmax(error) < high


def test_the_best_at_each_plane_is_ringed(tmp_path):
    panels, lines, _ = a_run(tmp_path, "richardson-lucy")
    (rings,) = panels[TITLE].collections
    _, ringed = np.ma.filled(rings.get_offsets(), np.nan).T
    for error, line in zip(ringed, lines, strict=True):
        if line["predictions"] is None:
            assert np.isnan(error)
        else:
            assert error == pytest.approx(min(line["predictions"].values()))
            assert error == line["predictions"][line["winner"]]


def test_without_candidates_there_is_no_panel(tmp_path):
    panels, lines, told = a_run(tmp_path, "wiener")
    assert told["candidates"] is None and len(lines) == 5
    assert TITLE not in panels and len(panels) == 4
