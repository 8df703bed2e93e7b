"""Lengths of texts in UTF-16 units, as chat programs count them: never fewer than characters."""


def units(text: str) -> int:
    """How long the text is."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def first_part(text: str, max_units: int) -> str:
    """The beginning of the text, of so many units at most and without half a character."""
    return text.encode("utf-16-le", "surrogatepass")[: 2 * max_units].decode("utf-16-le", "ignore")
