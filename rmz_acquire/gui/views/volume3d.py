"""The volume in 3D, in a window of its own: ndv on OpenGL, where there is any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtGui import QOpenGLContext
from PyQt6.QtWidgets import QComboBox, QDialog, QPushButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Volume3D", "has_opengl"]


def has_opengl() -> bool:
    """Whether this screen can draw with OpenGL."""
    return QOpenGLContext().create()


class Volume3D(QDialog):
    """Turn with the left button, zoom with the wheel.

    Parameters
    ----------
    parent : QWidget
        The window that it belongs to.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Volume in 3D")
        self.resize(720, 640)
        self._viewer: Any = None
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)

    def set_volume(
        self, volume: NDArray[np.float32], z_step_um: float, pixel_um: float
    ) -> None:
        """Show a volume.

        Parameters
        ----------
        volume : ndarray of float32, (Z, Y, X)
            Counts.
        z_step_um, pixel_um : float
            Size of a voxel, µm.
        """
        if self._viewer is not None:
            self._viewer.data = volume
            return
        # heavy, and of no use without OpenGL
        import ndv

        self._viewer = ndv.ArrayViewer(
            volume,
            visible_axes=(0, 1, 2),
            scales={0: z_step_um / pixel_um, 1: 1.0, 2: 1.0},
        )
        layout = self.layout()
        assert layout is not None
        view = self._viewer.widget()
        layout.addWidget(view)
        # what is left is the colour map with its limits: this window is 3D already,
        # and the icons of the other buttons are not shipped
        for button in view.findChildren(QPushButton):
            button.setVisible(bool(button.text()))
        for box in view.findChildren(QComboBox):
            if box.currentText() == "grayscale":
                box.hide()
