"""Shows volumes in 3D on a screen with OpenGL: ``python solid.py FOLDER``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from rmz_acquire.gui.app import make_gui

from grabbing import block_volume  # isort: skip
from PyQt6.QtCore import QTimer  # isort: skip
from PyQt6.QtWidgets import QApplication, QLabel, QPushButton  # isort: skip


def main(out: Path) -> None:
    app = QApplication([])
    gui = make_gui(out / "state", out / "runs")
    window = gui.window
    from rmz_acquire.gui.views.volume3d import Volume3D, has_opengl

    if not has_opengl():
        print("no OpenGL")
        return
    solid = Volume3D(window)
    volume = block_volume()
    # seen from the top: y downwards and x to the right, whatever the step of z
    for name, step in (("thin", 0.1), ("thick", 3.0)):
        solid.set_volume(volume, step, 0.5, "#35e04a")
        solid.show()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            app.processEvents()
            time.sleep(0.01)
        image = app.primaryScreen().grabWindow(solid.winId()).toImage()
        image = image.convertToFormat(image.Format.Format_RGB888)
        rows = np.frombuffer(
            image.constBits().asarray(image.sizeInBytes()), np.uint8
        ).reshape(image.height(), -1)
        pixels = rows[:, : 3 * image.width()].reshape(image.height(), -1, 3)
        np.save(out / f"{name}.npy", pixels)
        scale = solid._viewer.display_model.scales[0]
        print(name, scale)
    words = [w.text() for w in solid.findChildren(QLabel) if w.isVisible()]
    print("title", solid.windowTitle(), "|", " ".join(words))
    icons = [
        b for b in solid.findChildren(QPushButton) if b.isVisible() and not b.text()
    ]
    print("icons", len(icons), all(not b.icon().isNull() for b in icons))
    solid.close()
    # as in the program: closed safely, by its loop
    window.show()
    QTimer.singleShot(500, window.close)
    app.exec()
    assert gui.presenter.ending is not None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
