"""What can be wrong with Canvas code."""


class CanvasError(Exception):
    """Text that holds no canvas and cannot be mended into one.

    Attributes:
        message: What is wrong and what to do, without the position.
        line: Counted from 1.
        column: Counted from 1.
        suggestion: The nearest valid name, or empty.
    """

    def __init__(self, message: str, *, line: int, column: int, suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.suggestion = suggestion

    def __str__(self) -> str:
        hint = f" Did you mean {self.suggestion!r}?" if self.suggestion else ""
        return f"line {self.line}, column {self.column}: {self.message}{hint}"
