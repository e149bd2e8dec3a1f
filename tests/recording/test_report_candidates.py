"""The panel of predicted planes: errors as in decisions.jsonl, shares of the end."""

from __future__ import annotations

import numpy as np
import pytest
from stack_runs import OPTICS, a_run, lines, saved

from rmz_acquire.experiments import StoredExperiment
from rmz_acquire.recording import draw_report, read_summary

pytestmark = pytest.mark.usefixtures("few_steps")

TITLE = "Predicted planes"


def panels_of(folder, estimator):
    """The panels by title, and the lines of decisions.jsonl and summary.json."""
    z_um = (3.0, 15.0, 9.0, 6.0, 12.0)
    a_run(folder, estimator=estimator, optics=OPTICS, z_um=z_um)
    stored = StoredExperiment(folder)
    decisions = stored.decisions_of(stored.prepared.volumes[0])
    figure = draw_report(read_summary(folder), decisions, volume=None)
    panels = {ax.get_title(loc="left"): ax for ax in figure.axes}
    return panels, lines(folder), saved(folder)


@pytest.mark.slow
def test_the_curves_are_those_of_the_decisions(tmp_path):
    panels, decided, told = panels_of(tmp_path, "richardson-lucy")
    axes = panels[TITLE]
    curves = {line.get_label(): line.get_xydata() for line in axes.lines}
    assert len(curves) == len(told["candidates"]) >= 4
    low, high = axes.get_ylim()
    for name, each in told["candidates"].items():
        number, error = curves[f"{each['share']:.0%} {name}"].T
        expected = [(line["predictions"] or {}).get(name, np.nan) for line in decided]
        np.testing.assert_array_equal(number, [1, 2, 3, 4, 5])
        np.testing.assert_allclose(error, expected)
        assert np.isnan(error[0]) and np.isfinite(error[1:]).all()
        assert low < np.nanmin(error) and np.nanmax(error) < high


@pytest.mark.slow
def test_the_best_at_each_plane_is_ringed(tmp_path):
    panels, decided, _ = panels_of(tmp_path, "richardson-lucy")
    (rings,) = panels[TITLE].collections
    _, ringed = np.ma.filled(rings.get_offsets(), np.nan).T
    for error, line in zip(ringed, decided, strict=True):
        if line["predictions"] is None:
            assert np.isnan(error)
        else:
            assert error == pytest.approx(min(line["predictions"].values()))
            assert error == line["predictions"][line["winner"]]


def test_without_candidates_there_is_no_panel(tmp_path):
    panels, decided, told = panels_of(tmp_path, "wiener")
    assert told["candidates"] is None and len(decided) == 5
    assert TITLE not in panels
