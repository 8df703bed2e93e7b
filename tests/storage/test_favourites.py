"""Scenes that a person finds again, on real databases."""

import asyncio
from dataclasses import replace

import pytest

from storage.errors import NotFound
from storage.records import ConversationKey, PersonKey
from storage.scene import Scene

ADA, BOB = PersonKey("web", "ada"), PersonKey("web", "bob")


@pytest.fixture
def revise(use, store, scene):
    """Composes a scene of a prompt and a global description."""

    async def made(turn_id: str, prompt: str, description: str, **who):
        await use.ask(turn_id, prompt=prompt, **who)
        words = replace(scene.canvas.global_description, description=description)
        canvas = replace(scene.canvas, global_description=words)
        return await store.add_revision(turn_id, None, Scene(canvas, scene.settings))

    return made


async def test_favourites_come_newest_first(store, use):
    """What became a favourite last is first, whoever made it; others' favourites are apart."""
    one = await use.revise("t1")
    two = await use.revise("t2", person=BOB, conversation=ConversationKey("web", "elsewhere"))
    await use.paint(two)
    two = await store.revision(two.id)
    for revision in (two, one):
        await store.set_favourite(ADA, revision.id, is_favourite=True)
    assert await store.favourites(ADA) == (one, two)
    assert await store.favourites(ADA, limit=1) == (one,)
    assert await store.favourites(BOB) == ()
    assert [await store.is_favourite(who, two.id) for who in (ADA, BOB)] == [True, False]


async def test_a_favourite_is_one_once(store, other_store, use):
    """However often and from wherever it is made one at once, a scene is one favourite, until it is none."""
    revision = await use.revise("t1")
    await asyncio.gather(
        *(one.set_favourite(ADA, revision.id, is_favourite=True) for one in [store, other_store] * 3)
    )
    assert await store.favourites(ADA) == (revision,)
    for _ in range(2):
        await store.set_favourite(ADA, revision.id, is_favourite=False)
    assert await store.favourites(ADA) == ()
    assert not await store.is_favourite(ADA, revision.id)
    with pytest.raises(NotFound):
        await store.set_favourite(ADA, "no", is_favourite=True)


async def test_own_scenes_are_found_by_their_words(store, revise):
    """A text is found in prompt or global description, in any case and script; own ones, newest first."""
    harbour = await revise("t1", "A HARBOUR", "Boats lie there. 100% calm_sea")
    lake = await revise("t2", "", "Ein See in der GROSSEN Stille, ДОМ 灯塔")
    await revise("t3", "a harbour, too", "", person=BOB)
    found = {
        "": (lake, harbour),
        "harbour": (harbour,),
        " BOATS ": (harbour,),
        "große": (lake,),
        "дом": (lake,),
        "灯": (lake,),
        "100%": (harbour,),
        "100_": (),
        "calm_": (harbour,),
        "lighthouse": (),  # in a region only
        "\ud800": (),
    }
    for text, scenes in found.items():
        assert await store.own_scenes(ADA, text) == scenes, text
    assert await store.own_scenes(ADA, limit=1) == (lake,)
    assert await store.own_scenes(PersonKey("web", "nobody")) == ()


async def test_who_likes_a_scene_outlives_their_turns(store, use):
    """Who asked nothing here keeps their favourites and preferences when traces are cleared away."""
    revision = await use.revise("t1")
    liker, setter = PersonKey("web", "liker"), PersonKey("web", "setter")
    await store.set_favourite(liker, revision.id, is_favourite=True)
    await store.set_preferences(setter, size="wide")
    await store.remove_conversations(revision.created_at)
    assert await store.favourites(liker) == (revision,)
    assert await store.preferences(setter) == {"size": "wide"}
