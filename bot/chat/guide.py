"""What newcomers and operators are told: what can be done here, and how it goes."""

from collections.abc import Mapping, Sequence

from bot.chat.views import Span, Style, Text, View, paragraphs, plain
from bot.replies import Words
from storage.records import Durations, OpenTurn, TurnStage
from storage.room import Room


def help_text(words: Words, *, has_typed_options: bool = False) -> View:
    """What can be done, in the order in which newcomers need it; and how options are typed, if they are."""
    parts = [
        _section(
            words.text("Begin and change"),
            words.text("Say what you want to see: /omost Happy Children's Day"),
            words.text("Reply to a picture to change it: “make the clown a magician”"),
            words.text("Send a picture that was made here, or Canvas code, as a file: I go on from it"),
        ),
        _section(
            words.text("Under each picture"),
            words.text("🎲 paints it again, ⬆️ larger; ↩️ goes back"),
            words.text("✏️ asks what to change, 🧩 edits one region"),
            words.text("📜 shows the plan and has the original, ⭐ keeps it as a favourite"),
            words.text("Under several: U1 enlarges the first, V1 paints variations of it"),
        ),
        _section(
            words.text("Commands"),
            words.text("/history – all pictures so far; /undo – one back; /render – the newest again"),
            words.text("/favourites – what you kept"),
            words.text("/queue – who waits; /cancel – calls yours off"),
            words.text("/settings – size, steps, language"),
            words.text("/forget – removes everything of yours"),
        ),
    ]
    if has_typed_options:
        parts.append(
            _section(
                words.text("Options stand before the words"),
                words.text("/omost 16:9 x4 seed:7 steps:30 a fox in the snow"),
                words.text("/settings here – for the whole chat"),
            )
        )
    return View(paragraphs(parts), is_quiet=True)


def hello(words: Words) -> View:
    """What somebody is told who begins, and a chat that the bot has come to."""
    example = Span(words.text("/omost a fox in the snow under the moon"), Style.CODE)
    return View(
        paragraphs(
            (
                (
                    Span(
                        words.text("I paint pictures from your words and change them as you say."), Style.BOLD
                    ),
                ),
                (Span(words.text("Try it: ")), example),
                plain(words.text("Reply to a picture to change it. /help says more.")),
            )
        ),
        is_quiet=True,
    )


def thanks(words: Words) -> View:
    """What somebody is answered who is pleased."""
    return View(plain(words.text("You're welcome! Reply to a picture to change it.")), is_quiet=True)


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


def stats(
    open_turns: Sequence[OpenTurn],
    durations: Durations,
    failures: Mapping[str, int],
    room: Room,
    words: Words,
) -> View:
    """How much is open, what a request takes, how often which error came today, and the room on the disk."""
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
    failed = ", ".join(f"{name} × {count}" for name, count in sorted(failures.items()))
    used, free = _size(room.used_bytes), _size(room.free_bytes)
    lines += [
        words.text("Failed today: {errors}", errors=failed) if failed else words.text("Nothing failed today"),
        words.text("The data takes {used}, {free} are free", used=used, free=free),
    ]
    heading = (Span(words.text("How it goes"), Style.BOLD),)
    return View((*heading, *_listed(lines)), is_quiet=True)


def _size(count_bytes: int) -> str:
    """In the unit that makes it readable."""
    return f"{count_bytes / 1e9:.1f} GB" if count_bytes >= 1e9 else f"{count_bytes / 1e6:.1f} MB"


def _section(heading: str, *lines: str) -> Text:
    return (Span(heading, Style.BOLD), *_listed(lines))


def _listed(lines: Sequence[str]) -> Text:
    return tuple(Span(f"\n• {line}") for line in lines)
