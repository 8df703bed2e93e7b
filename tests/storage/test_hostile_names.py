"""Names and words that would be SQL, paths or patterns if they were not values."""

import pytest

from storage.errors import NotFound
from storage.records import ConversationKey, PersonKey, Post, PostKind

HOSTILE = [
    "'; DROP TABLE turns; --",
    '" OR "" = "',
    "%",
    "_",
    "../../etc/passwd",
    "%s %(id)s {id} :id $1 ?",
    "\\'; --",
    "a\u202eb",
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_name_is_a_value(store, use, name):
    """Whoever is called so has their own turns and messages, and nobody else's."""
    person, room = PersonKey("telegram", name), ConversationKey("telegram", f"room {name}")
    await use.ask("of-ada")
    turn = await use.ask(f"turn {name}", person=person, conversation=room, prompt=name)
    assert [each.id for each in await store.turns(room)] == [turn.id]
    assert turn.prompt == name
    post = Post("telegram", name, name, PostKind.PANEL, person=person)
    await store.add_post(post)
    assert await store.post(post.platform, post.chat_id, post.message_id) == post
    assert await store.post("telegram", "1", "1") is None
    assert (await store.turn("of-ada")).id == "of-ada"


@pytest.mark.parametrize("name", HOSTILE)
async def test_nothing_is_found_by_a_name_that_is_a_pattern(store, use, name):
    """Neither a scene nor a picture; and the tables are still there."""
    revision = await use.revise("t1")
    await use.paint(revision)
    with pytest.raises(NotFound):
        await store.revision(name)
    with pytest.raises(NotFound):
        await store.image_path(name)
    assert await store.revision(revision.id) == await store.head(revision.conversation)
