"""What a training needs: places, stacks, a model to start from, a name, how long."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QIconifyIcon

from rmz_acquire.gui.models.training_form import LENGTHS
from rmz_acquire.gui.views.form_fields import restyle
from rmz_acquire.models import DEFAULT_MODEL, list_models

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmz_acquire.experiments.dense_stacks import Position

__all__ = ["TrainingSetup"]

_OTHER = "Choose a folder…"
_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse
_DATA = Qt.ItemDataRole.UserRole


class TrainingSetup(QWidget):
    """The fields, in the order in which one goes through them."""

    changed = pyqtSignal()
    place_asked = pyqtSignal()
    take_asked = pyqtSignal()
    train_asked = pyqtSignal()
    go_on_asked = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._chosen = False
        self._make_fields()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(5)
        for heading, widgets in (
            (
                "1  TAKE STACKS OF YOUR SPECIMENS",
                (self.places, self._row(self.add_place, self.drop_place), self.words),
            ),
            ("", (self.take, self.take_reason)),
            (
                "2  CHOOSE STACKS TO TRAIN ON",
                (self.stacks, self._row(self.add_files, self.drop_stack)),
            ),
            ("3  TRAIN", ()),
        ):
            if heading:
                label = QLabel(heading)
                label.setObjectName("section")
                column.addWidget(label)
            for widget in widgets:
                column.addWidget(widget)
            if not heading:
                column.addSpacing(6)
        column.addLayout(self._choices())
        column.addWidget(self.reason)
        column.addWidget(self.train)
        column.addWidget(self.go_on)
        column.addStretch(1)
        self.refresh_models()
        self._connect()
        self._show_hints()

    # ---- what is chosen -----------------------------------------------------------

    def chosen_places(self) -> tuple[Position, ...]:
        """Places for stacks, in the order added."""
        return tuple(item.data(_DATA) for item in _items(self.places))

    def chosen_stacks(self) -> tuple[Path, ...]:
        """Stacks with a tick."""
        return tuple(
            Path(item.data(_DATA))
            for item in _items(self.stacks)
            if item.checkState() is Qt.CheckState.Checked
        )

    def all_stacks(self) -> tuple[Path, ...]:
        """Stacks with and without a tick."""
        return tuple(Path(item.data(_DATA)) for item in _items(self.stacks))

    def add_a_place(self, place: Position) -> None:
        """Put a place into the list."""
        x, y, z = (
            round(v or 0.0, 1) + 0.0 for v in (place.x_um, place.y_um, place.z_um)
        )
        item = QListWidgetItem(f"x {x:.1f}   y {y:.1f}   middle {z:.1f} µm")
        item.setData(_DATA, place)
        self.places.addItem(item)
        self._tell()

    def add_stacks(self, paths: Iterable[Path]) -> None:
        """Put stacks into the list, with a tick; each once."""
        had = set(self.all_stacks())
        for path in paths:
            if path in had:
                continue
            item = QListWidgetItem(f"{path.parent.name} / {path.name.split('.')[0]}")
            item.setData(_DATA, str(path))
            item.setToolTip(str(path))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
            self.stacks.addItem(item)
        self._tell()

    def clear_places(self) -> None:
        """Empty the list of places: their stacks are taken."""
        self.places.clear()
        self._tell()

    def refresh_models(self) -> None:
        """List the bundled models."""
        had = self.model.currentData()
        self.model.blockSignals(True)
        self.model.clear()
        for name in list_models():
            self.model.addItem(name, name)
        self.model.insertSeparator(self.model.count())
        self.model.addItem(_OTHER, _OTHER)
        self.model.blockSignals(False)
        self._select(had if had is not None else DEFAULT_MODEL)

    def propose_model(self, name: str | None) -> None:
        """Take the model that is for the microscope, until somebody chooses one."""
        if name is not None and not self._chosen and name != self.model.currentData():
            self._select(name)
            self._tell()

    def use_model(self, name: str) -> None:
        """Choose a model by its name or folder."""
        self._chosen = True
        self._select(name)

    def _select(self, name: str) -> None:
        index = self.model.findData(name)
        if index < 0 and Path(name).is_dir():
            self.model.insertItem(0, Path(name).name, name)
            index = 0
        self.model.setCurrentIndex(max(0, index))

    def chosen_model(self) -> str | None:
        """Name or folder of the model to start from."""
        name = self.model.currentData()
        return None if name in (None, _OTHER) else str(name)

    # ---- what is allowed ----------------------------------------------------------

    def allow_taking(self, words: str, problem: str | None) -> None:
        """Say what a stack is, and why none can be taken."""
        self.words.setText(words)
        n = max(1, self.places.count())
        at = f"{n} stacks" if self.places.count() > 1 else "a stack"
        self.take.setText(f"Take {at}" + ("" if self.places.count() else " here"))
        self.take.setEnabled(problem is None)
        self.take_reason.setText(f"Not yet: {problem}." if problem else "")
        self.take_reason.setVisible(bool(problem))

    def allow_training(self, problem: str | None) -> None:
        """Say why no training can start, or what will be done."""
        n = len(self.chosen_stacks())
        apart = max(1, round(0.2 * n))
        self.train.setEnabled(problem is None)
        if problem is not None:
            self.reason.setText(f"Not yet: {problem}.")
        else:
            self.reason.setText(
                f"{n - apart} stacks to train on, {apart} held out for the evaluation. "
                "The microscope stays free meanwhile."
            )

    def offer_going_on(self, folder: Path | None) -> None:
        """Offer to go on with a training that was stopped."""
        self.go_on.setVisible(folder is not None)
        if folder is not None:
            self.go_on.setText(f"Go on with {folder.name}")
            self.go_on.setToolTip(f"From the last checkpoint in {folder}")

    # ---- how it is built ----------------------------------------------------------

    def _make_fields(self) -> None:
        grey = "gray"
        self.places, self.stacks = QListWidget(), QListWidget()
        self.places.setToolTip("Where a stack will be taken: x, y, middle of the stack")
        self.stacks.setToolTip(
            "Three or more; one in five is held out for the evaluation"
        )
        for box, high in ((self.places, 84), (self.stacks, 104)):
            box.setObjectName("inset")
            box.setFixedHeight(high)
            box.setIconSize(QSize(14, 14))
        self.place_hint = _hint(self.places)
        self.stack_hint = _hint(self.stacks)
        self.add_place = QPushButton(
            QIconifyIcon("mdi:plus-circle-outline", color=grey), "Add this place"
        )
        self.add_place.setToolTip(
            "Where the stage stands now, with the middle of the range set now"
        )
        self.drop_place = QPushButton("Remove")
        self.drop_place.setToolTip("Take the chosen place out of the list")
        self.words = QLabel()
        self.words.setObjectName("muted")
        self.words.setWordWrap(True)
        self.take = QPushButton(
            QIconifyIcon("mdi:layers-outline", color=grey), "Take a stack here"
        )
        self.take.setToolTip(
            "Every plane of the range at every place; then light off and stage back"
        )
        self.take_reason = QLabel()
        self.take_reason.setObjectName("muted")
        self.take_reason.setWordWrap(True)
        # it may be a line to type
        self.take_reason.setTextInteractionFlags(_SELECTABLE)
        self.add_files = QPushButton(
            QIconifyIcon("mdi:folder-open-outline", color=grey), "Add files…"
        )
        self.add_files.setToolTip("Stacks from before: TIFF or OME-TIFF")
        self.drop_stack = QPushButton("Remove")
        self.drop_stack.setToolTip("Take it out of the list; the file stays")
        self.model = QComboBox()
        self.model.setToolTip("The model whose training goes on with your stacks")
        self.name = QLineEdit("mine")
        self.name.setToolTip("Of the new model: a–z, 0–9 and hyphens")
        self.length = QComboBox()
        for words, steps in LENGTHS.items():
            self.length.addItem(f"{words}: {steps} steps", steps)
        self.length.setCurrentIndex(1)
        self.length.setToolTip(
            "A step takes about half a second on a CPU, less on a GPU.\n"
            "It can be stopped and resumed at any time"
        )
        self.reason = QLabel()
        self.reason.setObjectName("muted")
        self.reason.setWordWrap(True)
        self.reason.setTextInteractionFlags(_SELECTABLE)
        self.train = QPushButton(QIconifyIcon("mdi:play", color="white"), "Train")
        self.train.setObjectName("primary")
        self.train.setToolTip("Fine-tune the model, in a process of its own")
        self.go_on = QPushButton(QIconifyIcon("mdi:redo", color=grey), "Go on")
        self.go_on.hide()

    @staticmethod
    def _row(first: QPushButton, second: QPushButton) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        row.addWidget(first, 1)
        row.addWidget(second)
        return box

    def _choices(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(5)
        grid.setColumnStretch(1, 1)
        for row, (text, field) in enumerate(
            (("Start from", self.model), ("Name", self.name), ("Length", self.length))
        ):
            grid.addWidget(QLabel(text), row, 0)
            grid.addWidget(field, row, 1)
        return grid

    def _connect(self) -> None:
        self.add_place.clicked.connect(self.place_asked)
        self.take.clicked.connect(self.take_asked)
        self.train.clicked.connect(self.train_asked)
        self.go_on.clicked.connect(self.go_on_asked)
        self.drop_place.clicked.connect(lambda: self._drop(self.places))
        self.drop_stack.clicked.connect(lambda: self._drop(self.stacks))
        self.add_files.clicked.connect(self._choose_files)
        self.stacks.itemChanged.connect(self._tell)
        self.name.textChanged.connect(self._tell)
        self.length.currentIndexChanged.connect(self._tell)
        self.model.activated.connect(self._model_chosen)

    def _drop(self, box: QListWidget) -> None:
        for item in box.selectedItems() or _items(box)[-1:]:
            box.takeItem(box.row(item))
        self._tell()

    def _choose_files(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(
            self, "Stacks to train on", "", "Stacks (*.tif *.tiff)"
        )
        self.add_stacks(Path(name) for name in names)

    def _model_chosen(self) -> None:
        self._chosen = True
        if self.model.currentData() == _OTHER:
            self.model.setCurrentIndex(0)
            chosen = QFileDialog.getExistingDirectory(self, "Folder of a model")
            if chosen:
                self.use_model(chosen)
        self._tell()

    def _tell(self) -> None:
        self._show_hints()
        self.changed.emit()

    def _show_hints(self) -> None:
        self.place_hint.setVisible(not self.places.count())
        self.stack_hint.setVisible(not self.stacks.count())
        self.place_hint.setText("Places: move the stage, add this place.")
        self.stack_hint.setText("Stacks: three or more, of different places.")
        self.drop_place.setEnabled(self.places.count() > 0)
        self.drop_stack.setEnabled(self.stacks.count() > 0)
        restyle(self.places)


def _items(box: QListWidget) -> list[QListWidgetItem]:
    found = (box.item(row) for row in range(box.count()))
    return [item for item in found if item is not None]


def _hint(box: QListWidget) -> QLabel:
    """Words in an empty list."""
    hint = QLabel()
    hint.setObjectName("muted")
    hint.setWordWrap(True)
    hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
    inside = QVBoxLayout(box)
    inside.addWidget(hint)
    return hint
