"""One error type for a panel that cannot be estimated; its text says what is wrong and where."""


class PanelInputError(ValueError):
    """The data, the weights or the request do not allow the estimate; the message names the city, year or column."""
