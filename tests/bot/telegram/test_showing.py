"""How views become what Telegram takes: texts, keyboards, pictures."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TimedOut

from bot.chat import guide
from bot.chat.platform import (
    ChatGone,
    ChatMoved,
    MessageGone,
    NotPermitted,
    PlatformError,
    SlowDown,
    TooLarge,
    Unsure,
)
from bot.chat.presses import Action, Press
from bot.chat.text_units import units
from bot.chat.views import Button, Choice, Option, Picture, Span, Style, View
from bot.replies import LANGUAGES, words
from bot.telegram.menu import menu
from bot.telegram.refusals import named
from bot.telegram.showing import MAX_TEXT_UNITS, keyboard, paged, upload, written
from tests.bot.telegram.limits import checked_caption, checked_entities, checked_keyboard, checked_photo

SPANS = st.lists(st.builds(Span, st.text(max_size=300), st.sampled_from(Style)), max_size=8).map(tuple)


@given(SPANS, st.integers(1, 1024))
def test_any_text_is_taken(text, max_units):
    """However long it is and whatever is in it, text and entities pass the server's checks."""
    shown = written(text, max_units)
    assert shown.text
    assert units(shown.text) <= max_units
    checked_caption(shown.text)
    checked_entities([entity.to_dict() for entity in shown.entities], shown.text)


def test_a_text_is_cut_between_words():
    """What is left out is marked, and no word is broken where there is a space nearby."""
    shown = written((Span("🎈 " * 30 + "balloons over the fair"),), 80)
    assert shown.text.endswith("…")
    assert shown.text.rstrip("…").split()[-1] in ("🎈", "balloons", "over", "the")


def test_styles_are_entities():
    """Places are counted in UTF-16 units, so that they are right behind balloons too."""
    shown = written((Span("🎈 "), Span("fair", Style.BOLD), Span(" <b>&*_")), 100)
    (bold,) = shown.entities
    assert (bold.type, bold.offset, bold.length) == ("bold", 3, 4)
    assert shown.text == "🎈 fair <b>&*_"


def test_keyboards_stay_within_the_limits():
    """Eight in a row, a hundred in all, so many bytes; the buttons stay, and the first of the options."""
    row = tuple(Button(str(number), Press(Action.VARY, "a" * 10, (str(number),))) for number in range(16))
    options = tuple(Option("一个很长的区域名称" * 10, str(number)) for number in range(25))
    view = View(rows=(row,), choices=(Choice("", Press(Action.REGION, "a" * 10), options),) * 4)
    shown = keyboard(view)
    assert shown
    checked_keyboard([[button.to_dict() for button in each] for each in shown.inline_keyboard])
    rows = [[button.text for button in each] for each in shown.inline_keyboard]
    assert rows[-2:] == [[str(number) for number in range(8)], [str(number) for number in range(8, 16)]]
    assert keyboard(View()) is None


@pytest.mark.parametrize(
    ("size_px", "is_photo"), [((640, 480), True), ((4000, 150), False), ((9000, 2000), False)]
)
def test_pictures_that_telegram_does_not_show_are_files(tmp_path: Path, size_px, is_photo):
    """A shape that no photo may have is sent as a file, as it is."""
    file = tmp_path / "picture.png"
    Image.new("RGB", size_px, "teal").save(file)
    sent = upload(Picture(file, "omost-abc"))
    assert sent.is_photo == is_photo
    assert sent.content == file.read_bytes()
    assert sent.name == "omost-abc.png"
    if is_photo:
        checked_photo(sent.content)


@given(SPANS, st.integers(20, 300))
def test_a_long_text_goes_on_in_other_messages(text, first_units):
    """Each piece fits, and together they are the text: nothing but the space between them is lost."""
    pages = paged(text, first_units)
    assert all(units("".join(span.text for span in page)) <= first_units for page in pages[:1])
    assert all(units("".join(span.text for span in page)) <= MAX_TEXT_UNITS for page in pages)
    joined = "".join("".join(span.text for page in pages for span in page).split())
    assert joined == "".join("".join(span.text for span in text).split())


def test_pages_end_between_paragraphs():
    """A paragraph is broken only if it is longer than a page; styles go on."""
    paragraphs = [f"{number} " + "word " * 40 for number in range(30)]
    pages = paged((Span("Help\n\n", Style.BOLD), Span("\n\n".join(paragraphs))), 1000)
    texts = ["".join(span.text for span in page) for page in pages]
    assert len(pages) == 3
    assert [text.split()[0] for text in texts] == ["Help", "4", "24"]
    assert pages[0][0].style is Style.BOLD


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RetryAfter(7), SlowDown),
        (ChatMigrated(-1), ChatMoved),
        (Forbidden("Forbidden: bot was blocked by the user"), ChatGone),
        (BadRequest("Bad Request: message to edit not found"), MessageGone),
        (BadRequest("Bad Request: chat not found"), ChatGone),
        (BadRequest("Bad Request: not enough rights to send photos to the chat"), NotPermitted),
        (BadRequest("Bad Request: TOPIC_CLOSED"), NotPermitted),
        (BadRequest("Bad Request: PHOTO_INVALID_DIMENSIONS"), TooLarge),
        (NetworkError("Request Entity Too Large"), TooLarge),
        (NetworkError("Bad Gateway"), Unsure),
        (TimedOut(), Unsure),
        (BadRequest("Bad Request: something new"), PlatformError),
    ],
)
def test_refusals_have_shared_names(error, kind):
    """Each of Telegram's errors is one that all platforms share, and what is missing has words."""
    shared = named(error)
    assert type(shared) is kind
    if isinstance(shared, NotPermitted):
        assert words("zh").named(shared.missing) != shared.missing


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_telegram_is_told_of_the_bot_is_short_enough(language):
    """Names of 32, descriptions of 256, and the bot's own of 512 and 120 characters."""
    spoken = words(language)
    told = menu(spoken, for_moderators=True)
    assert len(told) > 10
    assert all(len(name) <= 32 and 0 < len(text) <= 256 for name, text in told.items())
    assert len(guide.description(spoken)) <= 512
    assert len(guide.short_description(spoken)) <= 120
