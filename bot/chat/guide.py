"""What newcomers and operators are told: what can be done here, and how it goes."""

from collections.abc import Sequence

from bot.chat.views import Span, Style, Text, View
from bot.replies import Words
from storage.records import Durations, OpenTurn, TurnStage


def help_text(words: Words, *, has_typed_options: bool = False) -> View:
    """What can be done, in the order in which newcomers need it; and how options are typed, if they are."""
    lines = (
        words.text("Say what you want to see: /omost Happy Children's Day"),
        words.text("Reply to a picture to change it: “make the clown a magician”, “add a lamp on the left”."),
        words.text(
            "Under each picture: 🎲 paint again, 🧩 edit one region, ↩️ go back, ⬆️ enlarge, 📜 see the plan, "
            "⭐ keep as a favourite, ✏️ say what to change."
        ),
        words.text("/render paints the newest picture again, /undo goes back, /history shows all of them."),
        words.text("/queue says who waits, /cancel calls off, /settings is for size, steps and language."),
        words.text("Send me a picture that was made here, or Canvas code, and go on from it."),
        words.text("/favourites shows what you kept, /forget removes everything of yours."),
    )
    if has_typed_options:
        lines += (
            words.text(
                "Options stand before the words: /omost 16:9 x4 seed:7 steps:30 a fox in the snow. "
                "/settings here is for the whole chat."
            ),
        )
    heading = (Span(words.text("I compose pictures from words, and talk about them."), Style.BOLD),)
    return View((*heading, *_listed(lines)), is_quiet=True)


def hello(words: Words) -> View:
    """What a chat is told that the bot has come to."""
    return View(
        (
            Span(words.text("I compose pictures from words, and talk about them."), Style.BOLD),
            Span("\n" + words.text("Say what you want to see: /omost Happy Children's Day")),
            Span("\n" + words.text("Reply to my pictures to change them; /help says more.")),
        ),
        is_quiet=True,
    )


def send_as_file(words: Words) -> View:
    """What to do with a picture that was sent as a photo."""
    text = words.text("A photo loses its scene on the way. Send the picture as a file, and go on from it.")
    return View((Span(text),), is_quiet=True)


def description(words: Words) -> str:
    """What strangers are shown before they begin, in at most 512 characters."""
    return "\n".join(
        (
            words.text("I compose pictures from words, and talk about them."),
            words.text("Say what you want to see: /omost Happy Children's Day"),
            words.text("Reply to my pictures to change them; /help says more."),
        )
    )


def short_description(words: Words) -> str:
    """What stands on the bot's page, in at most 120 characters."""
    return words.text("I compose pictures from words, and talk about them.")


def stats(open_turns: Sequence[OpenTurn], durations: Durations, words: Words) -> View:
    """How much is open, and what a request takes."""
    painted = sum(turn.stage is TurnStage.PAINTING for turn in open_turns)
    people = len({turn.person for turn in open_turns})
    lines = [
        words.count("{number} request is open", "{number} requests are open", len(open_turns)),
        words.count("{number} person waits", "{number} people wait", people),
        words.count("{number} is being painted", "{number} are being painted", painted),
    ]
    if durations.compose_s is not None:
        composing = words.duration(durations.compose_s)
        lines.append(words.text("Composing takes about {duration}", duration=composing))
    if durations.picture_s is not None:
        painting = words.duration(durations.picture_s)
        lines.append(words.text("A picture takes about {duration}", duration=painting))
    heading = (Span(words.text("How it goes"), Style.BOLD),)
    return View((*heading, *_listed(lines)), is_quiet=True)


def _listed(lines: Sequence[str]) -> Text:
    return tuple(Span(f"\n• {line}") for line in lines)
