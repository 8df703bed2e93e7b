"""What is pressed once and told twice, as after a sudden end; and what is pressed too often."""

from bot.chat.presses import Action, Press
from tests.bot.chat.stage import ChatStage
from tests.bot.chat.talking import PANEL, Talking, words_of

ANN, BEN, ROOM = ChatStage.ANN, ChatStage.BEN, ChatStage.ROOM


async def told_twice(talking, shown, press):
    """The same press comes again, to the next process."""
    said = ANN.presses(shown)
    await talking.talk.press(said, press)
    await talking.stage.restart()
    later = Talking(talking.stage)
    return later, await later.talk.press(said, press)


async def test_stars_and_locks_stay_as_they_were_pressed(talking):
    """The same press again does not take back what it did; another press does."""
    shown = await talking.asked()
    revision = await talking.revision(shown)
    talking, answer = await told_twice(talking, shown, shown.press(Action.FAVOURITE))
    assert "⭐" in answer.toast
    assert await talking.store.is_favourite(ANN.key, revision.id)
    lock = Press(Action.LOCK_REGION, revision.id, ("0",))
    talking, answer = await told_twice(talking, PANEL, lock)
    assert answer.toast.startswith("Locked")
    changed = await talking.asked(reply_to=shown)
    assert (await talking.settings(changed)).locked == "A frog on a leaf."
    await talking.pressed(shown, Action.FAVOURITE)
    assert not await talking.store.is_favourite(ANN.key, revision.id)


async def test_pictures_are_shown_again_once(talking):
    """Going back, going on and sending an original post one message each, whatever comes again."""
    first = await talking.asked(prompt="one")
    second = await talking.painted(first, Action.AGAIN)
    revision_id = (await talking.revision(first)).id
    posted = talking.platform.counted("post")
    talking, _ = await told_twice(talking, second, second.press(Action.UNDO))
    assert talking.platform.counted("post") == posted + 1
    await talking.pressed(second, Press(Action.GO, (await talking.revision(second)).id))
    assert talking.platform.counted("post") == posted + 2
    talking, _ = await told_twice(talking, second, Press(Action.GO, revision_id))
    assert talking.platform.counted("post") == posted + 3
    talking, _ = await told_twice(talking, second, Press(Action.ORIGINAL, revision_id, ("0",)))
    assert len(talking.platform.files()) == 1


async def test_nobody_fills_a_chat_with_pictures_that_cost_nothing(talking):
    """After ten in a minute a person is asked to wait; others need not, and later they need not either."""
    shown = await talking.asked()
    press = Press(Action.ORIGINAL, (await talking.revision(shown)).id, ("0",))
    for _ in range(10):
        await talking.pressed(shown, press)
    _, answer = await talking.pressed(shown, press)
    assert "a lot at once" in words_of(answer)
    head = await talking.store.head(ROOM.conversation)
    _, answer = await talking.pressed(shown, Press(Action.GO, press.subject))
    assert "a lot at once" in words_of(answer)
    assert await talking.store.head(ROOM.conversation) == head
    await talking.pressed(shown, press, BEN)
    assert len(talking.platform.files()) == 11
    await talking.stage.time.sleep(60)
    await talking.pressed(shown, press)
    assert len(talking.platform.files()) == 12
