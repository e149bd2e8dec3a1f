"""The plot along z shows the predicted error where somebody wants it."""

from __future__ import annotations

import numpy as np
import pytest

from rmz_acquire.gui.theme import DARK
from rmz_acquire.gui.views.curves import DepthPlot
from rmz_acquire.scanning.output_planes import OutputPlanes

Z_UM = (0.0, 1.0, 2.0, 3.0)


def known(error):
    measured = (True, False, False, True)
    return OutputPlanes(Z_UM, measured, (0.0, 1.0, 1.0, 0.0), error, None)


@pytest.fixture
def along_z(qtbot):
    plot = DepthPlot()
    qtbot.addWidget(plot)
    plot.dress(DARK)
    plot.begin()
    plot.clear(0.0, 3.0)
    plot.resize(400, 200)
    plot.show()
    yield plot


def test_it_is_shown_with_its_axis_and_inferred_planes_are_marked(along_z):
    along_z.error.set_planes(known((0.01, 0.2, 0.3, 0.02)))
    axis = along_z.plot.getAxis("right")
    assert not along_z.error.shown and not axis.isVisible()
    assert "inferred" not in along_z.legend.text()
    along_z.show_error(True)
    assert along_z.error.shown and axis.isVisible()
    assert "inferred" in along_z.legend.text()
    z_um, error = along_z.error.line.getData()
    np.testing.assert_allclose(error, [1, 20, 30, 2])
    assert tuple(z_um) == Z_UM
    z_um, error = along_z.error.inferred.getData()
    np.testing.assert_allclose([z_um, error], [[1, 2], [20, 30]])
    low, high = axis.range
    assert low == 0 and high > 30
    along_z.show_error(False)
    assert not along_z.error.shown and "next" in along_z.legend.text()


def test_where_nothing_is_known_nothing_is_drawn(along_z):
    along_z.show_error(True)
    along_z.error.set_planes(known((0.01, 0.2, 0.3, 0.02)))
    along_z.error.set_planes(known(None))
    assert not len(along_z.error.inferred.data)
    along_z.error.set_planes(known((0.01, 0.2, 0.3, 0.02)))
    along_z.clear(0.0, 3.0)
    assert not len(along_z.error.inferred.data)
