"""Render the main states of the window: screenshots.py FOLDER [dark|light [PIXELS]].

Real widgets, the simulated microscope, and the path of a first-time user by clicks.
With a camera of so few PIXELS all of it is walked soon, and looks coarse.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import useq

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from rmz_acquire.gui.app import Gui, make_gui
from rmz_acquire.scanning import Region

# after the line above: torch comes before Qt
from PyQt6.QtCore import QPoint, QTimer  # isort: skip
from PyQt6.QtTest import QTest  # isort: skip
from PyQt6.QtWidgets import QApplication, QPushButton  # isort: skip
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = (1280, 800)
SERIES: dict[str, Any] = {
    "positions": (useq.Position(x=-40, y=0, z=0), useq.Position(x=40, y=0, z=1.5)),
    "channels": (useq.Channel(config="GFP", exposure=50),),
    "time_plan": useq.TIntervalLoops(interval=timedelta(seconds=30), loops=1),
}


def main(out: Path, theme: str, side_px: int | None = None) -> None:
    """Walk through a scan and write a picture of each state."""
    app = QApplication.instance() or QApplication([])
    out.mkdir(parents=True, exist_ok=True)

    def until(condition: Callable[[], bool], timeout_s: float = 900.0) -> None:
        end = time.monotonic() + timeout_s
        while not condition():
            app.processEvents()
            time.sleep(0.005)
            if time.monotonic() > end:
                raise TimeoutError

    def idle(seconds: float) -> None:
        end = time.monotonic() + seconds
        until(lambda: time.monotonic() > end)

    with tempfile.TemporaryDirectory() as folder:
        gui = make_gui(Path(folder) / "state", Path(folder) / "runs")
        window, presenter = gui.window, gui.presenter
        if theme == "light":
            window.toggle_theme()
        window.resize(*SIZE)
        window.show()

        def picture(name: str) -> None:
            idle(0.3)
            window.form.folder.setText("~/rmz-acquire-runs")
            idle(0.1)
            window.grab().save(str(out / f"{name}-{theme}.png"))
            window.form.folder.setText(str(Path(folder) / "runs"))
            idle(0.1)

        def push(text: str) -> None:
            stage = window.microscope.stages["Z"]
            for button in stage.findChildren(QPushButton):
                if button.toolTip() == text:
                    button.click()
            idle(0.4)

        picture("1-welcome")
        window.welcome.simulated.click()
        until(lambda: presenter.state == "ready")
        if side_px is not None:
            core = presenter.microscope.core
            assert core is not None
            core.setProperty("Camera", "SensorSize_px", side_px)
        window.live.trigger()
        until(lambda: window.camera.note.text() == "live")
        push("move by -10.0 µm")
        window.form.set_bottom.click()
        idle(1.0)
        picture("2-range")
        push("move by 20.0 µm")
        window.form.set_top.click()
        idle(0.3)
        window.form.start.click()
        until(lambda: window.camera.note.text().startswith("plane 6"))
        picture("3-scanning")
        until(lambda: presenter.state == "ready")
        picture("4-done")
        window.live.trigger()
        until(lambda: window.camera.note.text() == "live")
        form, series = window.form, window.series
        form.counts.setCurrentIndex(1)
        form.bottom.set_um(-10.0)
        form.top.set_um(10.0)
        form.max_planes.setValue(6)
        form.tau.setValue(20.0)
        series.set_settings(replace(form.settings(), **SERIES))
        window.docks[2].raise_()
        picture("5-series")
        window.docks[1].raise_()
        form.start.click()
        until(lambda: "osition 2" in window.status.headline.text())
        until(lambda: window.camera.note.text().startswith("plane 5"))
        picture("6-series-scanning")
        until(lambda: presenter.state == "ready")
        picture("7-series-done")
        looking(gui, picture, idle)
        # regions are of a picture that is larger than they
        regions(gui, picture, until, 512 if side_px is None else 4 * side_px)
        training(gui, picture, until)
        # closed as by a person: Qt's own end of the application comes with it
        QTimer.singleShot(0, window.close)
        app.exec()


def looking(
    gui: Gui, picture: Callable[[str], None], idle: Callable[[float], None]
) -> None:
    """Look at the camera's picture alone, and at the list of runs."""
    window = gui.window
    window.enlarge_camera.trigger()
    idle(0.3)
    viewport = window.camera.canvas.viewport()
    assert viewport is not None
    middle = viewport.rect().center()
    # a move, not only a place
    QTest.mouseMove(viewport, QPoint(5, 5))
    idle(0.1)
    QTest.mouseMove(viewport, middle)
    picture("11-camera")
    window.enlarge_camera.trigger()
    window.docks[-1].raise_()
    idle(1.0)
    picture("12-runs")


def regions(
    gui: Gui,
    picture: Callable[[str], None],
    until: Callable[..., None],
    side_px: int,
) -> None:
    """Draw regions in a large picture, scan on them, and render the volume."""
    window, presenter, form = gui.window, gui.presenter, gui.window.form
    core = presenter.microscope.core
    assert core is not None
    if presenter.state == "live":
        window.live.trigger()
    until(lambda: presenter.state == "ready")
    core.setProperty("Camera", "SensorSize_px", side_px)
    presenter.microscope.look()
    form.reconstruction.use("wiener")
    form.max_planes.setValue(4)
    window.series.set_settings(replace(form.settings(), positions=()))
    window.docks[1].raise_()
    until(
        lambda: presenter.facts is not None and presenter.facts.picture_px[0] == side_px
    )
    window.live.trigger()
    until(lambda: window.camera.has_picture and window.camera.item.width() == side_px)
    form.more.setChecked(True)
    form.deciding.draw.click()
    for drawn in ((60, 40, 180, 200), (260, 280, 220, 200)):
        window.camera.drawn.emit(Region(*(n * side_px // 512 for n in drawn)))
    until(lambda: form.start.isEnabled())
    end = time.monotonic() + 0.3
    until(lambda: time.monotonic() > end)
    form.area.ensureWidgetVisible(form.deciding.overlap)
    picture("13-drawn")
    form.start.click()
    until(lambda: bool(window.volume.state.text()))
    until(lambda: window.camera.note.text().startswith("plane 3"))
    picture("14-regions")
    until(lambda: presenter.state in ("rendering", "ready"))
    picture("15-rendering")
    until(lambda: presenter.state == "ready")
    form.deciding.auto.click()
    form.more.setChecked(False)
    picture("16-rendered")


def training(
    gui: Gui, picture: Callable[[str], None], until: Callable[..., None]
) -> None:
    """Take stacks at four places, train a little on them, and see what came of it."""
    window, panel = gui.window, gui.window.training
    setup, core = panel.setup, gui.presenter.microscope.core
    assert core is not None
    core.setProperty("Camera", "SensorSize_px", 128)
    window.form.counts.setCurrentIndex(0)
    window.form.bottom.set_um(-5.0)
    window.form.top.set_um(5.0)
    window.train.trigger()
    for number in range(4):
        core.setXYPosition(25.0 * number, 0.0)
        core.waitForDevice(core.getXYStageDevice())
        setup.add_place.click()
        until(lambda n=number: setup.places.count() == n + 1)
    setup.take.click()
    until(lambda: window.status.headline.text().startswith("Stack 3 of 4: plane 1"))
    picture("8-stacks")
    until(lambda: window.status.headline.text() == "4 stacks taken")
    # so short that a picture can be waited for
    setup.length.addItem("Shortest: 60 steps", 60)
    setup.length.setCurrentIndex(setup.length.count() - 1)
    setup.train.click()

    def going_well() -> bool:
        # what failed is not waited for
        if panel.headline.text() == "Training failed":
            raise RuntimeError(panel.detail.text())
        return True

    bar = panel.bar
    until(lambda: going_well() and bar.maximum() == 60 and bar.value() >= 40)
    picture("9-training")
    until(lambda: going_well() and panel.again.isVisible())
    picture("10-trained")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        sys.argv[2] if len(sys.argv) > 2 else "dark",
        int(sys.argv[3]) if len(sys.argv) > 3 else None,
    )
