"""Keeping a warehouse alive: locks, what a killed run left, diagnosis, backup. No arithmetic, no SQL about meaning."""
