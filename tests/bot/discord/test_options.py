"""What can be given with a command, and what is completed while it is typed."""

from pathlib import Path
from typing import Any

import pytest

from bot.sections import LimitSettings, RoleSettings, SdxlSettings
from tests.bot.discord.conftest import DiscordStage
from tests.bot.discord.people import Person
from tests.engine.conftest import Stage

OF_A_PICTURE = {"size": "256x320", "seed": 9, "steps": 7, "guidance": 4.5, "avoid": "fog", "strength": 0.8}


async def completed(stage: DiscordStage, name: str, option: str, typed: str) -> list[dict[str, Any]]:
    """What Ann is offered while she types an option."""
    asked = stage.ann.types(stage.room, name, option, typed)
    await stage.world.until(lambda: asked.responses, "choices")
    return asked.responses[0]["data"]["choices"]


@pytest.mark.parametrize("name", ["omost", "render", "refine"])
async def test_a_picture_is_painted_as_the_options_say(stage: DiscordStage, name):
    """Each command that paints takes them all."""
    words = {} if name == "render" else {"prompt": "make it dusk"}
    if name != "omost":
        stage.ann.slash(stage.room, "omost", prompt="a pond")
        await stage.result()
    stage.composer.replies = [Stage.DUSK_REPLY]
    stage.ann.slash(stage.room, name, **words, **OF_A_PICTURE, enlarge=1.5, count=2)
    await stage.result(1 if name == "omost" else 2)
    painted = stage.renderer.painted[-1][1]
    assert (painted.seed, painted.steps, painted.guidance, painted.count) == (9, 7, 4.5, 2)
    assert (painted.width_px, painted.height_px, painted.negative_prompt) == (256, 320, "fog")
    assert (painted.strength, painted.high_resolution) == (0.8, 1.5)


async def test_options_range_as_far_as_the_limits(scene: DiscordStage):
    """Nobody is offered more pictures than anybody may ask for, and no longer words."""
    limits = LimitSettings(count=2, prompt_chars=300)
    roles = {"discord:role/601": RoleSettings(count=3)}
    scene.settings = scene.settings.model_copy(update={"limits": limits, "roles": roles})
    stage = await scene.start()
    commands = {each["name"]: each for each in stage.world.commands}
    for name in ("omost", "refine", "render"):
        options = {each["name"]: each for each in commands[name]["options"]}
        assert (options["count"]["min_value"], options["count"]["max_value"]) == (1, 3)
        if "prompt" in options:
            assert options["prompt"]["max_length"] == 300


async def test_presets_and_loras_are_completed(scene: DiscordStage, tmp_path: Path):
    """By their names; of several LoRA the last one."""
    for name in ("ink", "inkwash", "pastel"):
        (tmp_path / f"{name}.safetensors").touch()
    scene.settings = scene.settings.model_copy(update={"sdxl": SdxlSettings(loras=str(tmp_path))})
    stage = await scene.start()
    assert {each["value"] for each in await completed(stage, "omost", "preset", "")} == {"quality", "draft"}
    found = await completed(stage, "refine", "loras", "pastel:0.5, ink")
    assert [each["value"] for each in found] == ["pastel:0.5,ink", "pastel:0.5,inkwash"]
    assert await completed(stage, "render", "sampler", "there is none like this") == []


async def test_sizes_regions_and_own_scenes_are_completed(stage: DiscordStage):
    """Sizes by name, regions of the newest picture, and one's own scenes by their words."""
    assert "896x1152" in [each["value"] for each in await completed(stage, "render", "size", "")]
    stage.ann.slash(stage.room, "omost", prompt="a quiet pond")
    await stage.result()
    (found,) = await completed(stage, "open", "scene", "quiet")
    stage.ann.slash(stage.room, "open", scene=found["value"])
    await stage.result(2)
    (heron,) = await completed(stage, "regions", "region", "heron")
    panel = await stage.answer(stage.ann.slash(stage.room, "regions", region=heron["value"]))
    assert "heron" in panel["content"]
    others = Person(stage.world, 503, "Cyd").types(stage.room, "open", "scene", "quiet")
    await stage.world.until(lambda: others.responses, "choices")
    assert others.responses[0]["data"]["choices"] == []
