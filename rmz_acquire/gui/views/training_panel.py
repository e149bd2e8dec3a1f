"""The dock for training: setting up, then watching, then what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from superqt import QIconifyIcon

from rmz_acquire.gui.models.training_form import time_left
from rmz_acquire.gui.views.form_fields import restyle, scrolled
from rmz_acquire.gui.views.training_curve import GainPlot
from rmz_acquire.gui.views.training_setup import TrainingSetup
from rmz_acquire.recording.progress import TrainingProgress

if TYPE_CHECKING:
    from rmz_acquire.gui.models.training_form import TrainedModel

__all__ = ["TrainingPanel"]


class TrainingPanel(QWidget):
    """Shows one of two pages: what to train, or how it goes."""

    stop_asked = pyqtSignal()
    go_on_asked = pyqtSignal()
    use_asked = pyqtSignal()
    again_asked = pyqtSignal()
    details_asked = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setup = TrainingSetup()
        self.curve = GainPlot()
        self._make_words()
        self.area = scrolled()
        self.area.setWidget(self.setup)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.area)
        self.pages.addWidget(self._progress_page())
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.pages)
        self.setMinimumWidth(max(258, self.setup.minimumSizeHint().width() + 10))

    # ---- what it shows ------------------------------------------------------------

    def show_setup(self) -> None:
        """Show the fields."""
        self.pages.setCurrentIndex(0)

    def show_training(self, name: str) -> None:
        """A training begins."""
        self.pages.setCurrentIndex(1)
        self._say(f"Training {name}", "heading", "Reading the stacks.")
        self.curve.show_progress(TrainingProgress())
        self.bar.setRange(0, 0)
        self.bar.show()
        self._clear_table()
        self._buttons(self.stop)

    def show_progress(self, progress: TrainingProgress) -> None:
        """A training is so far."""
        self.curve.show_progress(progress)
        if progress.scoring is not None:
            self.bar.setRange(0, 0)
            self.detail.setText(f"Judging: {progress.scoring}.")
        elif progress.steps:
            self.bar.setRange(0, progress.steps)
            self.bar.setValue(progress.step)
            left = progress.seconds_left
            words = [time_left(left)] if left is not None or not progress.doing else []
            now = ", ".join([*words, *filter(None, [progress.doing])])
            self.detail.setText(f"Step {progress.step} of {progress.steps}: {now}.")

    def show_stopping(self) -> None:
        """It was asked to stop."""
        self.detail.setText("Stopping; the last checkpoint stays.")
        self.stop.setEnabled(False)

    def show_model(self, model: TrainedModel) -> None:
        """A model has come of it."""
        self.pages.setCurrentIndex(1)
        kind = "good" if model.verdict.better else "warn"
        self._say(model.verdict.headline, kind, model.verdict.text)
        self.bar.hide()
        self._fill_table(model)
        self.use.setObjectName("primary" if model.verdict.better else "")
        self.use.setText("Use it" if model.verdict.better else "Use it anyway")
        colour = "white" if model.verdict.better else "gray"
        self.use.setIcon(QIconifyIcon("mdi:check-circle-outline", color=colour))
        restyle(self.use)
        self._buttons(self.use, self.again)

    def show_stopped(self, *, can_go_on: bool) -> None:
        """It was stopped."""
        self.pages.setCurrentIndex(1)
        text = "Its last checkpoint is kept: go on whenever you like."
        if not can_go_on:
            text = "It had not reached its first checkpoint: start again."
        self._say("Training stopped", "heading", text)
        self.bar.hide()
        self._buttons(*((self.go_on,) if can_go_on else ()), self.again)

    def show_failed(self, text: str, *, can_go_on: bool) -> None:
        """It went wrong: one line that says what to do."""
        self.pages.setCurrentIndex(1)
        self._say("Training failed", "bad", text[:1].upper() + text[1:])
        self.bar.hide()
        self._buttons(*((self.go_on,) if can_go_on else ()), self.again, self.details)

    # ---- how it is built ----------------------------------------------------------

    def _make_words(self) -> None:
        self.headline = QLabel()
        self.headline.setWordWrap(True)
        self.detail = QLabel()
        self.detail.setObjectName("muted")
        self.detail.setWordWrap(True)
        self.detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.table = QWidget()
        self.grid = QGridLayout(self.table)
        self.grid.setContentsMargins(0, 4, 0, 4)
        self.grid.setSpacing(4)
        self.stop = QPushButton(
            QIconifyIcon("mdi:close-octagon", color="#d55e00"), "Stop training"
        )
        self.stop.setObjectName("danger")
        self.stop.setToolTip("Its last checkpoint stays, to go on from")
        self.go_on = QPushButton(QIconifyIcon("mdi:play", color="gray"), "Go on")
        self.go_on.setToolTip("From the last checkpoint")
        self.use = QPushButton(
            QIconifyIcon("mdi:check-circle-outline", color="white"), "Use it"
        )
        self.use.setToolTip("Choose the new model in Scan")
        self.again = QPushButton("Back")
        self.again.setToolTip("Back to the stacks and settings")
        self.details = QPushButton("Details…")
        self.details.setToolTip("Show the training's log")
        # all five side by side would widen the dock
        self._buttons()
        for button, signal in (
            (self.stop, self.stop_asked),
            (self.go_on, self.go_on_asked),
            (self.use, self.use_asked),
            (self.again, self.again_asked),
            (self.details, self.details_asked),
        ):
            button.clicked.connect(signal)

    def _progress_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addWidget(self.headline)
        column.addWidget(self.bar)
        column.addWidget(self.detail)
        column.addWidget(self.table)
        row = QHBoxLayout()
        row.setSpacing(5)
        for button in (self.use, self.stop, self.go_on, self.again, self.details):
            row.addWidget(button)
        column.addLayout(row)
        column.addWidget(self.curve)
        column.addStretch(1)
        return page

    def _say(self, headline: str, kind: str, detail: str) -> None:
        self.headline.setText(headline)
        self.headline.setObjectName(kind if kind != "heading" else "headline")
        restyle(self.headline)
        self.detail.setText(detail)

    def _buttons(self, *shown: QPushButton) -> None:
        for button in (self.use, self.stop, self.go_on, self.again, self.details):
            button.setVisible(button in shown)
            button.setEnabled(True)

    def _clear_table(self) -> None:
        while self.grid.count():
            item = self.grid.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.deleteLater()
        self.table.hide()

    def _fill_table(self, model: TrainedModel) -> None:
        """PSNR of each estimator, a column for each number of planes."""
        self._clear_table()
        if not model.rows:
            return
        names = list(dict.fromkeys(name for _, row in model.rows for name in row))
        head = ["dB from planes:", *(planes for planes, _ in model.rows)]
        cells = [
            [name, *(_db(row.get(name)) for _, row in model.rows)] for name in names
        ]
        for r, line in enumerate([head, *cells]):
            for c, text in enumerate(line):
                label = QLabel(text)
                label.setObjectName("muted" if r == 0 else "heading" if r == 1 else "")
                if c:
                    label.setAlignment(Qt.AlignmentFlag.AlignRight)
                self.grid.addWidget(label, r, c)
        self.grid.setColumnStretch(0, 1)
        self.table.show()


def _db(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
