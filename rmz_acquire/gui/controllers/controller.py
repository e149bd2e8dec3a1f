"""What all controllers have in common: signals, and words for what goes wrong.

A controller works on threads of its own and knows no widget. It emits its signals on
the thread on which something happens; the window connects them queued, so that its own
thread hears of everything in the order in which it happened.
"""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from rmz_acquire.errors import InputError, message_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Controller"]

logger = logging.getLogger(__name__)


class Controller(QObject):
    """Has no parent: whoever may still emit on another thread keeps it alive."""

    #: Something went wrong: one line that says what to do, and the traceback.
    problem = pyqtSignal(str, str)

    def guarded(self, work: Callable[[], None], wrong: str = "") -> None:
        """Do something on a helper thread; what goes wrong is said, behind words."""
        try:
            work()
        except InputError as error:
            self.problem.emit(f"{wrong}{error}", "")
        except Exception as error:
            logger.exception("%s raised", type(self).__name__)
            self.problem.emit(f"{wrong}{message_of(error)}", traceback.format_exc())
