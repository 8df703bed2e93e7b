"""Presets, and sizes that a checkpoint paints well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadSetting
from engine.renderer.sdxl.presets import SizeRange, preset, presets
from engine.renderer.sdxl.sampling import SAMPLERS

HYPER = "Hyper-SDXL-8steps-CFG-lora"
FEW_STEPS = (HYPER, "sdxl_lightning_4step_lora", "tcd-lora-sdxl", "lcm-lora-sdxl")

sides = st.integers(-10, 100_000)


def test_quality_is_the_references_way() -> None:
    """25 steps of DPM++ 2M at guidance 5, without a LoRA, wherever one is."""
    quality = preset("quality", ())

    assert (quality.sampler, quality.steps, quality.guidance) == ("dpmpp_2m_karras", 25, 5.0)
    assert quality.lora == ""


def test_a_draft_needs_its_lora() -> None:
    """Without one, few steps give mud; the error names what there is."""
    assert set(presets(("portrait",))) == {"quality"}
    with pytest.raises(BadSetting) as caught:
        preset("draft", ("portrait",))
    assert (caught.value.name, caught.value.value, caught.value.allowed) == ("preset", "draft", "quality")


def test_a_draft_with_guidance_comes_first() -> None:
    """It keeps the negative prompt."""
    draft = preset("draft", tuple(reversed(FEW_STEPS)))

    assert (draft.lora, draft.steps, draft.guidance) == (HYPER, 8, 5.0)


@pytest.mark.parametrize("lora", FEW_STEPS)
def test_drafts_take_few_steps_of_a_known_sampler(lora: str) -> None:
    """Whichever of the files is there."""
    draft = preset("draft", ("portrait", lora))

    assert draft.lora == lora
    assert draft.steps <= 12
    assert draft.sampler in SAMPLERS


@pytest.mark.parametrize("size", [(896, 1152), (1024, 1024), (640, 1536), (1152, 1792)])
def test_good_sizes_stay(size: tuple[int, int]) -> None:
    """What SDXL was trained with, and what is near it."""
    assert SizeRange().fit(*size) == size


@pytest.mark.parametrize(
    ("asked", "painted"),
    [
        ((900, 1150), (896, 1152)),
        ((256, 256), (768, 768)),
        ((100_000, 100_000), (1408, 1408)),
        ((100_000, 1), (1536, 384)),
        ((1920, 1080), (1920, 1088)),
        ((0, 0), (768, 768)),
    ],
)
def test_other_sizes_become_good_ones(asked: tuple[int, int], painted: tuple[int, int]) -> None:
    """The shape stays as far as it can."""
    assert SizeRange().fit(*asked) == painted


@given(width=sides, height=sides)
def test_every_size_becomes_a_good_one(width: int, height: int) -> None:
    """Half a megapixel to two, in steps of 64, and fitting twice changes nothing."""
    sizes = SizeRange()
    width_px, height_px = fitted = sizes.fit(width, height)

    assert width_px % 64 == height_px % 64 == 0
    assert 2**19 <= width_px * height_px <= 2**21
    assert max(fitted) <= 2048
    assert sizes.fit(*fitted) == fitted


@given(width=sides, height=sides)
def test_a_smaller_checkpoint_has_smaller_sizes(width: int, height: int) -> None:
    """As one that was trained with 64 pixels and latents a quarter of that."""
    width_px, height_px = SizeRange(native_px=64, step_px=16).fit(width, height)

    assert width_px % 16 == height_px % 16 == 0
    assert 2**11 <= width_px * height_px <= 2**13


@pytest.mark.parametrize(
    ("native_px", "step_px", "painted"),
    [(64, 8, (56, 72)), (128, 16, (112, 144)), (512, 64, (576, 768)), (1024, 64, (896, 1152))],
)
def test_small_models_paint_in_miniature(native_px, step_px, painted):
    """896 x 1152 is as much of a small model's good sizes as it is of SDXL's, in steps that suit it."""
    sizes = SizeRange.around(native_px)
    assert sizes.step_px == step_px
    assert sizes.fit(896, 1152) == painted
    assert sizes.holds(*painted)
