"""Frames that are not as they should be, and a focus lock, as the window says them."""

from __future__ import annotations

import numpy as np

from rmz_acquire.gui.models.stored_runs import load_run


def test_an_old_frame_is_said_as_it_comes_and_in_the_end(desk, monkeypatch):
    desk.connect()
    desk.fill(max_planes=5)
    core, shown = desk.presenter.microscope.core, []
    core.setProperty("Camera", "Photons_per_ms", 2000)
    real = core.getImage

    def get_image(*args, **options):
        image = np.array(real(*args, **options))
        shown.append(shown[-1] if len(shown) == 2 else image)
        return shown[-1].copy()

    monkeypatch.setattr(core, "getImage", get_image)
    noted = []
    monkeypatch.setattr(desk.presenter, "note", noted.append)
    desk.scan()
    desk.finish()
    again = "is plane 2 again, to the last bit"
    (said,) = [text for text in noted if "plane at z" in text]
    assert again in said
    assert again in desk.window.status.detail.text()
    run = load_run(desk.presenter.shown.folder).shown
    assert len(run.planes) == 5 and [d.used for d in run.decisions].count(False) == 1


def test_a_focus_lock_that_is_on_is_on_again_after_scan_and_full_stack(
    desk, monkeypatch
):
    desk.presenter.connect_microscope("MMConfig_demo.cfg")
    desk.until(lambda: desk.window.status.headline.text() == "Ready")
    core = desk.presenter.microscope.core
    core.setProperty("Camera", "OnCameraCCDXSize", 64)
    core.setProperty("Camera", "OnCameraCCDYSize", 64)
    core.enableContinuousFocus(True)
    fought, move = [], core.setPosition

    def set_position(*args):
        fought.append(core.isContinuousFocusEnabled())
        move(*args)

    monkeypatch.setattr(core, "setPosition", set_position)
    desk.fill(max_planes=4)
    desk.scan()
    desk.finish()
    assert core.isContinuousFocusEnabled()
    moved = len(fought)
    desk.window.status.compare.click()
    desk.until(lambda: len(fought) > moved)
    desk.until(lambda: not desk.state.busy)
    assert core.isContinuousFocusEnabled()
    assert moved and not any(fought)
