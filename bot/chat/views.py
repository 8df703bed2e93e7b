"""What a person is shown, as values: text, picture, buttons, choices, forms.

A platform's adapter draws them in its platform's way and within its limits. Nothing here is markup: what
people and models wrote stays plain text to the end.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from PIL import Image

from bot.chat.presses import Press


class Style(StrEnum):
    """How a piece of text is set."""

    PLAIN = "plain"
    BOLD = "bold"
    ITALIC = "italic"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one style."""

    text: str
    style: Style = Style.PLAIN


Text = tuple[Span, ...]


def plain(text: str) -> Text:
    """Text without any style."""
    return (Span(text),) if text else ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to show.

    Attributes:
        source: A PNG file, or an image that is only for looking at: a preview, a grid, the version tree.
        name: Of the file, without its ending.
        alt: What can be seen, for those who cannot.
        is_spoiler: Whether it is hidden until somebody asks to see it.
        if_smaller: Said beside it where the platform could not take the file as it is.
    """

    source: Path | Image.Image
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
    """A button; `label` begins with its sign where it has one."""

    label: str
    press: Press
    style: ButtonStyle = ButtonStyle.NORMAL


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
    """

    text: Text = ()
    picture: Picture | None = None
    rows: tuple[tuple[Button, ...], ...] = ()
    choices: tuple[Choice, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    is_quiet: bool = False

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
        options: For a choice: at most 25.
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
        view: A message.
        form: To be filled in.
        is_private: Whether only that person sees the view, where the platform can do that.
        replaces: Whether the view takes the place of the panel that was pressed.
        removes: Whether the panel that was pressed goes away.
    """

    toast: str = ""
    view: View | None = None
    form: Form | None = None
    is_private: bool = True
    replaces: bool = False
    removes: bool = False


NOTHING = Answer()


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was sent: the fields' texts by their names."""

    values: dict[str, str] = field(default_factory=dict[str, str])
