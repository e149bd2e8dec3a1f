"""The list of the last runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QFileDialog,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from rmz_acquire.gui.models.runs import RecentRuns

__all__ = ["RunsPanel"]


class RunsPanel(QWidget):
    """Opens a run again."""

    open_asked = pyqtSignal(Path)

    def __init__(self, runs: RecentRuns) -> None:
        super().__init__()
        self._runs = runs
        self.list = QListWidget()
        self.list.setToolTip("Double-click or Enter shows the run again")
        self.list.itemActivated.connect(self._activated)
        other = QPushButton("Open another run…")
        other.clicked.connect(self._choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 10)
        column.addWidget(self.list, 1)
        column.addWidget(other)
        self.refresh()

    def refresh(self) -> None:
        """Read the list again."""
        self.list.clear()
        for line in self._runs.lines():
            item = QListWidgetItem(f"{line.folder.name}\n{line.text}")
            item.setData(Qt.ItemDataRole.UserRole, str(line.folder))
            item.setToolTip(str(line.folder))
            self.list.addItem(item)
        if not self.list.count():
            item = QListWidgetItem("Runs are listed here.")
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(item)

    def _activated(self, item: QListWidgetItem) -> None:
        folder = item.data(Qt.ItemDataRole.UserRole)
        if folder:
            self.open_asked.emit(Path(folder))

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of a run")
        if chosen:
            self.open_asked.emit(Path(chosen))
