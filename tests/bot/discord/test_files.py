"""Files that people send, with and without words beside them."""

import asyncio
from io import BytesIO

import pytest
from PIL import Image

from bot.sections import SafetySettings
from canvas import write
from tests.bot.discord.conftest import DiscordStage
from tests.bot.discord.world import DM
from tests.engine.conftest import Stage


def photo() -> bytes:
    """A picture that was not made here."""
    buffer = BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, "JPEG")
    return buffer.getvalue()


async def test_a_scene_file_with_words_is_changed_as_they_say(stage: DiscordStage):
    """One request: the scene of the file is what the words are about."""
    stage.composer.replies = [Stage.DUSK_REPLY]
    stage.ann.say(
        stage.room, "<@1001> make it dusk", mentions=True, file=("pond.py", write(Stage.POND).encode())
    )
    await stage.result()
    (request,) = stage.composer.requests
    assert (request.prompt, request.canvas) == ("make it dusk", Stage.POND)
    assert [canvas for canvas, _ in stage.renderer.painted] == [Stage.DUSK]


async def test_a_scene_file_with_words_survives_a_restart(stage: DiscordStage):
    """What the file held is stored with the request."""
    stage.composer.replies = [Stage.DUSK_REPLY]
    stage.composer.gate = asyncio.Event()
    stage.ann.say(
        stage.room, "<@1001> make it dusk", mentions=True, file=("pond.py", write(Stage.POND).encode())
    )
    await stage.composer.is_composing.wait()
    await stage.stop()
    stage.composer.gate = None
    await stage.start()
    await stage.result()
    assert [each.canvas for each in stage.composer.requests] == [Stage.POND, Stage.POND]


async def test_what_must_not_be_composed_is_refused_in_files_too(scene: DiscordStage):
    """Words that say nothing against the rules do not smuggle in a scene that does."""
    scene.settings = scene.settings.model_copy(update={"safety": SafetySettings(block=("heron",))})
    stage = await scene.start()
    scene_file = ("pond.py", write(Stage.POND).encode())
    stage.ann.say(stage.room, "<@1001> make it dusk", mentions=True, file=scene_file)
    await stage.world.until(stage.by_bot, "an answer")
    await stage.ended()
    assert stage.composer.requests == []


@pytest.mark.parametrize("size_bytes", [0, 200_000_000], ids=["read", "too large to be read"])
async def test_a_photo_with_words_is_not_read(stage: DiscordStage, size_bytes):
    """The words are composed, and it is said that the photo was left out."""
    direct = stage.world.channel(None, DM)
    said = stage.ann.say(direct, "a pond like this", file=("photo.jpg", photo()), size_bytes=size_bytes)
    await stage.result(1, direct)
    assert [each.prompt for each in stage.composer.requests] == ["a pond like this"]
    told = [each for each in stage.by_bot(direct) if "your words alone" in each["content"]]
    assert [each["message_reference"]["message_id"] for each in told] == [int(said["id"])]


async def test_a_photo_without_words_is_told_of(stage: DiscordStage):
    """Nothing is painted."""
    direct = stage.world.channel(None, DM)
    stage.ann.say(direct, "", file=("photo.jpg", photo()))
    await stage.world.until(lambda: stage.by_bot(direct), "an answer")
    assert stage.by_bot(direct)[0]["content"]
    assert await stage.turns(direct) == []
