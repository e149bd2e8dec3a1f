"""The first page: which microscope."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QIconifyIcon

from rmz_acquire.gui.views.specimen_box import SpecimenBox

__all__ = ["WelcomePage"]


class WelcomePage(QWidget):
    """Three ways to begin."""

    simulated_asked = pyqtSignal()
    demo_asked = pyqtSignal()
    config_asked = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        title = QLabel("Which microscope?")
        title.setObjectName("title")
        text = QLabel(
            "A few planes of your sample become the whole stack: the scan takes one "
            "plane after the other, watches the volume, and stops by itself."
        )
        text.setObjectName("muted")
        text.setWordWrap(True)
        text.setFixedWidth(560)
        text.setMinimumHeight(44)
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.simulated = QPushButton(
            QIconifyIcon("mdi:cube-scan", color="white"), "  Simulated microscope"
        )
        self.simulated.setObjectName("primary")
        self.simulated.setToolTip("A specimen, a camera and a focus stage in software")
        self.demo = QPushButton(
            QIconifyIcon("mdi:test-tube", color="gray"), "  Demo configuration"
        )
        self.demo.setToolTip(
            "Micro-Manager's own demo devices (MMConfig_demo.cfg): every device works, "
            "the pictures mean nothing"
        )
        self.config = QPushButton(
            QIconifyIcon("mdi:microscope", color="gray"), "  Load a configuration…"
        )
        self.config.setToolTip("A Micro-Manager configuration file (*.cfg)")
        self._buttons = (self.simulated, self.demo, self.config)
        for button in self._buttons:
            button.setIconSize(QSize(24, 24))
            button.setMinimumSize(230, 56)
        self.specimen = SpecimenBox()
        self.specimen.setFixedWidth(230)
        specimen = QLabel("Specimen of the simulated microscope")
        specimen.setObjectName("muted")
        self.problem = QLabel()
        self.problem.setObjectName("bad")
        self.problem.setWordWrap(True)
        self.problem.setFixedWidth(560)
        self.problem.setMinimumHeight(60)
        self.problem.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.setFixedWidth(220)
        self.busy.hide()
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addStretch(1)
        for button in self._buttons:
            row.addWidget(button)
        row.addStretch(1)
        below = QHBoxLayout()
        below.setSpacing(10)
        below.addStretch(1)
        below.addWidget(specimen)
        below.addWidget(self.specimen)
        below.addStretch(1)
        column = QVBoxLayout(self)
        column.setSpacing(18)
        column.addStretch(2)
        centre = Qt.AlignmentFlag.AlignHCenter
        column.addWidget(title, 0, centre)
        column.addWidget(text, 0, centre)
        column.addLayout(row)
        column.addLayout(below)
        column.addWidget(self.busy, 0, centre)
        column.addWidget(self.problem, 0, centre)
        column.addStretch(3)
        self.simulated.clicked.connect(self.simulated_asked)
        self.demo.clicked.connect(self.demo_asked)
        self.config.clicked.connect(self.config_asked)

    def show_busy(self, on: bool) -> None:
        """A configuration is being loaded."""
        self.busy.setVisible(on)
        for widget in (*self._buttons, self.specimen):
            widget.setEnabled(not on)
        if on:
            self.problem.clear()

    def show_problem(self, text: str) -> None:
        """Say why a configuration did not load."""
        self.problem.setText(text)
