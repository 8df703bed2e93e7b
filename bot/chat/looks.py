"""How a turn looks in a chat from its beginning to its end, as views; and what is said where something fails.

Every word is from `bot.replies`. This module asks nobody and sends nothing; `bot.chat.messages` and
`bot.chat.talk` decide what is shown when. Lists and plans are `bot.chat.overviews`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from PIL import Image

from bot.captions import picture_alt, picture_caption, picture_kind, picture_name
from bot.chat import buttons
from bot.chat.asked import Asked
from bot.chat.platform import NotPermitted, PlatformError, SlowDown, TooLarge, TooLate, TooOften
from bot.chat.presses import Action
from bot.chat.text_units import first_part, units
from bot.chat.views import ButtonStyle, Picture, Span, Style, Text, View, paragraphs, plain
from bot.progress import Progress
from bot.replies import Words
from canvas import Change
from engine.errors import Blocked, LoraDoesNotFit, NotUnderstood, SceneTooLong
from engine.events import Done
from engine.orders import from_turn
from storage.records import PersonKey, Revision, StoredImage, Turn

NOTES_UNITS: Final = 150
"""So much of a caption is left for what may follow: that the picture is smaller, how one is changed."""
MAX_CHANGES: Final = 3
"""So many changes are told under a picture; of the others, how many they are."""
YES: Final = "yes"
"""The argument of the press that has everything of a person removed."""

_LEAST_REMARK_UNITS: Final = 40
"""A remark of which less could be shown is left out."""
_THE_SAME_AGAIN: Final = (NotUnderstood, Blocked, LoraDoesNotFit, SceneTooLong)
"""Whoever asks for the same once more is refused for the same reason."""


def sentence(text: str) -> View:
    """Nothing but words."""
    return View(plain(text), is_quiet=True)


# --- a turn, from its beginning to its end ------------------------------------------------------------


def progress(shown: Progress, asked: Asked, turn_id: str, picture: Picture | None = None) -> View:
    """A turn that runs: of what words, what is being done, how far it is, and a way to call it off."""
    text = paragraphs((asked.line(shown.words), plain(shown.sentence)))
    return View(text, picture, ((buttons.to_cancel(turn_id, shown.words),),), is_quiet=True)


def preview(image: Image.Image, words: Words, *, is_spoiler: bool) -> Picture:
    """An unfinished picture."""
    return Picture(image, "preview", words.text("Preview of the unfinished picture"), is_spoiler)


def result(
    done: Done, source: Path | bytes, asked: Asked, words: Words, *, max_units: int, is_spoiler: bool
) -> View:
    """What a turn ended in: the picture, or the `source` of a batch's grid, its words and its buttons.

    Notes that may follow included, the words have `max_units` at most, as a `Platform` counts captions.
    """
    revision = done.revision
    is_batch = len(revision.images) > 1
    name = f"omost-{revision.id}" if is_batch else picture_name(revision, revision.images[0])
    smaller = words.text("The picture was too large to be shown here as it is: 📜 leads to the original.")
    picture = Picture(source, name, picture_alt(revision, words), is_spoiler, smaller)
    text = _told(done, asked, words, max_units - NOTES_UNITS)
    return View(text, picture, buttons.under_result(revision, words))


def picture_beside(
    revision: Revision, image: StoredImage, source: Path, words: Words, *, is_spoiler: bool
) -> Picture:
    """One picture of a batch, as it is sent beside the grid."""
    alt = f"{image.index + 1}. {picture_alt(revision, words)}"
    return Picture(source, picture_name(revision, image), alt, is_spoiler)


def failed(error: BaseException, turn: Turn, asked: Asked, words: Words) -> View:
    """A turn that came to nothing; where that may be otherwise the next time, it can be tried again."""
    if isinstance(error, NotUnderstood):  # its sentence quotes the words
        asked = replace(asked, title="")
    rows = () if isinstance(error, _THE_SAME_AGAIN) else buttons.to_try_again(turn, words)
    return View(paragraphs((asked.line(words), plain(words.error(error)))), rows=rows)


def cancelled(turn: Turn, asked: Asked, words: Words) -> View:
    """A turn that was called off."""
    text = paragraphs((asked.line(words), plain(words.text("Cancelled."))))
    return View(text, rows=buttons.to_try_again(turn, words))


def not_kept(revision: Revision, asked: Asked, words: Words) -> View:
    """A turn whose pictures have been removed meanwhile; its scene can be painted again."""
    text = plain(words.text("This picture is no longer kept."))
    return View(
        paragraphs((asked.line(words), text)), rows=((buttons.signed(Action.AGAIN, words, revision.id),),)
    )


def with_hint(view: View, words: Words) -> View:
    """The same with how a picture is changed, for somebody who may not know."""
    hint = (Span(words.text("Reply to a picture to change it."), Style.ITALIC),)
    return replace(view, text=paragraphs((view.text, hint)))


def without_picture(view: View, error: PlatformError, words: Words) -> View:
    """The same where a picture cannot be sent, with the reason."""
    return View(paragraphs((plain(trouble(error, words)), view.text)), rows=view.rows)


# --- otherwise ----------------------------------------------------------------------------------------


def forget_question(person: PersonKey, words: Words) -> View:
    """Asks before everything of a person is removed."""
    question = words.text("Remove all your requests and pictures for good? What runs is cancelled.")
    whose, remove = person.platform_id, words.text("Remove everything")
    yes = buttons.named(remove, Action.FORGET, whose, YES, style=ButtonStyle.DANGER)
    no = buttons.named(words.text("Keep"), Action.FORGET, whose, "no")
    return View(plain(question), rows=((yes, no),), is_quiet=True)


def trouble(error: PlatformError, words: Words) -> str:
    """Why something could not be shown in a chat."""
    match error:
        case NotPermitted(missing=missing):
            return words.text(
                "I lack a permission here: {missing}. Whoever looks after this chat can give it to me.",
                missing=words.named(missing),
            )
        case TooLarge():
            return words.text("The picture is too large to be shown here. Ask for a smaller one.")
        case TooLate(wait_s=wait_s):
            return words.text(
                "Here I can answer for a few minutes only, and this would take about {duration}. Ask me in a "
                "direct message, or where I am a member.",
                duration=words.duration(wait_s),
            )
        case TooOften(after_s=after_s):
            return words.text(
                "That was a lot at once. Try again in {duration}.", duration=words.duration(after_s)
            )
        case SlowDown(after_s=after_s):
            return words.text(
                "Too much is going on here. Try again in {duration}.", duration=words.duration(after_s)
            )
        case _:
            return words.text("This could not be shown here. Try again in a moment.")


# --- parts --------------------------------------------------------------------------------------------


def _told(done: Done, asked: Asked, words: Words, max_units: int) -> Text:
    """What is said with a result: the composer's words, the changes, what was mended, what differs.

    Where that is too much, the composer's words are cut: they matter least.
    """
    first, changes, about = asked.line(words), _changes(done.changes, words), _about(done, words)
    others = paragraphs((first, changes, about))
    room = max_units - sum(units(span.text) for span in others) - len("\n\n")
    return paragraphs((first, plain(_cut(done.turn.remark, room)), changes, about))


def _cut(text: str, max_units: int) -> str:
    """As much of the text as there is room for; nothing where that would tell nothing."""
    if units(text) <= max(0, max_units):
        return text
    if max_units < _LEAST_REMARK_UNITS:
        return ""
    return first_part(text, max_units - len("…")).rstrip() + "…"


def _changes(changes: Sequence[Change], words: Words) -> Text:
    told = [f"• {words.change(change)}" for change in changes[:MAX_CHANGES]]
    if len(changes) > MAX_CHANGES:
        told.append(words.text("… and {number} more", number=len(changes) - MAX_CHANGES))
    return plain("\n".join(told))


def _about(done: Done, words: Words) -> Text:
    """The picture's kind, size and seed, and what a person should know of how it came about."""
    revision, repairs = done.revision, done.revision.scene.canvas.repairs
    said = [_caption(revision, words)]
    if repairs:
        said.append(words.count("{number} repair in the code", "{number} repairs in the code", len(repairs)))
    if done.turn.economy > 0:
        said.append(words.text("Memory was short: this was painted more thriftily, which took longer."))
    if note := _size_note(done.turn, revision, words):
        said.append(note)
    return (Span("\n".join(said), Style.ITALIC),)


def _caption(revision: Revision, words: Words) -> str:
    if len(revision.images) == 1:
        return picture_caption(revision, revision.images[0], words)
    kind = picture_kind(revision.scene.settings, words)
    pictures = words.count("{number} picture", "{number} pictures", len(revision.images))
    return f"{kind} · {pictures}"


def _size_note(turn: Turn, revision: Revision, words: Words) -> str:
    """That the renderer paints another size than was asked for, where it does."""
    image = revision.images[0]
    return words.other_size(from_turn(turn).settings, image.width_px, image.height_px)
