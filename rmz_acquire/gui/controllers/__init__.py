"""What the window does, without Qt: the microscope, scans, events."""
