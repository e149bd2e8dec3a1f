"""What the window shows: PyQt6, pyqtgraph, pymmcore-widgets."""
