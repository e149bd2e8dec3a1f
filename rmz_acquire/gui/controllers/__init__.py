"""What the window does, told by signals and without widgets: microscope, scans."""
