"""How lists and plans look in chats: the queue, the scene behind a picture, the history, the favourites.

Every word is from `bot.replies`. This module asks nobody and sends nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from PIL import Image

from bot.captions import code_filename, on_one_line, scene_sentence, title, titles
from bot.chat import buttons
from bot.chat.looks import sentence
from bot.chat.presses import Action, Press
from bot.chat.views import (
    Attachment,
    Choice,
    Option,
    Picture,
    Span,
    Style,
    Text,
    View,
    lines,
    paragraphs,
    plain,
)
from bot.replies import Words
from canvas import Canvas, LocalDescription, Repair, write
from canvas.telling import things
from engine.forecast import Forecast
from storage.records import PersonKey, Revision

MAX_REPAIRS: Final = 20
MAX_REGIONS: Final = 40
MAX_QUEUED: Final = 20
MAX_OPTIONS: Final = 25
"""So many revisions are offered at once: what a platform's select takes."""
MAX_LABEL_CHARS: Final = 80


def queue(forecasts: Sequence[Forecast], person: PersonKey, words: Words) -> View:
    """Who waits for what, in order; the person's own requests stand out."""
    if not forecasts:
        return sentence(words.text("Nobody is waiting: the next request is served at once."))
    told = [_queued(one, words, is_own=one.turn.person == person) for one in forecasts[:MAX_QUEUED]]
    heading = (Span(words.text("The queue"), Style.BOLD),)
    return View(lines((heading, *told, _more(len(forecasts) - len(told), words))), is_quiet=True)


def plan(revision: Revision, layout: Image.Image, words: Words) -> View:
    """The scene behind a picture: its regions' places, what was mended, and the Canvas code as a file."""
    canvas = revision.scene.canvas
    counted = words.count("{number} region", "{number} regions", len(canvas.local_descriptions))
    heading = (Span(title(revision), Style.BOLD), Span(f"\n{counted}"))
    text = paragraphs((heading, _regions(canvas, words), _repairs(canvas.repairs, words)))
    code = Attachment(code_filename(revision), write(canvas).encode())
    alt = words.text("Where the regions of the scene lie")
    originals = tuple(buttons.original(revision, image) for image in revision.images)
    rows = (originals,) if originals else ()
    picture = Picture(layout, f"omost-{revision.id}-layout", alt)
    return View(text, picture, rows, attachments=(code,), about=revision.id)


def history(
    revisions: Sequence[Revision],
    current_id: str,
    tree: Image.Image,
    words: Words,
    *,
    first_number: int,
    is_spoiler: bool,
) -> View:
    """The version tree as a picture, and a choice of where to go on.

    Args:
        revisions: Oldest first; the newest of them can be chosen.
        current_id: Where the conversation stands.
        tree: As `bot.chat.pictures.tree` draws it.
        words: Of the person's language.
        first_number: What the first of them is called, as in the picture.
        is_spoiler: Whether the picture is hidden at first.
    """
    called = titles(revisions, words)
    numbered = list(enumerate(revisions, first_number))[-MAX_OPTIONS:]
    options = tuple(
        _revision_option(revision, number, called, is_chosen=revision.id == current_id)
        for number, revision in reversed(numbered)
    )
    text = words.text("Choose a picture to go on from. Nothing is ever lost.")
    picture = Picture(tree, "history", words.text("The pictures so far, as a tree"), is_spoiler)
    choice = Choice(words.text("Go on from …"), Press(Action.GO), options)
    return View(plain(text), picture, choices=(choice,), is_quiet=True)


def favourites(
    revisions: Sequence[Revision],
    called: Mapping[str, str],
    sheet: Image.Image | None,
    words: Words,
    *,
    is_spoiler: bool,
) -> View:
    """What a person has put aside, newest first, with its pictures on a sheet, to go on from.

    `called` has each one's title by its id.
    """
    if not revisions:
        return sentence(words.text("No favourites yet: ⭐ under a picture puts it here."))
    numbered = enumerate(revisions[:MAX_OPTIONS], 1)
    options = tuple(_revision_option(revision, number, called) for number, revision in numbered)
    choice = Choice(words.text("Go on from …"), Press(Action.GO), options)
    heading = words.text("Your favourites")
    picture = Picture(sheet, "favourites", heading, is_spoiler) if sheet else None
    return View((Span(heading, Style.BOLD),), picture, choices=(choice,), is_quiet=True)


# --- parts --------------------------------------------------------------------------------------------


def _queued(one: Forecast, words: Words, *, is_own: bool) -> Text:
    pictures = words.count("{number} picture", "{number} pictures", one.turn.pictures)
    place = f"{words.text('being painted')} · " if one.position == 0 else f"{one.position}. "
    wait = "" if one.wait_s is None else words.text("about {duration}", duration=words.duration(one.wait_s))
    line = " · ".join(part for part in (place + pictures, wait) if part)
    return (Span(f"{line} · {words.text('yours')}", Style.BOLD),) if is_own else plain(line)


def _regions(canvas: Canvas, words: Words) -> Text:
    """The regions by their numbers in the picture: what they are, where, and how large."""
    locals_ = canvas.local_descriptions
    named = zip(things(locals_), locals_, strict=True)
    told = [
        f"{number} · {thing.name} – {_place(local, words)}" for number, (thing, local) in enumerate(named, 1)
    ]
    listed = "\n".join(told[:MAX_REGIONS])
    folded = (Span(listed, Style.FOLDED),) if listed else ()
    return lines((folded, _more(len(told) - MAX_REGIONS, words)))


def _place(local: LocalDescription, words: Words) -> str:
    return words.text("{one}, {other}", one=words.named(local.location), other=words.named(local.area))


def _repairs(repairs: Sequence[Repair], words: Words) -> Text:
    told = [plain(f"• {words.repair(repair)}") for repair in repairs[:MAX_REPAIRS]]
    return lines((*told, _more(len(repairs) - MAX_REPAIRS, words)))


def _more(number: int, words: Words) -> Text:
    """How many more there are than are listed; nothing for none."""
    return plain(words.text("… and {number} more", number=number)) if number > 0 else ()


def _revision_option(
    revision: Revision, number: int, called: Mapping[str, str], *, is_chosen: bool = False
) -> Option:
    hint = scene_sentence(revision) if revision.prompt else ""
    label = on_one_line(f"{number}. {called[revision.id]}", MAX_LABEL_CHARS)
    return Option(label, revision.id, on_one_line(hint, MAX_LABEL_CHARS), is_chosen)
