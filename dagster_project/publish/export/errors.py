"""The one error of the exports."""


class ExportError(Exception):
    """What cannot be exported, why, and what to do; one or two sentences for people."""
