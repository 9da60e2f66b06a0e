"""Worked questions: found by words, answered from the published file in a sentence with interval and source."""
