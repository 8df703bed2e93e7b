"""How lists and plans look in chats."""

from dataclasses import replace

import pytest

from bot.captions import titles
from bot.chat import form_panels, overviews, region_panels
from bot.chat.presses import Action, Press
from bot.chat.views import Style
from bot.region_form import RegionForm
from bot.replies import LANGUAGES, words
from canvas import Canvas, LocalDescription
from engine.forecast import Forecast, forecasts
from storage.records import (
    Durations,
    OpenTurn,
    PersonKey,
    Place,
    Revision,
    TurnStage,
)
from storage.scene import Scene
from tests.bot.chat.scenes import ANN, BEN, BLANK, CHINESE, ENGLISH, POND, SMALL, revision


def waiting(number: int, person: PersonKey, position: int, wait_s: int | None = 60) -> Forecast:
    return Forecast(
        OpenTurn(f"t{number}", person, Place(number, number), TurnStage.WAITING, 0.0, 2), position, wait_s
    )


def test_the_queue_tells_places_and_times_and_which_is_yours():
    """One's own requests stand out among the others."""
    view = overviews.queue([waiting(1, BEN, 0), waiting(2, ANN, 1), waiting(3, BEN, 2, None)], ANN, ENGLISH)
    lines = view.plain_text.split("\n")
    assert lines[1:] == [
        "being painted · 2 pictures · about 60 seconds",
        "1. 2 pictures · about 60 seconds · yours",
        "2. 2 pictures",
    ]
    own = [span.text for span in view.text if span.style is Style.BOLD]
    assert own[1:] == [lines[2]]


def test_an_empty_queue_says_so():
    """No list, but an invitation."""
    assert overviews.queue([], ANN, ENGLISH).plain_text.startswith("Nobody is waiting")


def test_a_long_queue_is_counted():
    """Five hundred who wait do not make five hundred lines."""
    view = overviews.queue([waiting(number, BEN, number) for number in range(1, 501)], ANN, ENGLISH)
    assert len(view.plain_text.split("\n")) == overviews.MAX_QUEUED + 2
    assert view.plain_text.endswith("… and 480 more")


def test_a_plan_has_code_layout_and_repairs():
    """The code is a file with the revision's name, and every original can be had."""
    view = overviews.plan(revision(2), BLANK, ENGLISH)
    assert view.attachments[0].name == "omost-abcdefghij.py"
    assert view.attachments[0].content.startswith(b"class Canvas") or b"canvas" in view.attachments[0].content
    assert (
        "1 · frog – in the center, a medium-sized square area\n2 · heron – in the center" in view.plain_text
    )
    assert "line 3: location “lefft” became “left”" in view.plain_text
    assert [button.press.number() for button in view.rows[0]] == [0, 1]
    assert {button.press.action for button in view.rows[0]} == {Action.ORIGINAL}


def test_the_history_offers_the_newest_with_their_numbers():
    """What can be chosen carries the number that stands in the picture; the newest comes first."""
    line = [replace(revision(), id=f"revision{number:02}", prompt=f"step {number}") for number in range(40)]
    view = overviews.history(line, "revision38", BLANK, ENGLISH, first_number=5, is_spoiler=False)
    options = view.choices[0].options
    assert len(options) == overviews.MAX_OPTIONS
    assert options[0].label == "44. step 39"
    assert [option.value for option in options if option.is_chosen] == ["revision38"]
    assert view.choices[0].press.action is Action.GO


def line_of(*made: tuple[str, dict[str, float]]) -> list[Revision]:
    """Revisions, each made from the one before with other settings; of each the prompt and the settings."""
    return [
        replace(
            revision(prompt=prompt),
            id=f"revision{number:02}",
            parent_id=f"revision{number - 1:02}" if number else None,
            scene=Scene(POND, replace(SMALL, **changed)),
        )
        for number, (prompt, changed) in enumerate(made)
    ]


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        (
            ENGLISH,
            ["1. a fox", "2. a fox · again", "3. a fox · larger", "4. a fox · variations", "5. a bear"],
        ),
        (CHINESE, ["1. a fox", "2. a fox · 重画", "3. a fox · 放大", "4. a fox · 变体", "5. a bear"]),
    ],
)
def test_what_nobody_said_words_for_is_called_after_what_it_was_made_from(spoken, expected):
    """Four pictures of one fox can be told from each other."""
    larger = {"high_resolution": 1.5}
    made = line_of(("a fox", {}), ("", {"seed": 9}), ("", larger), ("", {"count": 4}), ("a bear", {}))
    view = overviews.history(made, "", BLANK, spoken, first_number=1, is_spoiler=False)
    assert [option.label for option in reversed(view.choices[0].options)] == expected


def test_a_batch_that_is_painted_again_is_no_variation():
    """Several of one picture are its variations; as many others of several are these again."""
    made = line_of(
        *(("a fox", {"seed": 10}), ("", {"count": 4, "seed": 11}), ("", {"count": 4, "seed": 500})),
        *(("", {"count": 3, "seed": 700}), ("", {"count": 4, "seed": 703})),
    )
    called = [each.rpartition(" · ")[2] for each in titles(made, ENGLISH).values()]
    assert called == ["a fox", "variations", "again", "again", "variations"]


def test_favourites_have_a_picture_and_numbers():
    """The numbers in the picture stand before the names; without favourites there is a hint."""
    made = [replace(revision(), id=f"revision{number:02}", prompt=f"step {number}") for number in range(3)]
    view = overviews.favourites(made, titles(made, ENGLISH), BLANK, ENGLISH, is_spoiler=True)
    assert [option.label for option in view.choices[0].options] == ["1. step 0", "2. step 1", "3. step 2"]
    assert view.picture.is_spoiler
    assert "⭐" in overviews.favourites([], {}, None, ENGLISH, is_spoiler=False).plain_text


def test_each_waits_its_own_time():
    """Who comes later waits longer, and reads so."""
    turns = [OpenTurn(f"t{n}", BEN, Place(n, n), TurnStage.WAITING, 0.0, 2) for n in range(3)]
    view = overviews.queue(forecasts(turns, Durations(10.0, 30.0)), ANN, ENGLISH)
    waits = [line.rpartition(" · ")[2] for line in view.plain_text.split("\n")[1:]]
    assert waits == ["about 70 seconds", "about 3 minutes", "about 4 minutes"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plan_of_many_regions_is_folded_and_counted(language):
    """What nobody can read at once is folded away; of the largest scenes the rest is counted."""
    many = Canvas(POND.global_description, tuple(LocalDescription(f"A frog {n}.") for n in range(60)))
    view = overviews.plan(replace(revision(), scene=Scene(many, SMALL)), BLANK, words(language))
    (folded,) = [span for span in view.text if span.style is Style.FOLDED]
    assert folded.text.count("\n") == overviews.MAX_REGIONS - 1
    assert "20" in view.text[-1].text


def test_a_colour_is_called_in_the_readers_language_and_typed_in_that_of_the_canvas():
    """The form's panel says how a colour looks; the question has the name that can be sent back."""
    form = region_panels.form(
        Press(Action.REGION, "a", ("0",)), RegionForm.of(POND.local_descriptions[0]), CHINESE
    )
    shown = form_panels.panel(form, {}, CHINESE).plain_text
    assert "浅黄色" in shown
    assert "lightyellow" not in shown
    color = next(field for field in form.fields if field.name == "color")
    assert "lightyellow" in form_panels.question(form, color, {}, CHINESE).plain_text
    assert "teal" in form_panels.panel(form, {"color": "teal"}, CHINESE).plain_text
