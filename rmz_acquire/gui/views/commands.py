"""What is asked with a dialog of the system: files, folders, boxes with words."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QFileDialog, QMessageBox

from rmz_acquire.errors import InputError
from rmz_acquire.experiments import read_optics
from rmz_acquire.gui.models.calibrated_settings import (
    keeps_wavelengths,
    replaced_by,
    with_calibrated,
)
from rmz_acquire.gui.models.experiment_form import (
    imported_by,
    read_settings,
    write_settings,
)
from rmz_acquire.gui.napari_view import has_napari, open_in_napari
from rmz_acquire.gui.views.about import AboutDialog, ManualDialog
from rmz_acquire.gui.views.foreign_code import ForeignCode
from rmz_acquire.gui.views.volume3d import has_opengl

if TYPE_CHECKING:
    from rmz_acquire.gui.models.scan_settings import ScanSettings
    from rmz_acquire.gui.views.presenter import Presenter
    from rmz_acquire.optics import Optics

__all__ = ["Commands"]


class Commands(QObject):
    """Asks the user where, and passes it on.

    Parameters
    ----------
    presenter : Presenter
        Runs the window.
    """

    def __init__(self, presenter: Presenter) -> None:
        super().__init__(presenter)
        self._presenter = presenter
        self._window = presenter.window
        self._foreign = ForeignCode(presenter.window)

    def choose_config(self) -> None:
        """Ask for a configuration file, and load it."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, "Micro-Manager configuration", "", "Configurations (*.cfg)"
        )
        if chosen:
            self._presenter.connect_microscope(chosen)

    def load_settings(self) -> None:
        """Fill the form in from an experiment; exposure and channel are set too."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Load settings", "", "Experiments (*.yaml *.yml)"
        )
        if name:
            self.use_settings(Path(name))

    def use_settings(self, path: Path) -> None:
        """Fill the form in from a file; code of somebody else is asked about once."""
        try:
            settings = read_settings(path)
        except InputError as error:
            self._window.status.show_problem(str(error), details=False)
            return
        self._foreign.ask(
            path.name,
            imported_by(settings),
            partial(self._take_settings, settings, path.name),
            partial(self._presenter.note, f"{path.name} was not loaded"),
        )

    def _take_settings(self, settings: ScanSettings, name: str) -> None:
        before = self._window.form.settings().calibration
        self._window.form.set_settings(settings)
        self._window.series.set_settings(settings)
        self._presenter.microscope.prepare(settings.exposure_ms, settings.channel)
        said = f"settings of {name}"
        if settings.calibration.nominal and not before.nominal:
            said += f", without {before.words()}: load the optics again if they hold"
        self._presenter.note(said)

    def load_optics(self) -> None:
        """Fill the optics in from a file that ``calibrate-optics`` wrote."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Load calibrated optics", "", "Optics (*.yaml *.yml)"
        )
        if name:
            self.use_optics(Path(name))

    def use_optics(self, path: Path) -> None:
        """Fill the optics in from a file, or say what is wrong with it."""
        try:
            optics = read_optics(path)
        except InputError as error:
            self._window.status.show_problem(str(error), details=False)
        else:
            self.take_optics(optics, path.name)

    def take_optics(self, optics: Optics, name: str) -> None:
        """Fill calibrated optics in, and say what they took the place of."""
        before = self._window.form.settings()
        after = with_calibrated(before, optics)
        self._window.form.set_settings(after)
        said = f"optics of {name}"
        if others := replaced_by(before, after):
            said += f", in place of {others}"
        if keeps_wavelengths(before):
            said += "; wavelengths by channel stay"
        self._presenter.note(said)

    def save_settings(self) -> None:
        """Write the form as an experiment."""
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save settings", "scan.yaml", "Experiments (*.yaml)"
        )
        if not name:
            return
        settings = self._presenter.settings()
        try:
            write_settings(Path(name), settings)
        except (InputError, OSError) as error:
            self._window.status.show_problem(str(error), details=False)
        else:
            other = settings.calibration.misfit(settings.na, settings.immersion_index)
            but = f"; its z scale was calibrated at {other}" if other else ""
            self._presenter.note(f"saved {name}{but}")

    def choose_run(self) -> None:
        """Ask for the folder of a run, and show it."""
        chosen = QFileDialog.getExistingDirectory(self._window, "Folder of a run")
        if chosen:
            self._presenter.open_run(Path(chosen))

    def open_folder(self) -> None:
        """Show the files of the run."""
        folder = self._presenter.shown.folder
        if folder is not None:
            url = QUrl.fromLocalFile(str(folder))
            if not QDesktopServices.openUrl(url):
                self._presenter.note(f"the files are in {folder}")

    def open_in_napari(self) -> None:
        """Open the volume that is shown in napari, a program of its own."""
        shown = self._presenter.shown
        if shown.folder is not None and shown.key is not None and has_napari():
            open_in_napari(shown.folder, shown.key)
            self._presenter.note("napari is starting")

    def show_3d(self) -> None:
        """Open the volume in 3D."""
        if not has_opengl():
            said = "the 3D view needs OpenGL, which this screen does not offer"
            self._presenter.note(said)
            return
        self._presenter.shown.open_3d()

    def show_details(self, traceback: str, log_file: Path | None) -> None:
        """Show the traceback of what went wrong."""
        box = QMessageBox(self._window)
        box.setWindowTitle("What went wrong")
        box.setText(self._window.status.detail.text())
        if log_file is not None:
            box.setInformativeText(f"The log file is {log_file}")
        box.setDetailedText(traceback)
        box.open()

    def show_about(self) -> None:
        """Say what the program is."""
        AboutDialog(self._window).open()

    def show_manual(self) -> None:
        """Show the manual."""
        ManualDialog(self._window).open()

    def show_keys(self) -> None:
        """List the keys of all actions."""
        rows = "".join(
            f"<tr><td><b>{action.shortcut().toString()}</b>&nbsp;&nbsp;</td>"
            f"<td>{action.text()}</td></tr>"
            for action in self._window.actions()
            if not action.shortcut().isEmpty()
        )
        box = QMessageBox(self._window)
        box.setWindowTitle("Keys")
        box.setText(f"<table>{rows}</table>")
        box.open()
