"""How everything looks that chats are shown, as views: progress, results, the queue, plans, the history.

Every word is from `bot.replies`. This module asks nobody and sends nothing; `bot.chat.messages` and
`bot.chat.talk` decide what is shown when.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from PIL import Image

from bot.captions import (
    code_filename,
    picture_alt,
    picture_caption,
    picture_kind,
    picture_name,
    scene_sentence,
    title,
)
from bot.chat.platform import NotPermitted, PlatformError, SlowDown, TooLarge, TooLate
from bot.chat.presses import Action, Press
from bot.chat.views import (
    Attachment,
    Button,
    ButtonStyle,
    Choice,
    Option,
    Picture,
    Span,
    Style,
    Text,
    View,
    plain,
)
from bot.progress import Progress
from bot.replies import Words
from canvas import Change, Repair, write
from engine.events import Done
from engine.forecast import Forecast
from engine.orders import from_turn
from storage.records import PersonKey, Revision, StoredImage, Turn

MAX_CHANGES: Final = 8
"""So many changes are told under a picture; of the others, how many they are."""
MAX_REPAIRS: Final = 20
MAX_QUEUED: Final = 20
MAX_OPTIONS: Final = 25
"""So many revisions are offered at once: what a platform's select takes."""
MAX_PROMPT_CHARS: Final = 300
MAX_LABEL_CHARS: Final = 80

SIGNS: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.AGAIN: "🎲",
        Action.REGIONS: "🧩",
        Action.UNDO: "↩️",
        Action.ENLARGE: "⬆️",
        Action.PLAN: "📜",
        Action.FAVOURITE: "⭐",
        Action.REFINE: "✏️",
        Action.CANCEL: "❌",
        Action.ORIGINAL: "💾",
    }
)
"""What stands on the buttons: the same in every language."""

_UNDER_A_RESULT: Final = (
    (Action.AGAIN, Action.REGIONS, Action.UNDO, Action.ENLARGE),
    (Action.PLAN, Action.FAVOURITE, Action.REFINE),
)


def button(
    action: Action, subject: str = "", *args: str, label: str = "", style: ButtonStyle = ButtonStyle.NORMAL
) -> Button:
    """A button of an action, with the action's sign unless it is called otherwise."""
    return Button(label or SIGNS[action], Press(action, subject, args), style)


def sentence(text: str) -> View:
    """Nothing but words."""
    return View(plain(text), is_quiet=True)


# --- a turn, from its beginning to its end ------------------------------------------------------------


def progress(shown: Progress, prompt: str, picture: Picture | None = None) -> View:
    """A turn that runs: what is being done, of what words, how far it is, and a way to call it off."""
    text = _paragraphs((plain(shown.sentence), _quoted(prompt)))
    return View(text, picture, ((button(Action.CANCEL),),), is_quiet=True)


def preview(image: Image.Image, words: Words, *, is_spoiler: bool) -> Picture:
    """An unfinished picture."""
    return Picture(image, "preview", words.text("Preview of the unfinished picture"), is_spoiler)


def result(done: Done, source: Path | Image.Image, words: Words, *, is_spoiler: bool) -> View:
    """What a turn ended in: the picture, or the `source` of a batch's grid, its words and its buttons."""
    revision = done.revision
    is_batch = len(revision.images) > 1
    name = f"omost-{revision.id}" if is_batch else picture_name(revision, revision.images[0])
    smaller = words.text("The picture was too large to be shown here as it is: 📜 leads to the original.")
    picture = Picture(source, name, picture_alt(revision, words), is_spoiler, smaller)
    return View(_paragraphs(_notes(done, words)), picture, _result_rows(revision))


def picture_beside(
    revision: Revision, image: StoredImage, source: Path, words: Words, *, is_spoiler: bool
) -> Picture:
    """One picture of a batch, as it is sent beside the grid."""
    alt = f"{image.index + 1}. {picture_alt(revision, words)}"
    return Picture(source, picture_name(revision, image), alt, is_spoiler)


def failed(error: BaseException, turn: Turn, words: Words) -> View:
    """A turn that came to nothing."""
    return View(_paragraphs((plain(words.error(error)), _quoted(turn.prompt))), rows=_retry_rows(turn))


def cancelled(turn: Turn, words: Words) -> View:
    """A turn that was called off."""
    return View(_paragraphs((plain(words.text("Cancelled.")), _quoted(turn.prompt))), rows=_retry_rows(turn))


def not_kept(revision: Revision, words: Words) -> View:
    """A turn whose pictures have been removed meanwhile; its scene can be painted again."""
    text = plain(words.text("This picture is no longer kept."))
    return View(_paragraphs((text, _quoted(title(revision)))), rows=((button(Action.AGAIN, revision.id),),))


def without_picture(view: View, error: PlatformError, words: Words) -> View:
    """The same where a picture cannot be sent, with the reason."""
    return View(_paragraphs((plain(trouble(error, words)), view.text)), rows=view.rows)


# --- panels -------------------------------------------------------------------------------------------


def queue(forecasts: Sequence[Forecast], person: PersonKey, words: Words) -> View:
    """Who waits for what, in order; the person's own requests stand out."""
    if not forecasts:
        return sentence(words.text("Nobody is waiting: the next request is served at once."))
    lines = [_queued(one, words, is_own=one.turn.person == person) for one in forecasts[:MAX_QUEUED]]
    more = len(forecasts) - len(lines)
    if more > 0:
        lines.append(plain(words.text("… and {number} more", number=more)))
    heading = (Span(words.text("The queue"), Style.BOLD),)
    return View(_lines((heading, *lines)), is_quiet=True)


def plan(revision: Revision, layout: Image.Image, words: Words) -> View:
    """The scene behind a picture: its regions' places, what was mended, and the Canvas code as a file."""
    canvas = revision.scene.canvas
    counted = words.count("{number} region", "{number} regions", len(canvas.local_descriptions))
    heading = (Span(title(revision), Style.BOLD),)
    text = _paragraphs((heading, plain(counted), _repairs(canvas.repairs, words)))
    code = Attachment(code_filename(revision), write(canvas).encode())
    alt = words.text("Where the regions of the scene lie")
    originals = tuple(_original(revision, image) for image in revision.images)
    rows = (originals,) if originals else ()
    return View(text, Picture(layout, f"omost-{revision.id}-layout", alt), rows, attachments=(code,))


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
    numbered = list(enumerate(revisions, first_number))[-MAX_OPTIONS:]
    options = tuple(
        _revision_option(revision, f"{number}. ", is_chosen=revision.id == current_id)
        for number, revision in reversed(numbered)
    )
    text = words.text("Choose a picture to go on from. Nothing is ever lost.")
    picture = Picture(tree, "history", words.text("The pictures so far, as a tree"), is_spoiler)
    choice = Choice(words.text("Go on from …"), Press(Action.GO), options)
    return View(plain(text), picture, choices=(choice,), is_quiet=True)


def favourites(revisions: Sequence[Revision], words: Words) -> View:
    """What a person has put aside, newest first, to go on from."""
    if not revisions:
        return sentence(words.text("No favourites yet: ⭐ under a picture puts it here."))
    options = tuple(_revision_option(revision, "") for revision in revisions[:MAX_OPTIONS])
    choice = Choice(words.text("Go on from …"), Press(Action.GO), options)
    return View((Span(words.text("Your favourites"), Style.BOLD),), choices=(choice,), is_quiet=True)


def forget_question(person: PersonKey, words: Words) -> View:
    """Asks before everything of a person is removed."""
    question = words.text("Your requests and your pictures are removed for good; what runs is cancelled.")
    whose, remove = person.platform_id, words.text("Remove everything")
    yes = button(Action.FORGET, whose, "yes", label=remove, style=ButtonStyle.DANGER)
    no = button(Action.FORGET, whose, "no", label=words.text("Keep"))
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
        case SlowDown(after_s=after_s):
            return words.text(
                "Too much is going on here. Try again in {duration}.", duration=words.duration(after_s)
            )
        case _:
            return words.text("This could not be shown here. Try again in a moment.")


# --- parts --------------------------------------------------------------------------------------------


def _result_rows(revision: Revision) -> tuple[tuple[Button, ...], ...]:
    rows = tuple(tuple(button(action, revision.id) for action in row) for row in _UNDER_A_RESULT)
    if len(revision.images) < 2:
        return rows
    return (*rows, _of_each(Action.ENLARGE, "U", revision), _of_each(Action.VARY, "V", revision))


def _of_each(action: Action, letter: str, revision: Revision) -> tuple[Button, ...]:
    """One button for each picture of a batch; the press's argument is the picture's index."""
    return tuple(
        button(action, revision.id, str(image.index), label=f"{letter}{image.index + 1}")
        for image in revision.images
    )


def _retry_rows(turn: Turn) -> tuple[tuple[Button, ...], ...]:
    """Paints the scene, if one was composed; else asks for the same once more."""
    return ((button(Action.AGAIN, turn.revision_id or ""),),)


def _original(revision: Revision, image: StoredImage) -> Button:
    number = f" {image.index + 1}" if len(revision.images) > 1 else ""
    label = f"{SIGNS[Action.ORIGINAL]} PNG{number}"
    return button(Action.ORIGINAL, revision.id, str(image.index), label=label)


def _notes(done: Done, words: Words) -> Iterable[Text]:
    """What is said under a result: the composer's words, the changes, what was mended, what differs."""
    yield plain(done.turn.remark)
    yield _changes(done.changes, words)
    yield _about(done, words)


def _changes(changes: Sequence[Change], words: Words) -> Text:
    lines = [f"• {change.text}" for change in changes[:MAX_CHANGES]]
    if len(changes) > MAX_CHANGES:
        lines.append(words.text("… and {number} more", number=len(changes) - MAX_CHANGES))
    return plain("\n".join(lines))


def _about(done: Done, words: Words) -> Text:
    """The picture's kind, size and seed, and what a person should know of how it came about."""
    revision, repairs = done.revision, done.revision.scene.canvas.repairs
    lines = [_caption(revision, words)]
    if repairs:
        lines.append(words.count("{number} repair in the code", "{number} repairs in the code", len(repairs)))
    if done.turn.economy > 0:
        lines.append(words.text("Memory was short: this was painted more thriftily, which took longer."))
    if note := _size_note(done.turn, revision, words):
        lines.append(note)
    return (Span("\n".join(lines), Style.ITALIC),)


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


def _repairs(repairs: Sequence[Repair], words: Words) -> Text:
    lines = [f"• {words.repair(repair)}" for repair in repairs[:MAX_REPAIRS]]
    if len(repairs) > MAX_REPAIRS:
        lines.append(words.text("… and {number} more", number=len(repairs) - MAX_REPAIRS))
    return plain("\n".join(lines))


def _queued(one: Forecast, words: Words, *, is_own: bool) -> Text:
    pictures = words.count("{number} picture", "{number} pictures", one.turn.pictures)
    place = words.text("being painted") if one.position == 0 else f"{one.position}."
    wait = "" if one.wait_s is None else words.text("about {duration}", duration=words.duration(one.wait_s))
    line = " · ".join(part for part in (place, pictures, wait) if part)
    return (Span(f"{line} · {words.text('yours')}", Style.BOLD),) if is_own else plain(line)


def _revision_option(revision: Revision, prefix: str, *, is_chosen: bool = False) -> Option:
    label = _short(prefix + title(revision))
    hint = scene_sentence(revision) if revision.prompt else ""
    return Option(label, revision.id, _short(hint), is_chosen)


def _quoted(prompt: str) -> Text:
    """What the person said, as a quotation."""
    return (Span(_short(prompt, MAX_PROMPT_CHARS), Style.ITALIC),) if prompt else ()


def _short(text: str, max_chars: int = MAX_LABEL_CHARS) -> str:
    line = " ".join(text.split())
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"


def _paragraphs(texts: Iterable[Text]) -> Text:
    return _joined(texts, "\n\n")


def _lines(texts: Iterable[Text]) -> Text:
    return _joined(texts, "\n")


def _joined(texts: Iterable[Text], between: str) -> Text:
    """Texts one after the other; empty ones leave no gap."""
    joined: list[Span] = []
    for text in texts:
        if text:
            joined += (Span(between), *text) if joined else text
    return tuple(joined)
