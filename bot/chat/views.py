"""What a person is shown, as values: text, picture, buttons, choices, forms.

A platform's adapter draws them in its platform's way and within its limits. Nothing here is markup: what
people and models wrote stays plain text to the end.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from PIL import Image

from bot.chat.harmless import harmless
from bot.chat.presses import Press


class Style(StrEnum):
    """How a piece of text is set."""

    PLAIN = "plain"
    BOLD = "bold"
    ITALIC = "italic"
    CODE = "code"
    FOLDED = "folded"
    """Details: a platform that can folds them away until somebody wants to see them."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one style; a text that acts on its surroundings is made harmless."""

    text: str
    style: Style = Style.PLAIN

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", harmless(self.text))


Text = tuple[Span, ...]


def plain(text: str) -> Text:
    """Text without any style."""
    return (Span(text),) if text else ()


def paragraphs(texts: Iterable[Text]) -> Text:
    """Texts with an empty line between them; empty ones leave no gap."""
    return _joined(texts, "\n\n")


def lines(texts: Iterable[Text]) -> Text:
    """Texts below each other; empty ones leave no gap."""
    return _joined(texts, "\n")


def _joined(texts: Iterable[Text], between: str) -> Text:
    joined: list[Span] = []
    for text in texts:
        if text:
            joined += (Span(between), *text) if joined else text
    return tuple(joined)


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Picture:
    """A picture to show.

    Attributes:
        source: A PNG file or its content, or an image that is only for looking at: a preview, the version
            tree.
        name: Of the file, without its ending.
        alt: What can be seen, for those who cannot.
        is_spoiler: Whether it is hidden until somebody asks to see it.
        if_smaller: Said beside it where the platform could not take the file as it is.
    """

    source: Path | bytes | Image.Image
    name: str = "omost"
    alt: str = ""
    is_spoiler: bool = False
    if_smaller: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to take along, sent as it is.

    Attributes:
        is_spoiler: Whether what it shows is hidden until somebody asks to see it.
    """

    name: str
    content: bytes | Path
    is_spoiler: bool = False


class ButtonStyle(StrEnum):
    """How much a button draws the eye, where the platform has more than one kind."""

    NORMAL = "normal"
    MAIN = "main"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Button:
    """A button.

    Attributes:
        label: Its sign alone where everybody knows it by that, else words, perhaps with a sign before them.
        caption: Short words that say what the sign does, for platforms with room for them; perhaps empty.
    """

    label: str
    press: Press
    style: ButtonStyle = ButtonStyle.NORMAL
    caption: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", harmless(self.label))


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a choice.

    Attributes:
        value: Becomes the last argument of the choice's press.
    """

    label: str
    value: str
    hint: str = ""
    is_chosen: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", harmless(self.label))
        object.__setattr__(self, "hint", harmless(self.hint))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several: a select where the platform has it, else buttons below each other."""

    label: str
    press: Press
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A message as it shall look.

    Attributes:
        rows: Buttons, row by row; a platform may break rows that are too wide for it.
        is_quiet: Whether nobody's telephone shall ring for it.
        about: The id of the revision that a reply to it speaks of; empty where there is none.
    """

    text: Text = ()
    picture: Picture | None = None
    rows: tuple[tuple[Button, ...], ...] = ()
    choices: tuple[Choice, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    is_quiet: bool = False
    about: str = ""

    @property
    def plain_text(self) -> str:
        """The text without its styles."""
        return "".join(span.text for span in self.text)


class FieldKind(StrEnum):
    """What a field of a form takes."""

    LINE = "line"
    LINES = "lines"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form.

    Attributes:
        value: What it holds at first.
        options: For a choice: at most 25. For text: what the values that nobody has to type are called.
        max_chars: For text.
    """

    name: str
    label: str
    value: str = ""
    kind: FieldKind = FieldKind.LINE
    options: tuple[Option, ...] = ()
    is_required: bool = False
    max_chars: int = 1000


@dataclass(frozen=True, slots=True)
class Form:
    """Up to five fields: a modal where the platform has it, else a panel that asks for one after the other.

    Attributes:
        press: What is pressed when the form is sent; the values come beside it, by the fields' names.
    """

    title: str
    press: Press
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person who spoke or pressed is answered, beside what the whole chat sees.

    Attributes:
        toast: A short sentence that goes away by itself.
        view: A message; only that person sees it, where the platform can do that.
        form: To be filled in.
        replaces: Whether the view takes the place of the panel that was pressed.
        removes: Whether the panel that was pressed goes away.
        has_begun: Whether the toast says that a request has begun, which its message says to everybody too.
    """

    toast: str = ""
    view: View | None = None
    form: Form | None = None
    replaces: bool = False
    removes: bool = False
    has_begun: bool = False


NOTHING = Answer()


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was sent: the fields' texts by their names."""

    values: dict[str, str] = field(default_factory=dict[str, str])
