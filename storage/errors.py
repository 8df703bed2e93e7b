"""What can go wrong with what is remembered.

    StorageError
    ├── NotFound         no such row or file
    ├── NotAScene        a file holds no scene
    └── StorageFailed    the database or the disk refused; the operator acts
        └── DatabaseAway the database does not answer; it works again when it does

The exceptions carry data, never sentences for people: those stand in `bot.replies`.
"""


class StorageError(Exception):
    """Anything that storage reports to a person."""


class NotFound(StorageError):
    """Nothing is stored under that id.

    Attributes:
        what: `turn`, `revision`, `image`, or `file`.
        id: What was asked for.
    """

    def __init__(self, what: str, id: str) -> None:  # noqa: A002 - the word that every caller uses
        super().__init__(f"no {what} {id!r}")
        self.what = what
        self.id = id


class NotAScene(StorageError):
    """A file from which no scene can be read.

    Attributes:
        reason: One of the keys that `bot.replies` has words for: `not-an-image` (neither a picture nor
            text), `no-scene-inside` (a picture or text without a scene), `damaged` (a scene that cannot be
            read, a file that is cut off), `too-large`, `newer-version`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StorageFailed(StorageError):
    """The database or the disk refused to work; what is wrong stands in the log.

    Attributes:
        detail: In the words of the database or the operating system.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class DatabaseAway(StorageFailed):
    """The database does not answer, or broke the connection off; trying again later can help."""
