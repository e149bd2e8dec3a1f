"""Draws known blocks in the first window of a process, and saves what is on screen.

``python grabbing.py FOLDER``: a process of its own, since what the first window of a
process shows is what a user sees.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from rmz_acquire.gui.app import make_gui

from PyQt6.QtGui import QImage  # isort: skip
from PyQt6.QtWidgets import QApplication  # isort: skip

VOLUME = (24, 60, 110)
"""No two sides alike."""
BLOCK = (slice(15, 18), slice(8, 14), slice(80, 90))
"""Off the middle in every direction, with three different sides."""
Z_STEP_UM, PIXEL_UM = 1.0, 0.5
CAMERA = (70, 130)
CAMERA_BLOCK = (slice(10, 16), slice(90, 102))


def block_volume() -> np.ndarray:
    """(Z, Y, X) zeros with a bright block."""
    volume = np.zeros(VOLUME, np.float32)
    volume[BLOCK] = 100
    return volume


def pixels_of(widget) -> np.ndarray:
    """What a widget shows, (Y, X, 3) uint8."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    data = image.constBits().asarray(image.sizeInBytes())
    rows = np.frombuffer(data, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), -1, 3).copy()


def main(out: Path) -> None:
    app = QApplication([])
    window = make_gui(out / "state", out / "runs").window
    window.resize(1280, 800)
    window.show()
    window.show_welcome(False)
    # its lowest and highest colours are like none of what is drawn over it
    window.colours.setCurrentText("Viridis")
    z_um = [Z_STEP_UM * k for k in range(VOLUME[0])]
    camera = np.zeros(CAMERA, np.uint16)
    camera[CAMERA_BLOCK] = 100

    def save(name: str) -> None:
        for _ in range(5):
            app.processEvents()
        np.save(out / f"volume-{name}.npy", pixels_of(window.volume.canvas))
        np.save(out / f"camera-{name}.npy", pixels_of(window.camera.canvas))

    window.camera.pixel_size_um = PIXEL_UM
    window.camera.set_image(camera, "")
    window.volume.set_volume(block_volume(), z_um, PIXEL_UM, (0.0, 100.0))
    across, down = ((s.start + s.stop) / 2 * PIXEL_UM for s in reversed(BLOCK[1:]))
    window.volume.look_at(across, down)
    window.volume.set_z(float(BLOCK[0].start + 1))
    save("first")
    window.toggle_theme()
    save("other-theme")
    # pictures that come after the change, of another shape
    window.camera.set_image(np.ascontiguousarray(camera.T), "")
    window.volume.set_volume(block_volume(), z_um, PIXEL_UM, (0.0, 100.0))
    save("after")
    window.may_close = True
    window.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
