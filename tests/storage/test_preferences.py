"""What people, chats and installations have set, on real databases."""

import asyncio

from storage.records import PersonKey

ANN = PersonKey("telegram", "7")


async def test_a_person_sets_one_thing_after_another(store):
    """Values of every kind are kept beside each other, the last one of a name; None removes one."""
    assert await store.preferences(ANN) == {}
    await store.set_preferences(ANN, size="square", count=4, words={"灯": ["塔", None]}, spoiler=False)
    await store.set_preferences(ANN, size="wide", count=None)
    assert await store.preferences(ANN) == {"size": "wide", "words": {"灯": ["塔", None]}, "spoiler": False}
    assert await store.preferences(PersonKey("discord", "7")) == {}


async def test_language_and_preferences_are_apart(store):
    """Neither changes the other."""
    await store.set_language(ANN, "zh")
    await store.set_preferences(ANN, language="en")
    assert (await store.language(ANN), await store.preferences(ANN)) == ("zh", {"language": "en"})


async def test_a_chat_sets_one_thing_after_another(store):
    """A chat's values are as a person's, and are not those of a person or a chat of the same id."""
    await store.set_chat_preferences("telegram", "7", quiet=True, size="wide")
    await store.set_chat_preferences("telegram", "7", size=None, renderer="sdxl")
    assert await store.chat_preferences("telegram", "7") == {"quiet": True, "renderer": "sdxl"}
    assert await store.chat_preferences("discord", "7") == {}
    assert await store.preferences(ANN) == {}


async def test_values_may_be_called_as_they_like(store):
    """No name of a value stands in the way of whose it is."""
    await store.set_preferences(ANN, person="x", self=1)
    await store.set_chat_preferences("telegram", "7", platform="x", chat_id="y", values=2)
    assert await store.preferences(ANN) == {"person": "x", "self": 1}
    assert await store.chat_preferences("telegram", "7") == {"platform": "x", "chat_id": "y", "values": 2}


async def test_what_is_set_at_once_is_all_kept(store, other_store):
    """Of values that several processes set at the same moment none is lost."""
    stores = [store, other_store] * 4
    await asyncio.gather(
        *(one.set_preferences(ANN, **{f"n{n}": n}) for n, one in enumerate(stores)),
        *(one.set_chat_preferences("telegram", "7", **{f"n{n}": n}) for n, one in enumerate(stores)),
    )
    everything = {f"n{n}": n for n in range(8)}
    assert await store.preferences(ANN) == everything
    assert await store.chat_preferences("telegram", "7") == everything


async def test_a_note_is_what_was_noted_last(store, other_store):
    """A note is there for all processes, under its own key only."""
    assert await store.note("commands") is None
    await store.set_note("commands", "abc")
    await other_store.set_note("commands", "灯塔")
    assert (await store.note("commands"), await store.note("command")) == ("灯塔", None)


async def test_preferences_of_several_chats_are_read_at_once(store):
    """In the order that is asked for; nothing where nothing is set."""
    await store.set_chat_preferences("discord", "guild:1", steps=9, preset="draft")
    await store.set_chat_preferences("discord", "3", steps=12)
    await store.set_chat_preferences("telegram", "2", steps=1)
    found = await store.preferences_of_chats("discord", ("guild:1", "2", "3"))
    assert found == ({"steps": 9, "preset": "draft"}, {}, {"steps": 12})
