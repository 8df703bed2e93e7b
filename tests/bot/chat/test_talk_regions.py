"""The regions of a picture in a chat: changed, added, removed and locked."""

import asyncio
from dataclasses import replace

from bot.chat.presses import Action, Press
from canvas import write
from tests.bot.chat.stage import ChatStage
from tests.bot.chat.talking import PANEL, button, words_of
from tests.engine.conftest import POND

ANN, ROOM = ChatStage.ANN, ChatStage.ROOM


async def test_a_region_is_edited_by_name(talking):
    """🧩 lists the regions by number; the form of one changes it and nothing else, with the same seed."""
    shown = await talking.asked(seed=3)
    _, answer = await talking.pressed(shown, Action.REGIONS)
    (choice,) = answer.view.choices
    assert [option.label for option in choice.options] == ["1 · A frog on a leaf.", "2 · A heron — 苍鹭."]
    _, answer = await talking.pressed(PANEL, choice.press, ANN, "0")
    assert answer.replaces
    _, answer = await talking.pressed(PANEL, button(answer.view, Action.REGION))
    values = {field.name: field.value for field in answer.form.fields}
    assert values["description"] == "A frog on a leaf."
    assert len(answer.form.fields) <= 5
    values |= {"description": "a toad", "color": "scarlet", "location": "on the bottom"}
    said, sent = await talking.fills(PANEL, answer.form.press, **values)
    assert sent.removes
    revision = await talking.revision(await talking.stage.result(said.key))
    toad, heron = revision.scene.canvas.local_descriptions
    assert (toad.description, toad.location, toad.color) == ("a toad", "on the bottom", "red")
    assert heron == POND.local_descriptions[1]
    assert revision.scene.settings.seed == 3


async def test_one_field_of_a_region_can_be_sent_alone(talking):
    """What a form does not bring stays as it was."""
    shown = await talking.asked()
    press = Press(Action.REGION, (await talking.revision(shown)).id, ("1", "edit"))
    said, _ = await talking.fills(shown, press, distance="1,5")
    heron = (await talking.revision(await talking.stage.result(said.key))).scene.canvas.local_descriptions[1]
    assert heron == replace(POND.local_descriptions[1], distance_to_viewer=1.5)
    for wrong in ({"distance": "near"}, {"distance": "-1"}, {"description": "x" * 1001}, {"area": "?!"}):
        _, answer = await talking.fills(shown, press, **wrong)
        assert "Allowed" in words_of(answer)


async def test_a_long_description_from_elsewhere_stays_whole(talking):
    """A form that comes back as it was shown loses nothing; a list of regions is one line for each."""
    long = f"a wall\nof {'brick ' * 400}"
    canvas = replace(POND, local_descriptions=(replace(POND.local_descriptions[0], description=long),))
    said = ANN.says(ROOM)
    await talking.talk.open_file(said, "wall.py", write(canvas).encode())
    shown = await talking.stage.result(said.key)
    _, answer = await talking.pressed(shown, Action.REGIONS)
    assert answer.view.choices[0].options[0].label.startswith("1 · a wall of brick")
    press = Press(Action.REGION, (await talking.revision(shown)).id, ("0", "edit"))
    _, answer = await talking.pressed(PANEL, press)
    description = answer.form.fields[0]
    assert len(description.value) <= description.max_chars
    said, _ = await talking.fills(PANEL, press, description=description.value, color="red")
    (wall,) = (await talking.revision(await talking.stage.result(said.key))).scene.canvas.local_descriptions
    assert wall.description == " ".join(long.split())


async def test_regions_are_added_and_removed(talking):
    """A new region comes behind the others; a removed one is gone."""
    shown = await talking.asked()
    _, panel = await talking.pressed(shown, Action.REGIONS)
    _, answer = await talking.pressed(shown, button(panel.view, Action.ADD_REGION))
    values = {field.name: field.value for field in answer.form.fields}
    said, _ = await talking.fills(shown, answer.form.press, **values | {"description": "a moon"})
    added = await talking.stage.result(said.key)
    canvas = (await talking.revision(added)).scene.canvas
    assert [local.description for local in canvas.local_descriptions][2:] == ["a moon"]
    remove = Press(Action.REMOVE_REGION, (await talking.revision(added)).id, ("0",))
    removed = await talking.painted(added, remove)
    canvas = (await talking.revision(removed)).scene.canvas
    assert [local.description for local in canvas.local_descriptions] == ["A heron — 苍鹭.", "a moon"]


async def test_two_regions_are_locked_at_the_same_moment(talking):
    """Neither of two people who lock a region at once undoes what the other did."""
    shown = await talking.asked()
    revision_id = (await talking.revision(shown)).id
    presses = (Press(Action.LOCK_REGION, revision_id, (index,)) for index in "01")
    await asyncio.gather(*(talking.pressed(PANEL, press) for press in presses))
    changed = await talking.asked(reply_to=shown)
    assert (await talking.settings(changed)).locked == "A frog on a leaf.\nA heron — 苍鹭."


async def test_no_more_is_locked_than_a_change_can_take(talking):
    """Regions with very long descriptions are refused when they are locked, not at every change after it."""
    long = (replace(POND.local_descriptions[0], description=f"{number} {'x' * 1500}") for number in range(2))
    canvas = replace(POND, local_descriptions=tuple(long))
    said = ANN.says(ROOM)
    await talking.talk.open_file(said, "long.py", write(canvas).encode())
    shown = await talking.stage.result(said.key)
    revision_id = (await talking.revision(shown)).id
    first, second = (Press(Action.LOCK_REGION, revision_id, (index,)) for index in "01")
    _, answer = await talking.pressed(PANEL, first)
    assert "Locked" in words_of(answer)
    _, answer = await talking.pressed(PANEL, second)
    assert "Allowed: 0-2000" in words_of(answer)
    await talking.painted(shown, Action.AGAIN)


async def test_a_locked_region_stays_locked(talking):
    """What is locked under a picture goes with every change of it, until it is unlocked."""
    shown = await talking.asked()
    press = Press(Action.LOCK_REGION, (await talking.revision(shown)).id, ("0",))
    _, answer = await talking.pressed(shown, press)
    assert "Locked" in answer.view.plain_text
    changed = await talking.asked(reply_to=shown)
    assert (await talking.settings(changed)).locked == "A frog on a leaf."
    again = await talking.painted(changed, Action.AGAIN)
    assert (await talking.settings(again)).locked == "A frog on a leaf."
    unlock = Press(Action.LOCK_REGION, (await talking.revision(again)).id, ("0",))
    _, answer = await talking.pressed(again, unlock)
    assert "Locked" not in answer.view.plain_text
    assert (await talking.settings(await talking.asked(reply_to=again))).locked == ""
