"""Checks before a run, diagnosis, retention, rebuilding, withdrawing. No arithmetic, no SQL about meaning."""
