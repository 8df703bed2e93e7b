"""How the options of a request meet preferences and earlier pictures."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.scene_options import NO_OPTIONS, Options, enlarged, kept, new_scene, read_size, varied
from bot.settings import PictureSettings, Settings
from bot.sizes import SIZES
from engine.errors import BadSetting
from storage.scene import MAX_SEED, MAX_SIDE_PX, MIN_SIDE_PX, SceneSettings

SETTINGS = Settings(picture=PictureSettings(steps=20, preset="quality", sampler="euler"))
PAINTED = SceneSettings(width_px=512, seed=9, count=4, steps=8, renderer="sdxl", composer="openai")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("896x1152", (896, 1152)),
        (" 640 × 480 ", (640, 480)),
        ("1:1", (1024, 1024)),
        ("16:9", (1344, 768)),
        ("9：16", (768, 1344)),
        ("Portrait", SIZES["Portrait"]),
        ("wide", SIZES["Wide"]),
        ("方形", SIZES["Square"]),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    """In pixels, as a shape of about a megapixel, or by name in any language."""
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "huge", "16:0", "0:9", "99:1", "1:9", "896", "896x", "x" * 5000])
def test_other_sizes_are_refused(text):
    """With the setting's name, and shortly."""
    with pytest.raises(BadSetting) as refused:
        read_size(text)
    assert refused.value.name == "size"
    assert len(str(refused.value.value)) < 50


@given(st.integers(1, 999), st.integers(1, 999))
def test_every_shape_that_is_taken_can_be_painted(width, height):
    """The sides are in the range that requests may have; a shape that would become another is refused."""
    try:
        sides = read_size(f"{width}:{height}")
    except BadSetting:
        assert max(width, height) > 8 * min(width, height)
    else:
        assert all(MIN_SIDE_PX <= side <= MAX_SIDE_PX for side in sides)
        assert sides[0] / sides[1] == pytest.approx(width / height, rel=0.2)


def test_a_new_scene_takes_the_nearest_setting():
    """Options before the person's, those before the chat's, those before the configuration's."""
    chat, person = {"steps": 30, "guidance": 4.0, "language": "zh"}, {"steps": 40}
    found = new_scene(SETTINGS, Options(guidance=3.0, seed=5), chat, person)
    assert (found.steps, found.guidance, found.seed, found.sampler) == (40, 3.0, 5, "euler")
    assert new_scene(SETTINGS, NO_OPTIONS).seed != new_scene(SETTINGS, NO_OPTIONS).seed


def test_a_named_step_count_is_not_lost_to_the_preset():
    """A preset wins over steps, so a request that names steps and no preset wants none."""
    assert new_scene(SETTINGS, Options(steps=50)).preset == ""
    assert new_scene(SETTINGS, Options(steps=50, preset="draft")).preset == "draft"
    assert new_scene(SETTINGS, Options(count=2)).preset == "quality"


def test_chosen_steps_are_not_lost_to_a_wider_preset():
    """Nor are those that a person chose for good, to the preset of the chat or the configuration."""
    found = new_scene(SETTINGS, NO_OPTIONS, {"preset": "draft"}, {"steps": 30})
    assert (found.preset, found.steps) == ("", 30)
    assert new_scene(SETTINGS, NO_OPTIONS, {"steps": 30}, {"preset": "draft"}).preset == "draft"
    assert new_scene(SETTINGS, NO_OPTIONS, {"guidance": 3.0}).preset == ""


def test_what_goes_on_is_painted_as_before():
    """Size, seed and steps stay; the batch does not, and today's composer and renderer do the work."""
    found = kept(PAINTED, 11, SETTINGS, NO_OPTIONS)
    assert found == replace(PAINTED, seed=11, count=1, composer="embedded", renderer="storyboard")


def test_enlarging_ends_somewhere():
    """Each time half as large again, up to what can be; then it is refused."""
    once = enlarged(PAINTED)
    twice = enlarged(once)
    assert (once.high_resolution, twice.high_resolution) == (1.5, 2.0)
    with pytest.raises(BadSetting) as refused:
        enlarged(twice)
    assert str(refused.value.value) == "3"
    largest = SceneSettings(width_px=700, height_px=MAX_SIDE_PX, renderer="storyboard")
    with pytest.raises(BadSetting):
        enlarged(largest)
    assert enlarged(replace(largest, height_px=2000)).height_px == MAX_SIDE_PX


def test_variations_are_bounded():
    """As many as one request may have, and seeds begin anew behind the last one."""
    assert varied(PAINTED, 2).count == 2
    assert varied(PAINTED, 16).count == 4
    assert varied(replace(PAINTED, seed=MAX_SEED), 4).seed == 0
