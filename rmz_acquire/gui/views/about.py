"""What the program is, and its manual, each in a dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QByteArray, Qt, QUrl
from PyQt6.QtGui import QIcon, QImage, QTextDocument
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QTextBrowser,
    QVBoxLayout,
)

from rmz_acquire.gui.icons import window_icon
from rmz_acquire.gui.models import product

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

__all__ = ["AboutDialog", "ManualDialog"]

_ICON_PX = 72
_PICTURE_PX = 840


class AboutDialog(QDialog):
    """Version, licences, and where the manual is."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About rmz-acquire")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        picture = QLabel()
        picture.setPixmap(QIcon(window_icon()).pixmap(_ICON_PX))
        picture.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words = QLabel(_words())
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self.words.setWordWrap(True)
        self.words.setMinimumWidth(430)
        flag = Qt.TextInteractionFlag
        self.words.setTextInteractionFlags(
            flag.TextSelectableByMouse | flag.LinksAccessibleByMouse
        )
        self.words.linkActivated.connect(lambda _: ManualDialog(self).open())
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(picture)
        row.addWidget(self.words, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.addLayout(row)
        column.addWidget(buttons)


class _Browser(QTextBrowser):
    """Shows pictures no wider than the text."""

    def loadResource(self, kind: int, name: QUrl) -> Any:
        """Give a picture, or what else a text refers to."""
        loaded = super().loadResource(kind, name)
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return loaded
        image = QImage()
        if not isinstance(loaded, (bytes, QByteArray)) or not image.loadFromData(
            loaded
        ):
            return loaded
        if image.width() <= _PICTURE_PX:
            return image
        smooth = Qt.TransformationMode.SmoothTransformation
        return image.scaledToWidth(_PICTURE_PX, smooth)


class ManualDialog(QDialog):
    """The README, with its pictures where it lies in a checkout."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Manual")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(900, 640)
        self.text = _Browser()
        self.text.setOpenExternalLinks(True)
        file = product.manual_file()
        if file is not None:
            # relative pictures and links count from there
            self.text.setSearchPaths([str(file.parent)])
            document = self.text.document()
            assert document is not None
            document.setBaseUrl(QUrl.fromLocalFile(f"{file.parent}/"))
        self.text.setMarkdown(product.manual_text())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.text)


def _words() -> str:
    file = product.manual_file()
    where = "came with the program" if file is None else str(file)
    rows = "".join(
        f"<tr><td>{name} {version}&nbsp;&nbsp;&nbsp;</td><td>{licence}</td></tr>"
        for name, version, licence in product.parts()
    )
    return (
        f"<h2>rmz-acquire {product.version()}</h2>"
        "<p>Adaptive z-scans on Micro-Manager: a few planes become the stack, and the "
        "scan stops by itself.</p>"
        f"<p>Licence: {product.LICENCE}. The method is, as reported publicly, the "
        "subject of US patent 11,915,360: check before any commercial use.</p>"
        f'<p>Manual: <a href="manual">{where}</a>. Keys: F1.</p>'
        f"<p>With</p><table>{rows}</table>"
        "<p>Icons: Material Design Icons (Apache-2.0), Bootstrap Icons (MIT).</p>"
    )
