"""How things look in chats: what stands in the text, which buttons there are, and that they fit."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from PIL import Image

from bot.chat import looks
from bot.chat.platform import ChatGone, NotPermitted, SlowDown, TooLarge, Unsure
from bot.chat.presses import Action, Press, decode
from bot.chat.views import Style, View
from bot.progress import Progress
from bot.replies import LANGUAGES, words
from canvas import Canvas, Change, ChangeKind, GlobalDescription, LocalDescription, Repair
from engine.errors import QueueFull
from engine.events import Done, Stepped
from engine.forecast import Forecast
from engine.orders import Compose, to_turn
from storage.records import (
    ConversationKey,
    OpenTurn,
    PersonKey,
    Place,
    Revision,
    StoredImage,
    Turn,
    TurnStage,
    TurnStatus,
)
from storage.scene import Scene, SceneSettings

ENGLISH, CHINESE = words("en"), words("zh")
ROOM = ConversationKey("chat", "room")
ANN, BEN = PersonKey("chat", "ann"), PersonKey("chat", "ben")
SMALL = SceneSettings(width_px=256, height_px=320, seed=7)
BLANK = Image.new("RGB", (4, 5))
POND = Canvas(
    GlobalDescription("A pond in spring."),
    (LocalDescription("A frog."), LocalDescription("A heron.")),
    (Repair(3, "location", "lefft", "left"),),
)


def revision(count: int = 1, prompt: str = "a pond", **shape: int) -> Revision:
    size = {"width_px": 256, "height_px": 320, **shape}
    images = tuple(
        StoredImage(f"image{index}", "abcdefghij", index, 7 + index, file_key="0" * 64, **size)
        for index in range(count)
    )
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return Revision("abcdefghij", ROOM, "turn", None, Scene(POND, SMALL), prompt, made, images)


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
    return looks.result(Done(turn(**changed), made, changes), BLANK, ENGLISH, is_spoiler=False)


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
    change = Change(ChangeKind.ADDED, "added: a duck", None, (0, 9, 0, 9))
    text = result(revision(), (change,)).plain_text
    assert "Shall I add a duck?" in text
    assert "• added: a duck" in text
    assert "Storyboard · 256 × 320 · seed 7" in text
    assert "1 repair in the code" in text
    assert "asked for" not in text


def test_many_changes_are_counted():
    """A long list ends with how many more there are."""
    change = Change(ChangeKind.ADDED, "added: a duck", None, (0, 9, 0, 9))
    text = result(revision(), (change,) * 11).plain_text
    assert text.count("added: a duck") == looks.MAX_CHANGES
    assert "… and 3 more" in text


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
    assert looks.result(done, BLANK, ENGLISH, is_spoiler=True).picture.is_spoiler
    assert looks.preview(BLANK, ENGLISH, is_spoiler=True).is_spoiler
    assert looks.picture_beside(made, made.images[0], "x.png", ENGLISH, is_spoiler=True).is_spoiler


# --- on the way, and otherwise ended ------------------------------------------------------------------


def test_progress_says_how_far_it_is_of_what():
    """The step, the person's words, and a way to call it off."""
    shown = Progress(ENGLISH)
    shown.note(Stepped(3, 25, 0))
    view = looks.progress(shown, "a pond")
    assert view.plain_text == "Painting 3/25\n\na pond"
    assert view.rows[0][0].press == Press(Action.CANCEL)
    assert view.is_quiet


def test_long_words_are_quoted_short():
    """A prompt of two thousand characters does not fill the message."""
    view = looks.progress(Progress(ENGLISH), "pond " * 400)
    assert len(view.plain_text) < 400
    assert view.plain_text.endswith("…")


@pytest.mark.parametrize(("revision_id", "subject"), [("abcdefghij", "abcdefghij"), (None, "")])
def test_what_failed_can_be_tried_again(revision_id, subject):
    """The scene is painted where there is one; else the same is asked for again."""
    for view in (
        looks.failed(QueueFull(60), turn(revision_id=revision_id), ENGLISH),
        looks.cancelled(turn(revision_id=revision_id), ENGLISH),
    ):
        assert view.rows[0][0].press == Press(Action.AGAIN, subject)
        assert "a pond" in view.plain_text
        assert view.picture is None


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


# --- panels -------------------------------------------------------------------------------------------


def waiting(number: int, person: PersonKey, position: int, wait_s: int | None = 60) -> Forecast:
    return Forecast(
        OpenTurn(f"t{number}", person, Place(number, number), TurnStage.WAITING, 0.0, 2), position, wait_s
    )


def test_the_queue_tells_places_and_times_and_which_is_yours():
    """One's own requests stand out among the others."""
    view = looks.queue([waiting(1, BEN, 0), waiting(2, ANN, 1), waiting(3, BEN, 2, None)], ANN, ENGLISH)
    lines = view.plain_text.split("\n")
    assert lines[1:] == [
        "being painted · 2 pictures · about 60 seconds",
        "1. · 2 pictures · about 60 seconds · yours",
        "2. · 2 pictures",
    ]
    own = [span.text for span in view.text if span.style is Style.BOLD]
    assert own[1:] == [lines[2]]


def test_an_empty_queue_says_so():
    """No list, but an invitation."""
    assert looks.queue([], ANN, ENGLISH).plain_text.startswith("Nobody is waiting")


def test_a_long_queue_is_counted():
    """Five hundred who wait do not make five hundred lines."""
    view = looks.queue([waiting(number, BEN, number) for number in range(1, 501)], ANN, ENGLISH)
    assert len(view.plain_text.split("\n")) == looks.MAX_QUEUED + 2
    assert view.plain_text.endswith("… and 480 more")


def test_a_plan_has_code_layout_and_repairs():
    """The code is a file with the revision's name, and every original can be had."""
    view = looks.plan(revision(2), BLANK, ENGLISH)
    assert view.attachments[0].name == "omost-abcdefghij.py"
    assert view.attachments[0].content.startswith(b"class Canvas") or b"canvas" in view.attachments[0].content
    assert "line 3: location “lefft” became “left”" in view.plain_text
    assert [button.press.number() for button in view.rows[0]] == [0, 1]
    assert {button.press.action for button in view.rows[0]} == {Action.ORIGINAL}


def test_the_history_offers_the_newest_with_their_numbers():
    """What can be chosen carries the number that stands in the picture; the newest comes first."""
    line = [replace(revision(), id=f"revision{number:02}", prompt=f"step {number}") for number in range(40)]
    view = looks.history(line, "revision38", BLANK, ENGLISH, first_number=5, is_spoiler=False)
    options = view.choices[0].options
    assert len(options) == looks.MAX_OPTIONS
    assert options[0].label == "44. step 39"
    assert [option.value for option in options if option.is_chosen] == ["revision38"]
    assert view.choices[0].press.action is Action.GO


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
    made = revision(4, prompt)
    views = [
        looks.result(Done(turn(prompt), made, ()), BLANK, spoken, is_spoiler=False),
        looks.failed(QueueFull(60), turn(prompt), spoken),
        looks.cancelled(turn(prompt), spoken),
        looks.not_kept(made, spoken),
        looks.history([made], "", BLANK, spoken, first_number=1, is_spoiler=False),
        looks.favourites([made], spoken),
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
