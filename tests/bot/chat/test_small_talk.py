"""Greetings and thanks ask for nothing, and "undo" for no picture."""

import pytest

from bot.chat.presses import Action, Press
from bot.chat.small_talk import small_talk
from tests.bot.chat.stage import ChatStage
from tests.bot.chat.talking import Talking, words_of

ANN, BEN, ROOM, DEN = ChatStage.ANN, ChatStage.BEN, ChatStage.ROOM, ChatStage.DEN


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hi", "hello"),
        ("Hello!", "hello"),
        ("你好", "hello"),
        ("👋🏽", "hello"),
        ("Thanks!!", "thanks"),
        ("thank you so much :)", "thanks"),
        ("谢谢！", "thanks"),
        ("好的，谢谢", "thanks"),
        ("ok", "thanks"),
        ("👍", "thanks"),
        ("❤️🔥", "thanks"),
        ("nice 👍🏿", "thanks"),
        ("hello kitty", None),
        ("thanks, now make it dusk", None),
        ("好的，再大一点", None),
        ("你好吗的狗", None),
        ("🐸", None),
        ("🐸👍", None),
        ("good 🐶🏖", None),
        ("hi! what can you do?", "hello"),
        ("How do I use it?", "hello"),
        ("怎么用？", "hello"),
        ("怎么用的剪刀", None),
        ("undo!", "undo"),
        ("thanks, but... go back", None),
        ("撤销，谢谢", "undo"),
        ("undo the castle's tower", None),
        ("", None),
        ("...", None),
    ],
)
def test_what_is_a_request_and_what_is_not(text, kind):
    """Only the whole of a message counts, whatever stands around its words."""
    assert small_talk(text) == kind


async def test_thanks_start_nothing(talking: Talking):
    """Said or as a reply to a picture, in each language: it is answered, and nothing is begun."""
    shown = await talking.asked()
    for person, text in ((ANN, "hi"), (ANN, "thanks!"), (BEN, "谢谢"), (BEN, "👍")):
        for reply_to in (None, shown.message):
            answer = await talking.talk.compose(person.says(ROOM, reply_to), text)
            assert words_of(answer), text
    assert len(await talking.store.turns(ROOM.conversation)) == 1


async def test_a_change_is_taken_back_in_words(talking: Talking):
    """As a reply, by /refine or said alone, in each language: the picture before is the one to go on from."""
    first = await talking.asked()
    second = await talking.asked(prompt="add a moon", reply_to=first)
    changed, unchanged = await talking.revision(second), await talking.revision(first)
    for take_back in (
        talking.talk.compose(ANN.says(ROOM, second.message), "undo"),
        talking.talk.compose(ANN.says(ROOM), "撤销"),
        talking.talk.refine(ANN.says(ROOM, second.message), "Go back!"),
    ):
        assert "Now you go on from this picture." in words_of(await take_back)
        assert await talking.store.head(ROOM.conversation) == unchanged
        await talking.pressed(second, Press(Action.GO, changed.id))
        assert await talking.store.head(ROOM.conversation) == changed
    assert len(await talking.revisions()) == 2


async def test_the_form_asks_where_words_are_missing(talking: Talking):
    """/refine alone asks what shall change, and where there is no picture, for the first one."""
    answer = await talking.talk.refine(ANN.says(ROOM), " ")
    assert "/omost" in words_of(answer)
    for ask in (talking.talk.undo, talking.talk.history, talking.talk.regions, talking.talk.render):
        assert "No picture here yet" in words_of(await ask(ANN.says(ROOM)))
    shown = await talking.asked()
    answer = await talking.talk.refine(ANN.says(ROOM), " ")
    assert answer.form.press.subject == (await talking.revision(shown)).id
    assert len(await talking.store.turns(ROOM.conversation)) == 1


async def test_who_begins_anew_is_told_once_how_to_change(talking: Talking):
    """Alone with the bot, the second scene says it, the third and a group's do not."""
    hint = "Reply to a picture to change it."
    texts = [(await talking.asked(chat=DEN)).text for _ in range(3)]
    assert [hint in text for text in texts] == [False, True, False]
    group = [(await talking.asked(BEN, chat=ROOM)).text for _ in range(2)]
    assert not any("回复一张图片就能修改它。" in text for text in group)
