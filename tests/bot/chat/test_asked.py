"""What a message says that it is about: the words that a picture goes back to, however far."""

import pytest

from bot.captions import Making
from bot.chat.asked import Asked, asked_for, earlier
from canvas import Canvas, GlobalDescription
from engine.orders import Adopt, Compose, Order, Repaint, to_turn
from storage.records import ConversationKey, PersonKey, Place, Revision
from storage.scene import Scene, SceneSettings
from storage.store import Store

ROOM = ConversationKey("chat", "room")
ANN = PersonKey("chat", "ann")
SETTINGS = SceneSettings()
POND = Canvas(GlobalDescription("A pond in spring."))

MANY = 60


async def made(store: Store, order: Order, parent_id: str | None = None) -> Revision:
    turn, _ = await store.begin_turn(to_turn(order), lambda standing: Place(standing.served, 1))
    return await store.add_revision(turn.id, parent_id, Scene(POND, SETTINGS))


async def painted_again(store: Store, first: Revision, times: int) -> Revision:
    newest = first
    for number in range(times):
        order = Repaint(f"again-{number}", ROOM, ANN, newest.id, SETTINGS)
        newest = await made(store, order, newest.id)
    return newest


@pytest.mark.parametrize("times", [1, 2, MANY])
async def test_a_picture_goes_back_to_its_words(store: Store, times: int):
    """However often it was painted again, it is called by the words that were said last before."""
    first = await made(store, Compose("first", ROOM, ANN, "a pond", SETTINGS))
    said = await made(store, Compose("second", ROOM, ANN, "with a frog", SETTINGS, first.id), first.id)
    newest = await painted_again(store, said, times)
    turn = await store.turn(newest.turn_id)
    assert await asked_for(store, turn) == Asked("with a frog", Making.AGAIN)
    assert (await earlier(store, newest)).title == "with a frog"


async def test_a_forms_words_are_no_quotation(store: Store):
    """What a form did is told as it is, also where the picture is shown once more; words are quoted."""
    said = await made(store, Compose("said", ROOM, ANN, "a pond", SETTINGS))
    assert (await earlier(store, said)).is_quoted
    formed = await made(store, Adopt("form", ROOM, ANN, POND, SETTINGS, said.id, "Opened: x"), said.id)
    assert await earlier(store, formed) == Asked("Opened: x", is_quoted=False)
    again = await painted_again(store, formed, 1)
    assert await earlier(store, again) == Asked("Opened: x", is_quoted=False)


async def test_a_picture_without_words_is_called_by_what_it_shows(store: Store):
    """A scene that came without words lends its own sentence."""
    adopted = await made(store, Adopt("adopted", ROOM, ANN, POND, SETTINGS))
    newest = await painted_again(store, adopted, 2)
    assert (await earlier(store, newest)).title == "A pond in spring."


async def test_a_picture_whose_parent_is_gone_is_called_by_what_it_shows(store: Store):
    """What was forgotten is looked for in vain, and that is no error."""
    other = PersonKey("chat", "ben")
    first = await made(store, Compose("first", ROOM, other, "a secret", SETTINGS))
    newest = await painted_again(store, first, 2)
    for person in (other, ANN):
        await store.forget(person)
        assert (await earlier(store, newest)).title == "A pond in spring."
