"""Commands of a chat: calling off, the queue, settings, and being forgotten."""

import asyncio
from dataclasses import replace

import pytest

from bot.chat.platform import NotPermitted, Unsure
from bot.chat.presses import Action, Press
from bot.chat.views import Answer, Filled
from engine.error_record import to_record
from engine.errors import Unavailable
from storage.records import TurnStatus
from tests.bot.chat.platform import PLATFORM
from tests.bot.chat.stage import ChatStage
from tests.bot.chat.talking import PANEL, button, words_of

ANN, BEN, MO, ROOM, DEN = ChatStage.ANN, ChatStage.BEN, ChatStage.MO, ChatStage.ROOM, ChatStage.DEN


async def test_cancel_is_the_authors_and_the_moderators(talking):
    """❌ of somebody else's request is refused politely; its author's and a moderator's calls it off."""
    talking.stage.renderer.gate = asyncio.Event()
    for person in (ANN, MO):
        said = ANN.says(ROOM)
        await talking.talk.compose(said, "a pond")
        message = talking.platform.messages()[-1]
        _, answer = await talking.pressed(message, Press(Action.CANCEL), BEN)
        assert "只有" in words_of(answer)
        await talking.pressed(message, Press(Action.CANCEL), person)
        await talking.stage.ended(said.key)
        assert (await talking.store.turn(said.key)).status is TurnStatus.CANCELLED
    _, answer = await talking.pressed(message, Press(Action.CANCEL))
    assert "already" in words_of(answer)


async def test_cancel_works_below_a_message_that_is_not_known(talking):
    """❌ calls off the request, also where nobody has said that its message arrived; from no other chat."""
    talking.stage.renderer.gate = asyncio.Event()
    talking.platform.fail("post", Unsure(), has_effect=True)
    said = ANN.says(ROOM)
    await talking.talk.compose(said, "a pond")
    (message,) = talking.platform.messages()
    elsewhere = replace(message, message=replace(message.message, chat=DEN))
    _, answer = await talking.pressed(elsewhere, Action.CANCEL, ANN)
    assert "find" in words_of(answer)
    _, answer = await talking.pressed(message, Action.CANCEL, BEN)
    assert "只有" in words_of(answer)
    _, answer = await talking.pressed(message, Action.CANCEL, ANN)
    assert words_of(answer) == "Cancelled."
    await talking.stage.ended(said.key)
    assert (await talking.store.turn(said.key)).status is TurnStatus.CANCELLED


async def test_cancel_by_command_takes_ones_own(talking):
    """/cancel calls off the person's newest request here, and nobody else's."""
    talking.stage.renderer.gate = asyncio.Event()
    said = ANN.says(ROOM)
    await talking.talk.compose(said, "a pond")
    assert "没有" in words_of(await talking.talk.cancel(BEN.says(ROOM)))
    assert words_of(await talking.talk.cancel(ANN.says(ROOM))) == "Cancelled."
    await talking.stage.ended(said.key)
    assert (await talking.store.turn(said.key)).status is TurnStatus.CANCELLED


async def test_what_waits_behind_ones_own_is_cancelled_at_once(talking):
    """Its message says so while the earlier request is still being painted."""
    talking.stage.renderer.gate = asyncio.Event()
    first, second = ANN.says(ROOM), ANN.says(ROOM)
    await talking.talk.compose(first, "a pond")
    await talking.talk.compose(second, "a lake")
    message = talking.platform.messages()[-1]
    await talking.pressed(message, Press(Action.CANCEL))
    await talking.platform.until(lambda: "Cancelled" in talking.platform.messages()[-1].text)
    assert (await talking.store.turn(first.key)).status is TurnStatus.RUNNING
    talking.stage.renderer.gate.set()
    await talking.stage.ended(second.key)
    assert len(talking.platform.messages()) == 2


async def test_the_queue_and_the_figures(talking):
    """/queue shows one's own place; /stats is for moderators."""
    talking.stage.renderer.gate = asyncio.Event()
    said = ANN.says(ROOM)
    await talking.talk.compose(said, "a pond")
    assert "yours" in words_of(await talking.talk.queue(ANN.says(ROOM)))
    stats = words_of(await talking.talk.stats(MO.says(ROOM)))
    for part in ("1 request is open", "Nothing failed today", "The data takes", "are free"):
        assert part in stats
    assert "Only" in words_of(await talking.talk.stats(ANN.says(ROOM)))
    talking.stage.renderer.gate.set()
    await talking.stage.result(said.key)
    assert "Nobody" in words_of(await talking.talk.queue(ANN.says(ROOM)))


async def test_the_figures_name_the_errors_of_today(talking):
    """/stats counts what failed today by its class."""
    talking.stage.renderer.gate = asyncio.Event()
    said = ANN.says(ROOM)
    await talking.talk.compose(said, "a pond")
    record = to_record(Unavailable("sdxl", "model-failed"))
    await talking.store.finish_turn(said.key, TurnStatus.FAILED, error=record)
    assert "Failed today: Unavailable × 1" in words_of(await talking.talk.stats(MO.says(ROOM)))
    talking.stage.renderer.gate.set()


async def test_settings_of_a_person(talking):
    """The form keeps what is sent, leaves what is not, and `as usual` takes a value back."""
    shown = await talking.asked()
    form = (await talking.talk.settings(ANN.says(ROOM))).form
    assert [field.name for field in form.fields] == ["size", "steps", "guidance", "preset", "language"]
    assert all(option.value for field in form.fields for option in field.options)
    _, answer = await talking.fills(shown, form.press, size="320x256", steps="30", language="zh")
    assert answer.toast == "您的设置已保存。"
    settings = await talking.settings(await talking.asked())
    assert (settings.width_px, settings.height_px, settings.steps) == (320, 256, 30)
    values = {field.name: field.value for field in (await talking.talk.settings(ANN.says(ROOM))).form.fields}
    assert (values["size"], values["steps"], values["language"]) == ("320x256", "30", "zh")
    await talking.fills(shown, form.press, size="-", steps="", language="-")
    assert await talking.store.preferences(ANN.key) == {}
    assert not await talking.store.language(ANN.key)


@pytest.mark.parametrize(
    "wrong", [{"steps": "many"}, {"steps": "151"}, {"guidance": "nan"}, {"size": "9x9"}, {"preset": "x"}]
)
async def test_wrong_settings_are_refused(talking, wrong):
    """What no picture could be painted with is not kept, and neither is what came with it."""
    said = ANN.says(ROOM)
    answer = await talking.talk.fill(said, Press(Action.SETTINGS, "me"), Filled({"language": "zh", **wrong}))
    assert "Allowed" in words_of(answer)
    assert await talking.store.preferences(ANN.key) == {}
    assert await talking.store.language(ANN.key) is None


async def test_settings_of_a_chat_are_its_moderators(talking):
    """Others are refused, the form as what it sends; alone with the bot everybody may."""
    press = Press(Action.SETTINGS, "here")
    refused = "Only"
    assert refused in words_of(await talking.talk.settings(ANN.says(ROOM), "here"))
    assert refused in words_of(await talking.talk.fill(ANN.says(ROOM), press, Filled({"steps": "9"})))
    assert (await talking.talk.settings(ANN.says(DEN), "here")).form
    assert (await talking.talk.settings(MO.says(ROOM), "here")).form
    await talking.talk.fill(MO.says(ROOM), press, Filled({"steps": "9"}))
    assert await talking.store.chat_preferences(PLATFORM, "room") == {"steps": 9}
    assert "Allowed" in words_of(await talking.talk.settings(MO.says(ROOM), "everywhere"))


async def test_forget_asks_first_and_takes_ones_own(talking):
    """Somebody else's press removes nothing; the person's removes all that is theirs, and only that."""
    shown = await talking.asked()
    bens = await talking.asked(BEN)
    question = await talking.talk.forget(ANN.says(ROOM))
    yes, no = button(question.view, Action.FORGET, "yes"), button(question.view, Action.FORGET, "no")
    _, answer = await talking.pressed(shown, yes, MO)
    assert "Only" in words_of(answer)
    _, answer = await talking.pressed(PANEL, no)
    assert answer == Answer(removes=True)
    assert len(await talking.revisions()) == 2
    kept = (await talking.revision(bens)).id
    _, answer = await talking.pressed(PANEL, yes)
    assert words_of(answer) == "Everything of yours has been removed."
    assert [one.id for one in await talking.revisions()] == [kept]
    assert talking.platform.messages() == [bens]


async def test_who_is_forgotten_hears_what_stays(talking):
    """Messages that the platform does not let go of are counted, and nothing else."""
    await talking.asked(count=2)
    talking.platform.fail("remove", NotPermitted("send-messages"), times=2)
    question = await talking.talk.forget(ANN.says(ROOM))
    _, answer = await talking.pressed(PANEL, button(question.view, Action.FORGET, "yes"))
    assert "2 messages of mine stay" in words_of(answer)
    assert (len(talking.platform.messages()), len(talking.platform.album())) == (0, 2)
    assert await talking.revisions() == ()


async def test_who_is_forgotten_leaves_no_work_in_progress_behind(talking):
    """The message of a picture that is being painted goes away with the request; others' stay."""
    talking.stage.renderer.gate = asyncio.Event()
    for person in (ANN, BEN):
        await talking.talk.compose(person.says(ROOM), "a pond")
    anns, bens = talking.platform.messages()
    await talking.platform.until(lambda: "Painting" in anns.text)
    question = await talking.talk.forget(ANN.says(ROOM))
    _, answer = await talking.pressed(PANEL, button(question.view, Action.FORGET, "yes"))
    assert "has been removed" in words_of(answer)
    assert talking.platform.messages() == [bens]
    assert talking.platform.removed == [anns.message]


async def test_who_is_forgotten_while_their_message_is_on_its_way_finds_none(talking):
    """A placeholder that arrives when its request has been removed is taken away again."""
    talking.platform.hold("post")
    asking = asyncio.create_task(talking.talk.compose(ANN.says(ROOM), "a pond"))
    await talking.platform.until(lambda: talking.platform.held("post"))
    question = await talking.talk.forget(ANN.says(DEN))
    await talking.pressed(PANEL, button(question.view, Action.FORGET, "yes"))
    talking.platform.let_go("post")
    await asking
    assert talking.platform.messages() == []
