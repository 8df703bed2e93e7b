"""Pictures that are there already: gone back to, kept as favourites, painted again."""

from dataclasses import replace

from bot.chat.presses import Action, Press
from tests.bot.chat.stage import ChatStage

ANN, DEN = ChatStage.ANN, ChatStage.DEN


async def gone_to(talking, revision_id: str) -> str:
    """What stands with a picture that was chosen to go on from."""
    await talking.talk.press(ANN.says(ChatStage.ROOM), Press(Action.GO), [revision_id])
    return talking.platform.messages()[-1].text


async def test_the_newest_picture_is_no_earlier_one(talking):
    """Only what others came after is shown as an earlier picture."""
    first = await talking.revision(await talking.asked(prompt="a fox"))
    newest = await talking.revision(await talking.asked(prompt="a bear"))
    assert (await gone_to(talking, first.id)).startswith("Earlier picture: “a fox”\n")
    assert (await gone_to(talking, newest.id)).startswith("“a bear”\n")


async def test_favourites_are_called_as_in_the_history(talking):
    """Also one that nobody said words for, whose origin is no favourite."""
    first = await talking.asked(prompt="a fox")
    again = await talking.painted(await talking.painted(first, Action.AGAIN), Action.AGAIN)
    await talking.pressed(again, Action.FAVOURITE)
    (kept,) = (await talking.talk.favourites(ANN.says(DEN))).view.choices[0].options
    assert kept.label == "1. a fox · again"


async def test_a_picture_of_a_batch_is_varied(talking):
    """V below one of several pictures paints its neighbours, and says so."""
    batch = await talking.asked(count=3, seed=100)
    varied = await talking.painted(batch, batch.press(Action.VARY, "2"))
    assert varied.text.startswith("Ann: Variations of “a pond”\n")


async def test_favourites_are_looked_up_once_each(talking, monkeypatch):
    """However often a picture was painted again, its words are found in one look."""
    shown = await talking.asked(prompt="a fox")
    for _ in range(3):
        shown = await talking.painted(shown, Action.AGAIN)
    await talking.pressed(shown, Action.FAVOURITE)
    lone_reads = []
    read = talking.store.revision

    async def noted(revision_id):
        lone_reads.append(revision_id)
        return await read(revision_id)

    monkeypatch.setattr(talking.store, "revision", noted)
    (kept,) = (await talking.talk.favourites(ANN.says(DEN))).view.choices[0].options
    assert kept.label == "1. a fox · again"
    assert lone_reads == []


async def test_a_batch_is_painted_again_as_a_batch(talking):
    """🎲 below several pictures paints as many others, or as many as one may have by now."""
    batch = await talking.asked(count=3, seed=100)
    again = await talking.settings(await talking.painted(batch, Action.AGAIN))
    assert again.count == 3
    assert again.seed != 100
    assert talking.platform.messages()[-1].text.startswith("Ann: “a pond”, painted again\n")
    studio = talking.stage.studio
    studio.limits = replace(studio.limits, count=2)
    assert (await talking.settings(await talking.painted(batch, Action.AGAIN))).count == 2
