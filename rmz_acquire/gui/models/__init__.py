"""What the window is about, without Qt: settings of a scan, runs on disk."""
