"""Panels in a group: whose they are, and where their results go."""

from bot.chat.presses import Action, Press
from bot.chat.views import Filled
from storage.records import PostKind
from tests.bot.chat.platform import PLATFORM, Shown
from tests.bot.chat.stage import ChatStage
from tests.bot.chat.talking import button, words_of

ANN, BEN, MO, ROOM = ChatStage.ANN, ChatStage.BEN, ChatStage.MO, ChatStage.ROOM
REFUSED = "只有"


async def opened(talking, said, view) -> Shown:
    """The panel as an adapter shows it to everybody."""
    message_id = await talking.platform.post(ROOM, view, key=said.key)
    shown = next(one for one in talking.platform.messages() if one.message.message_id == message_id)
    await talking.talk.remember_panel(said, shown.message)
    return shown


async def test_a_panel_is_its_persons_and_the_moderators(talking):
    """Others neither close, change nor fill in a panel; they go on from what it offers, or open one."""
    shown = await talking.asked()
    said, answer = await talking.pressed(shown, Action.REGIONS)
    panel = await opened(talking, said, answer.view)
    revision = await talking.revision(shown)
    lock, edit = (
        Press(Action.LOCK_REGION, revision.id, ("0",)),
        Press(Action.REGION, revision.id, ("0", "edit")),
    )
    for press in (
        Press(Action.CLOSE),
        Press(Action.REGIONS, revision.id, ("all",)),
        Press(Action.REGION, revision.id, ("0",)),
        edit,
        lock,
        Press(Action.ADD_REGION, revision.id),
        Press(Action.REMOVE_REGION, revision.id, ("0",)),
    ):
        _, answer = await talking.pressed(panel, press, BEN)
        assert REFUSED in words_of(answer), press
        assert (answer.removes, answer.replaces, answer.form) == (False, False, None), press
    _, answer = await talking.fills(panel, edit, BEN, description="a toad")
    assert REFUSED in words_of(answer)
    assert await talking.store.history(ROOM.conversation) == (revision,)
    _, answer = await talking.pressed(panel, Press(Action.GO, "", (revision.id,)), BEN)
    assert answer.toast
    assert not answer.replaces
    _, answer = await talking.pressed(shown, Action.REGIONS, BEN)
    assert answer.view.choices
    _, answer = await talking.pressed(panel, lock)
    assert answer.replaces
    for person in (ANN, MO):
        _, answer = await talking.pressed(panel, Press(Action.CLOSE), person)
        assert answer.removes


async def test_settings_of_one_are_not_filled_in_by_another(talking):
    """A settings form that stands open in a group is its person's."""
    said = ANN.says(ROOM)
    form = (await talking.talk.settings(said)).form
    message_id = await talking.platform.post(ROOM, (await talking.talk.help_text(said)).view, key="form")
    panel = next(one for one in talking.platform.messages() if one.message.message_id == message_id)
    await talking.talk.remember_panel(said, panel.message)
    _, answer = await talking.fills(panel, form.press, BEN, steps="9")
    assert REFUSED in words_of(answer)
    assert await talking.store.preferences(BEN.key) == {}
    _, answer = await talking.fills(panel, form.press, steps="9")
    assert answer.removes


async def test_what_is_made_in_a_panel_answers_the_picture(talking):
    """The panel goes away when it is sent, so the result replies to the picture that it changes."""
    shown = await talking.asked()
    said, answer = await talking.pressed(shown, Action.REGIONS)
    panel = await opened(talking, said, answer.view)
    assert (await talking.store.post(PLATFORM, "room", panel.message.message_id)).kind is PostKind.PANEL
    _, answer = await talking.pressed(panel, button(answer.view, Action.ADD_REGION))
    said = ANN.presses(panel)
    await talking.talk.fill(said, answer.form.press, Filled({"description": "a moon"}))
    assert (await talking.stage.result(said.key)).reply_to == shown.message.message_id
