"""Between the training controller and its dock: what is asked, what happened.

What the microscope is doing is asked of the presenter of the window, and what is typed
about the range of the form of the scan.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QMessageBox

from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.controllers.training_session import TrainingController
from rmz_acquire.gui.models.runs import new_folder
from rmz_acquire.gui.models.training_form import (
    StackSettings,
    TrainingSettings,
    can_go_on,
)
from rmz_acquire.gui.views.live_picture import show_picture
from rmz_acquire.gui.views.redraw import Latest, hear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.gui.models.training_form import TrainedModel
    from rmz_acquire.gui.views.presenter import Presenter
    from rmz_acquire.recording.progress import TrainingProgress

__all__ = ["TrainingPresenter"]

_STACKS, _UNFINISHED = "training/stacks", "training/unfinished"


class TrainingPresenter(QObject):
    """Runs the dock for training.

    Parameters
    ----------
    presenter : Presenter
        Of the window.
    """

    def __init__(self, presenter: Presenter) -> None:
        super().__init__(presenter.window)
        self.presenter = presenter
        self.window = presenter.window
        self.panel = presenter.window.training
        self.setup = self.panel.setup
        self.controller = TrainingController(presenter.microscope)
        self.folder: Path | None = None
        self.model: TrainedModel | None = None
        self._log = ""
        presenter.endings.append(self.controller.close)
        self._restore()
        self._connect_views()
        self._hear()
        self.refresh()

    # ---- what is asked ------------------------------------------------------------

    def add_place(self) -> None:
        """Put the place where the stage stands into the list."""
        self.controller.find_place(self._stack_settings(Path()))

    def take_stacks(self) -> None:
        """Take a stack at every place."""
        folder = new_folder(self.window.form.root() / "stacks")
        self.controller.take_stacks(self._stack_settings(folder))

    def train(self) -> None:
        """Start a training."""
        name = self.setup.name.text().strip()
        folder = new_folder(self.window.form.root() / "training")
        settings = self._training_settings(folder.with_name(f"{folder.name}-{name}"))
        if self.controller.train(settings):
            self._begun(settings.folder)

    def go_on(self) -> None:
        """Go on with the training that was stopped."""
        folder = self.folder or self._unfinished()
        if folder is not None and self.controller.go_on(folder):
            self._begun(folder)

    def stop(self) -> None:
        """End the training."""
        self.panel.show_stopping()
        self.controller.stop_training()

    def use(self) -> None:
        """Choose the new model in the form of the scan."""
        if self.model is None:
            return
        form = self.window.form
        form.set_settings(
            replace(
                form.settings(),
                estimator="recurrent-mz",
                model=str(self.model.folder),
            )
        )
        self.window.right.show()
        self.window.right.raise_()
        self.presenter.note(f"scans use the model {self.model.folder.name} now")

    def again(self) -> None:
        """Back to the fields."""
        self.folder = None
        self.setup.refresh_models()
        self.panel.show_setup()
        self.refresh()

    def show_details(self) -> None:
        """Show the training's log."""
        box = QMessageBox(self.window)
        box.setWindowTitle("Training log")
        box.setText(self.panel.detail.text())
        box.setDetailedText(self._log)
        box.open()

    # ---- what happened ------------------------------------------------------------

    def _hear(self) -> None:
        controller = self.controller
        for signal, slot in (
            (controller.place_found, self.setup.add_a_place),
            (controller.stacks_ended, self._stacks_ended),
            (controller.training_step, self._training_step),
            (controller.training_ended, self._training_ended),
            (controller.problem, self._problem),
        ):
            hear(signal, slot)
        Latest(self._stacks_step, self).hear(controller.stacks_step)

    def _stacks_step(
        self, stack: int, stacks: int, plane: int, planes: int, image: NDArray[Any]
    ) -> None:
        note = f"stack {stack}, plane {plane}"
        show_picture(self.window, self.presenter.facts, image, note)
        if self.presenter.state is State.collecting:
            status = self.window.status
            status.say(
                f"Stack {stack} of {stacks}: plane {plane} of {planes}",
                "Every plane of the range, to train a model on.",
            )
            done = (stack - 1) * planes + plane
            status.set_progress(done / (stacks * planes))

    def _stacks_ended(
        self, files: tuple[Path, ...], error: str, cancelled: bool
    ) -> None:
        self.setup.add_stacks(files)
        self._remember()
        status, n = self.window.status, len(files)
        stacks = f"{n} stack{'' if n == 1 else 's'}"
        kept = "They are ticked under Train: training uses those with a tick."
        if cancelled:
            said = kept if n else "Nothing was kept."
            status.show_idle(f"Stopped after {stacks}", said)
        elif error:
            status.show_problem(error, details=False)
        else:
            self.setup.clear_places()
            status.show_idle(f"{stacks} taken", kept)

    def _training_step(self, folder: Path, progress: TrainingProgress) -> None:
        if folder == self.folder and self.controller.training:
            self.panel.show_progress(progress)

    def _training_ended(
        self, folder: Path, model: TrainedModel | None, error: str, log: str
    ) -> None:
        self._log = log
        self.model = model
        again = model is None and can_go_on(folder)
        self.window.store.setValue(_UNFINISHED, str(folder) if again else "")
        if model is not None:
            self.panel.show_model(model)
        elif error:
            self.panel.show_failed(error, can_go_on=again)
        else:
            self.panel.show_stopped(can_go_on=again)
        self.refresh()

    def _problem(self, text: str, _: str) -> None:
        self.presenter.note(text)
        self.window.status.show_problem(text, details=False)

    # ---- what is allowed ----------------------------------------------------------

    def refresh(self) -> None:
        """Say what can be done now, and why the rest cannot."""
        state = self.presenter.state
        free = state in (State.ready, State.live)
        stacks = self._stack_settings(self.window.form.root())
        problem = stacks.problem()
        if not free:
            taking = state is State.collecting
            problem = "stacks are being taken" if taking else "the microscope is busy"
        self.setup.allow_taking(stacks.words(), problem)
        self.setup.add_place.setEnabled(problem is None)
        training = self._training_settings(self.window.form.root())
        problem = training.problem()
        if self.controller.training:
            problem = "a training runs"
        self.setup.allow_training(problem)
        self.setup.offer_going_on(self._unfinished())

    def _stack_settings(self, folder: Path) -> StackSettings:
        facts = self.presenter.facts
        scan = self.window.form.settings()
        # one that is told is of the current channel: each tells its own when it is set
        told = facts is not None and facts.optics.get("pixel_size_um") is not None
        places = self.setup.chosen_places()
        return StackSettings(scan, places, folder, scan.pixel_size_um, told)

    def _training_settings(self, folder: Path) -> TrainingSettings:
        facts = self.presenter.facts
        given = self.window.form.settings().overrides()
        optics = None if facts is None else facts.resolve(given)[0]
        return TrainingSettings(
            self.setup.chosen_model(),
            self.setup.chosen_stacks(),
            self.setup.name.text().strip(),
            int(self.setup.length.currentData()),
            folder,
            optics,
        )

    def _begun(self, folder: Path) -> None:
        self.folder = folder
        self.model = None
        self.window.store.setValue(_UNFINISHED, str(folder))
        # without the date
        self.panel.show_training(folder.name.rpartition("_")[2].partition("-")[2])

    def _unfinished(self) -> Path | None:
        told = str(self.window.store.value(_UNFINISHED, "") or "")
        folder = Path(told)
        return folder if told and can_go_on(folder) else None

    def _remember(self) -> None:
        listed = [str(path) for path in self.setup.all_stacks()]
        self.window.store.setValue(_STACKS, listed)

    def _restore(self) -> None:
        told = self.window.store.value(_STACKS) or []
        listed = [told] if isinstance(told, str) else list(told)
        self.setup.add_stacks(Path(p) for p in listed if Path(p).exists())

    def _connect_views(self) -> None:
        setup, panel = self.setup, self.panel
        setup.place_asked.connect(self.add_place)
        setup.take_asked.connect(self.take_stacks)
        setup.train_asked.connect(self.train)
        setup.go_on_asked.connect(self.go_on)
        setup.changed.connect(self.refresh)
        self.presenter.refreshed.connect(self.refresh)
        setup.changed.connect(self._remember)
        panel.stop_asked.connect(self.stop)
        panel.go_on_asked.connect(self.go_on)
        panel.use_asked.connect(self.use)
        panel.again_asked.connect(self.again)
        panel.details_asked.connect(self.show_details)
        self.window.status.abort_asked.connect(self.controller.cancel_stacks)
        self.window.abort.triggered.connect(self.controller.cancel_stacks)
