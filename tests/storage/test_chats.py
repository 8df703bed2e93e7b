"""A chat that gets another id takes along what is its own, on real databases."""

import asyncio

from storage.records import ConversationKey, Post, PostKind


def conversation(chat_id: str) -> ConversationKey:
    return ConversationKey("telegram", chat_id)


def post(chat_id: str, message_id: str, turn_id: str | None = None, kind=PostKind.RESULT) -> Post:
    return Post("telegram", chat_id, message_id, kind, turn_id)


async def test_all_of_a_chat_moves(store, use):
    """Its conversation and those of its threads, running turns, posts and preferences; nothing of others."""
    main = await use.revise("main", conversation=conversation("-5"))
    thread = await use.revise("thread", conversation=conversation("-5/12"))
    other = await use.revise("other", conversation=conversation("-55"))
    elsewhere = await use.revise("elsewhere", conversation=ConversationKey("discord", "-5"))
    await store.add_post(post("-5", "1", "main"))
    await store.add_post(post("-55", "1", "other"))
    await store.set_chat_preferences("telegram", "-5", quiet=True)
    await store.set_chat_preferences("discord", "-5", quiet=False)
    for _ in range(2):
        await store.move_chat("telegram", "-5", "-1005")
    assert (await store.head(conversation("-1005"))).id == main.id
    assert (await store.head(conversation("-1005/12"))).id == thread.id
    assert await store.head(conversation("-5")) is None
    assert (await store.turn("main")).conversation == conversation("-1005")
    assert await store.post_of_turn("main") == post("-1005", "1", "main")
    assert await store.post("telegram", "-5", "1") is None
    assert await store.chat_preferences("telegram", "-1005") == {"quiet": True}
    assert await store.chat_preferences("telegram", "-5") == {}
    assert await store.head(conversation("-55")) == other
    assert await store.post_of_turn("other") == post("-55", "1", "other")
    assert await store.head(ConversationKey("discord", "-5")) == elsewhere
    assert await store.chat_preferences("discord", "-5") == {"quiet": False}


async def test_a_chat_that_is_there_already_takes_the_other_in(store, use):
    """Both histories are one; the new chat's head, its messages and its preferences win."""
    old, new = conversation("-5"), conversation("-1005")
    first = await use.revise("first", conversation=old)
    second = await use.revise("second", conversation=new)
    await store.add_post(post("-5", "1", "first"))
    await store.add_post(post("-5", "2", kind=PostKind.PANEL))
    await store.add_post(post("-1005", "1", "second"))
    await store.set_chat_preferences("telegram", "-5", quiet=True, size="wide")
    await store.set_chat_preferences("telegram", "-1005", quiet=False)
    await store.move_chat("telegram", "-5", "-1005")
    assert [revision.id for revision in await store.history(new)] == [first.id, second.id]
    assert [turn.id for turn in await store.turns(new)] == ["first", "second"]
    assert (await store.head(new)).id == second.id
    assert await store.post_of_turn("second") == post("-1005", "1", "second")
    assert await store.post_of_turn("first") is None
    assert await store.post("telegram", "-1005", "2") == post("-1005", "2", kind=PostKind.PANEL)
    assert await store.chat_preferences("telegram", "-1005") == {"quiet": False, "size": "wide"}
    child = await use.revise("child", first.id, conversation=new)
    assert (await store.lineage(child.id))[0].id == first.id


async def test_a_head_moves_to_a_chat_that_has_none(store, use):
    """A conversation in which nothing was composed yet stands where the old one stood."""
    await use.ask("waiting", conversation=conversation("-1005"))
    first = await use.revise("first", conversation=conversation("-5"))
    await store.move_chat("telegram", "-5", "-1005")
    assert (await store.head(conversation("-1005"))).id == first.id


async def test_moving_to_itself_changes_nothing(store, use):
    """A chat that keeps its id keeps all."""
    first = await use.revise("first", conversation=conversation("-5"))
    await store.add_post(post("-5", "1", "first"))
    await store.set_chat_preferences("telegram", "-5", quiet=True)
    await store.move_chat("telegram", "-5", "-5")
    assert await store.head(conversation("-5")) == first
    assert await store.post_of_turn("first") == post("-5", "1", "first")
    assert await store.chat_preferences("telegram", "-5") == {"quiet": True}


async def test_two_processes_move_a_chat_while_people_ask(store, other_store, use, scene):
    """Whichever is first, what is asked and made meanwhile is in the new chat, and nothing is lost."""
    use_other = type(use)(other_store)
    for number in range(8):
        old, new = f"-{number}", f"-100{number}"
        await use.ask(f"t{number}", conversation=conversation(old))
        await store.add_post(post(old, "1", f"t{number}"))
        _, _, revision, _ = await asyncio.gather(
            store.move_chat("telegram", old, new),
            other_store.move_chat("telegram", old, new),
            other_store.add_revision(f"t{number}", None, scene),
            use_other.ask(f"n{number}", conversation=conversation(new)),
        )
        assert {turn.id for turn in await store.turns(conversation(new))} == {f"t{number}", f"n{number}"}
        assert [one.id for one in await store.history(conversation(new))] == [revision.id]
        assert (await store.head(conversation(new))).id == revision.id
        assert await store.post_of_turn(f"t{number}") == post(new, "1", f"t{number}")


async def test_a_chat_is_known_by_the_ids_that_it_had(store):
    """However often it moves, and nobody else is."""
    for old, new in (("-5", "-105"), ("-105", "-1005"), ("-5", "-105"), ("-7", "-1007")):
        await store.move_chat("telegram", old, new)
    assert await store.former_chat_ids("telegram", "-1005") == ("-5", "-105")
    assert await store.former_chat_ids("telegram", "-1007") == ("-7",)
    assert await store.former_chat_ids("discord", "-1007") == ()
