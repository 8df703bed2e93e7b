"""How things look in chats: what stands in the text, which buttons there are, and that they fit."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from bot.captions import Making, titles
from bot.chat import buttons, guide, looks, overviews
from bot.chat.asked import Asked
from bot.chat.platform import ChatGone, NotPermitted, SlowDown, TooLarge, Unsure
from bot.chat.presses import Action, Press, decode
from bot.chat.text_units import units
from bot.chat.views import View
from bot.progress import Progress
from bot.replies import LANGUAGES, Words, words
from canvas import Change, ChangeKind, Line, Sentence
from engine.errors import NotUnderstood, QueueFull
from engine.events import Done, Stepped
from engine.orders import Compose, to_turn
from storage.records import (
    Place,
    Revision,
    Turn,
    TurnStage,
    TurnStatus,
)
from tests.bot.chat.scenes import ANN, BLANK, CHINESE, ENGLISH, ROOM, SMALL, revision

IMAGE = Path("picture.png")
ASKED = Asked("a pond")
CAPTION_UNITS = 1024
DUCK = Change(ChangeKind.ADDED, Line(Sentence.ADDED, {"thing": "a duck"}), None, (0, 9, 0, 9))


def turn(prompt: str = "a pond", revision_id: str | None = "abcdefghij", **changed: object) -> Turn:
    new = to_turn(Compose("turn", ROOM, ANN, prompt, SMALL))
    made = Turn(
        **{name: getattr(new, name) for name in ("id", "conversation", "person", "prompt", "parent_id")},
        request=new.request,
        pictures=1,
        place=Place(1, 2),
        status=TurnStatus.DONE,
        stage=TurnStage.PAINTING,
        attempts=1,
        economy=0,
        revision_id=revision_id,
        remark="Shall I add a duck?",
        error="",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return replace(made, **changed)


def result(made: Revision, changes: tuple[Change, ...] = (), **changed: object) -> View:
    return shown(Done(turn(**changed), made, changes))


def shown(done: Done, asked: Asked = ASKED, spoken: Words = ENGLISH, max_units: int = CAPTION_UNITS) -> View:
    return looks.result(done, IMAGE, asked, spoken, max_units=max_units, is_spoiler=False)


def labels(view: View) -> list[list[str]]:
    return [[button.label for button in row] for row in view.rows]


# --- results ------------------------------------------------------------------------------------------


def test_a_result_has_its_buttons_in_their_order():
    """Every button is there, says the revision, and comes back as it was sent."""
    view = result(revision())
    assert labels(view) == [["🎲", "🧩", "↩️", "⬆️"], ["📜", "⭐", "✏️"]]
    for row in view.rows:
        for button in row:
            assert decode(button.press.encode()) == button.press
            assert button.press.subject == "abcdefghij"


def test_a_result_says_what_a_person_wants_to_know():
    """The remark, the changes, the kind of picture with its size and seed, and that something was mended."""
    text = result(revision(), (DUCK,)).plain_text
    assert text.startswith("“a pond”\n\nShall I add a duck?")
    assert "• a duck was added" in text
    assert "Storyboard · 256 × 320 · seed 7" in text
    assert "1 repair in the code" in text
    assert "asked for" not in text


def test_many_changes_are_counted():
    """A long list ends with how many more there are."""
    text = result(revision(), (DUCK,) * 7).plain_text
    assert text.count("a duck was added") == looks.MAX_CHANGES == 3
    assert "… and 4 more" in text


def test_changes_are_told_in_the_language():
    """Who speaks Chinese reads no English line."""
    view = shown(Done(turn(), revision(), (DUCK,)), spoken=CHINESE)
    assert "• 新增了“duck”" in view.plain_text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sign_has_short_words(language):
    """Where a platform has room, buttons say what they do, each something else, and in few letters."""
    captions = [button.caption for row in buttons.under_result(revision(), words(language)) for button in row]
    assert len(set(captions)) == len(captions) == 7
    assert all(0 < len(caption) <= 12 for caption in captions)


def test_another_size_than_was_asked_for_is_said():
    """Nobody has to measure the picture to see that it is not what they asked for."""
    assert "not 256 × 320" in result(revision(width_px=320)).plain_text


def test_the_rounded_sides_of_an_enlarged_picture_are_not_worth_a_word():
    """Half as large again is not to the pixel, and nobody asked for pixels."""
    asked = replace(SMALL, renderer="sdxl", high_resolution=1.5)
    request = to_turn(Compose("turn", ROOM, ANN, "a pond", asked)).request
    text = result(revision(width_px=384, height_px=448), request=request).plain_text
    assert "384 × 448" in text
    assert "384 × 480" not in text


def test_memory_that_was_short_is_said():
    """Who waited longer hears why."""
    assert "Memory was short" in result(revision(), economy=1).plain_text


def test_a_batch_has_buttons_for_each_picture():
    """U and V with the pictures' own numbers, also where one is not there any more."""
    made = revision(4)
    made = replace(made, images=(made.images[0], *made.images[2:]))
    view = result(made)
    assert labels(view)[2:] == [["U1", "U3", "U4"], ["V1", "V3", "V4"]]
    assert [button.press.number() for button in view.rows[2]] == [0, 2, 3]
    assert {button.press.action for button in view.rows[2]} == {Action.ENLARGE}
    assert {button.press.action for button in view.rows[3]} == {Action.VARY}


def test_a_hidden_picture_is_hidden_everywhere():
    """Preview, result and album hide what is marked."""
    made = revision(2)
    done = Done(turn(), made, ())
    view = looks.result(done, IMAGE, ASKED, ENGLISH, max_units=CAPTION_UNITS, is_spoiler=True)
    assert view.picture.is_spoiler
    assert looks.preview(BLANK, ENGLISH, is_spoiler=True).is_spoiler
    assert looks.picture_beside(made, made.images[0], "x.png", ENGLISH, is_spoiler=True).is_spoiler


# --- on the way, and otherwise ended ------------------------------------------------------------------


def test_progress_says_how_far_it_is_of_what():
    """The step, the person's words, and a way to call it off."""
    shown = Progress(ENGLISH)
    shown.note(Stepped(3, 25, 0))
    view = looks.progress(shown, ASKED, "chat:room:7")
    assert view.plain_text == "“a pond”\n\nPainting 3/25"
    assert view.rows[0][0].press == Press(Action.CANCEL, "chat", ("room", "7"))
    assert view.rows[0][0].caption == "Cancel"
    assert view.is_quiet


def test_long_words_are_quoted_short():
    """A prompt of two thousand characters does not fill the message."""
    view = looks.progress(Progress(ENGLISH), Asked("pond " * 400), "turn")
    assert len(view.plain_text) < 250
    assert "…”" in view.plain_text


@pytest.mark.parametrize(
    ("asked", "english", "chinese"),
    [
        (Asked("a pond"), "“a pond”", "“a pond”"),
        (Asked("a pond", asker="Ann"), "Ann: “a pond”", "Ann: “a pond”"),
        (Asked("Region added: A duck", is_quoted=False), "Region added: A duck", "Region added: A duck"),
        (Asked("a pond", Making.AGAIN), "“a pond”, painted again", "“a pond”，重画一次"),
        (Asked("a pond", Making.LARGER), "Larger version of “a pond”", "“a pond”的放大版"),
        (
            Asked("a pond", Making.VARIED, "Ann"),
            "Ann: Variations of “a pond”",
            "Ann: “a pond”的变体",
        ),
        (Asked("a pond", is_earlier=True), "Earlier picture: “a pond”", "之前的图片：“a pond”"),
    ],
)
def test_the_first_line_says_whose_words_became_what(asked, english, chinese):
    """Who sees the message in a notification knows what it is about."""
    assert "".join(span.text for span in asked.line(ENGLISH)) == english
    assert "".join(span.text for span in asked.line(CHINESE)) == chinese
    assert result(revision()).plain_text.startswith("“a pond”\n")


@pytest.mark.parametrize(("revision_id", "subject"), [("abcdefghij", "abcdefghij"), (None, "")])
def test_what_failed_can_be_tried_again(revision_id, subject):
    """The scene is painted where there is one; else the same is asked for again."""
    for view in (
        looks.failed(QueueFull(60), turn(revision_id=revision_id), ASKED, ENGLISH),
        looks.cancelled(turn(revision_id=revision_id), ASKED, ENGLISH),
    ):
        assert view.rows[0][0].press == Press(Action.AGAIN, subject)
        assert "a pond" in view.plain_text
        assert view.picture is None


def test_what_was_not_understood_is_quoted_once():
    """The same words would fail again, so nothing offers to try them."""
    view = looks.failed(NotUnderstood("qwxz"), turn("qwxz", None), Asked("qwxz"), ENGLISH)
    assert view.plain_text.count("qwxz") == 1
    assert view.rows == ()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotPermitted("send-pictures"), "to send pictures"),
        (TooLarge(), "too large"),
        (SlowDown(60.0), "60 seconds"),
        (Unsure(), "could not be shown"),
        (ChatGone(), "could not be shown"),
    ],
)
def test_every_trouble_of_a_platform_has_words(error, said):
    """Nobody is left without a sentence, in any language."""
    assert said in looks.trouble(error, ENGLISH)
    assert looks.trouble(error, CHINESE) != looks.trouble(error, ENGLISH)


def test_a_result_without_its_picture_keeps_words_and_buttons():
    """The reason comes first; all that can be done with the scene can still be done."""
    view = result(revision())
    bare = looks.without_picture(view, TooLarge(), ENGLISH)
    assert bare.picture is None
    assert bare.rows == view.rows
    assert bare.plain_text.startswith("The picture is too large")
    assert "Shall I add a duck?" in bare.plain_text


def test_a_long_remark_loses_its_end_and_nothing_else_is_lost():
    """However much the composer says, what changed and how the picture was painted is told in a caption."""
    cut, short = (result(revision(), (DUCK,), remark=said).plain_text for said in ("word " * 400, "word"))
    after = short.partition("word")[2]
    assert cut.endswith(f"…{after}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("max_units", [CAPTION_UNITS, 1800])
@pytest.mark.parametrize("remark", ["word " * 800, "🦆" * 1000, "长" * 2000])
def test_a_caption_is_used_and_kept_to_with_all_that_may_follow(language, max_units, remark):
    """A remark has a platform's room but for the notes: that the picture is smaller, how one is changed."""
    spoken = words(language)
    view = shown(Done(turn(remark=remark), revision(), (DUCK,)), spoken=spoken, max_units=max_units)
    noted = looks.with_hint(view, spoken)
    length = units(noted.plain_text) + units(f"\n\n{noted.picture.if_smaller}")
    assert max_units - looks.NOTES_UNITS < length <= max_units


@pytest.mark.parametrize("remark", ["", "word " * 400])
def test_where_no_room_is_left_a_remark_leaves_no_stump(remark):
    """Neither a lone sign that something is missing nor half a sentence's first word stands there."""
    for asked in (Asked("a pond"), Asked("pond " * 100, asker="Ann")):
        done = Done(turn(remark=remark), revision(), (DUCK,))
        others = units(shown(replace(done, turn=turn(remark="")), asked).plain_text)
        for room in (-100, 0, 2, 20, 40):
            told = shown(done, asked, max_units=others + looks.NOTES_UNITS + room).plain_text
            assert units(told) == others, room


# --- otherwise ----------------------------------------------------------------------------------------


def test_only_the_person_is_asked_about_their_own():
    """The answer to the question names whom it is about."""
    view = looks.forget_question(ANN, ENGLISH)
    assert [button.press for button in view.rows[0]] == [
        Press(Action.FORGET, "ann", ("yes",)),
        Press(Action.FORGET, "ann", ("no",)),
    ]


@pytest.mark.parametrize(("language", "prompt"), list(product(LANGUAGES, ["", "a pond", "长" * 2000])))
def test_everything_fits_into_a_message(language, prompt):
    """Captions, labels and options keep what the strictest platform allows, whatever people wrote."""
    spoken = words(language)
    made, asked = revision(4, prompt), Asked(prompt, asker="Ann" * 30)
    views = [
        shown(Done(turn(prompt, remark=prompt), made, (DUCK,) * 9), asked, spoken),
        looks.failed(QueueFull(60), turn(prompt), asked, spoken),
        looks.cancelled(turn(prompt), asked, spoken),
        looks.not_kept(made, asked, spoken),
        overviews.history([made], "", BLANK, spoken, first_number=1, is_spoiler=False),
        overviews.favourites([made], titles([made], spoken), BLANK, spoken, is_spoiler=False),
        guide.hello(spoken),
        guide.thanks(spoken),
        looks.forget_question(ANN, spoken),
    ]
    for view in views:
        assert 0 < len(view.plain_text) <= 1024
        for row in view.rows:
            assert len(row) <= 5
            assert all(0 < len(button.label) <= 80 for button in row)
            assert all(decode(button.press.encode()) == button.press for button in row)
        for choice in view.choices:
            assert len(choice.options) <= 25
            assert all(0 < len(option.label) <= 100 for option in choice.options)
