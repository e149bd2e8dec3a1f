"""The volume in 3D, in a window of its own: ndv on OpenGL, where there is any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtGui import QOpenGLContext
from PyQt6.QtWidgets import QDialog, QVBoxLayout, QWidget

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
        self._colour = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)

    def set_volume(
        self,
        volume: NDArray[np.float32],
        z_step_um: float,
        pixel_um: float,
        colour: str = "#ffffff",
    ) -> None:
        """Show a volume.

        Parameters
        ----------
        volume : ndarray of float32, (Z, Y, X)
            Counts.
        z_step_um, pixel_um : float
            Size of a voxel, µm.
        colour : str
            Of the channel, #rrggbb.
        """
        stretch = z_step_um / pixel_um
        # heavy, and of no use without OpenGL
        from cmap import Colormap

        if self._viewer is None:
            import ndv
            from ndv.models import ArrayViewerModel

            options = ArrayViewerModel()
            self._viewer = ndv.ArrayViewer(
                volume,
                visible_axes=(0, 1, 2),
                scales={0: stretch, 1: 1.0, 2: 1.0},
                viewer_options=options,
            )
            # the title says what it is, and there is one channel; ndv hears of it
            # only once its widgets are there
            options.show_data_info = False
            options.show_channel_mode_selector = False
            layout = self.layout()
            assert layout is not None
            layout.addWidget(self._viewer.widget())
        else:
            self._viewer.data = volume
            # one of another grid, or taken through another objective
            self._viewer.display_model.scales[0] = stretch
        if colour != self._colour:
            self._colour = colour
            lut = self._viewer.display_model.default_lut
            lut.cmap = Colormap(["#000000", colour], name="channel")
