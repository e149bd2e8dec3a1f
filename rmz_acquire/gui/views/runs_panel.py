"""The list of the last runs, each with a small picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QIcon, QImage, QPainter, QPixmap
from PyQt6.QtWidgets import (
    QFileDialog,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rmz_acquire.gui.models.channels import colour_of
from rmz_acquire.gui.views.images.colour_maps import BY_CHANNEL, lookup
from rmz_acquire.gui.views.redraw import hear

if TYPE_CHECKING:
    from rmz_acquire.gui.controllers.thumbnail_worker import Thumbnailer
    from rmz_acquire.gui.models.runs import RecentRuns
    from rmz_acquire.gui.models.thumbnails import Thumbnail

__all__ = ["RunsPanel"]

_ICON_PX = 48


class RunsPanel(QWidget):
    """Opens a run again.

    Parameters
    ----------
    runs : RecentRuns
        The last runs.
    thumbnails : Thumbnailer
        Makes their pictures.
    """

    open_asked = pyqtSignal(Path)

    def __init__(self, runs: RecentRuns, thumbnails: Thumbnailer) -> None:
        super().__init__()
        self._runs = runs
        self.thumbnails = thumbnails
        self.list = QListWidget()
        self.list.setToolTip("Double-click or Enter opens the run")
        self.list.setIconSize(QSize(_ICON_PX, _ICON_PX))
        self.list.setWordWrap(True)
        off = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.list.setHorizontalScrollBarPolicy(off)
        self.list.itemActivated.connect(self._activated)
        other = QPushButton("Open another run…")
        other.clicked.connect(self._choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 10)
        column.addWidget(self.list, 1)
        column.addWidget(other)
        hear(thumbnails.made, self._show)
        self.refresh()

    def refresh(self) -> None:
        """Read the list again."""
        self.list.clear()
        folders = []
        for line in self._runs.lines():
            item = QListWidgetItem(_framed(None), f"{line.folder.name}\n{line.text}")
            item.setData(Qt.ItemDataRole.UserRole, str(line.folder))
            item.setToolTip(str(line.folder))
            self.list.addItem(item)
            folders.append(line.folder)
        if not self.list.count():
            item = QListWidgetItem("Runs are listed here.")
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(item)
        self.thumbnails.ask(folders)

    def _show(self, folder: Path, picture: Thumbnail) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            assert item is not None
            if item.data(Qt.ItemDataRole.UserRole) == str(folder):
                item.setIcon(_framed(picture))

    def _activated(self, item: QListWidgetItem) -> None:
        folder = item.data(Qt.ItemDataRole.UserRole)
        if folder:
            self.open_asked.emit(Path(folder))

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of a run")
        if chosen:
            self.open_asked.emit(Path(chosen))


def _framed(picture: Thumbnail | None) -> QIcon:
    """A picture in the middle of a black square, in the colour of its channel."""
    square = QPixmap(2 * _ICON_PX, 2 * _ICON_PX)
    square.fill(QColor("black"))
    if picture is not None:
        table = lookup(BY_CHANNEL, colour_of(picture.channel))
        pixels = np.ascontiguousarray(table[picture.pixels])
        height, width, _ = pixels.shape
        colours = QImage.Format.Format_RGB888
        image = QImage(pixels.tobytes(), width, height, 3 * width, colours)
        image = image.scaled(square.size(), Qt.AspectRatioMode.KeepAspectRatio)
        painter = QPainter(square)
        painter.drawImage(
            (square.width() - image.width()) // 2,
            (square.height() - image.height()) // 2,
            image,
        )
        painter.end()
    return QIcon(square)
