"""Whole paintings with SDXL's own classes, against the reference's formulas written out."""

import copy
import gc
import weakref
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from canvas import Canvas, GlobalDescription, LocalDescription
from canvas.layout import color_sketch
from engine.renderer.sdxl.codec import Codec
from engine.renderer.sdxl.painting import KeptPicture, Painter, PaintSettings, sketch_pixels
from engine.renderer.sdxl.sampling import UnknownSampler
from tests.engine.sdxl import naive, naive_sampler

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CANVAS = Canvas(
    GlobalDescription("a dragon over a castle", ("red sky", "dark forest"), "dragon, castle", "red"),
    (
        LocalDescription("a tall castle", "on the left", area="a small square area", color="gold"),
        LocalDescription("a green dragon", "on the right", color="green", distance_to_viewer=9.0),
    ),
)
NEGATIVE = "lowres, bad anatomy"
SETTINGS = PaintSettings(128, 64, seeds=(7, 8), guidance=5.0, negative_prompt=NEGATIVE)
QUICK = replace(SETTINGS, seeds=(7,), steps=3)


@pytest.fixture(scope="module")
def parts(parts):
    """With softer attention than random weights have: theirs makes a rounding a thousand times larger."""
    unet = copy.deepcopy(parts.unet)
    for name, module in unet.named_modules():
        if name.endswith("attn2.to_k"):
            module.weight.data *= 0.1
    return replace(parts, unet=unet)


@pytest.fixture(scope="module")
def painter(parts):
    return Painter(parts)


def paint(painter, settings, kept=None):
    """The pictures, and the steps that were told."""
    steps = []
    return painter.paint(CANVAS, settings, steps.append, kept), steps


def generators(seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@torch.no_grad()
def naive_pass(parts, settings, initial, draws, *, steps, strength=1.0):
    """The reference's way from initial latents to latents."""
    height, width = initial.shape[-2:]
    texts = naive.conditioning(CANVAS, settings.negative_prompt, parts, projected=True)
    height_px, width_px = height * 4.0, width * 4.0
    time_ids = torch.tensor([height_px, width_px, 0, 0, height_px, width_px])

    def side(number):
        def predict(latents, timestep):
            return naive.predict_both(parts.unet, latents, timestep, texts, time_ids=time_ids)[number]

        return predict

    model = naive_sampler.NaiveModel(side(0), side(1), settings.guidance)
    noise = naive_sampler.naive_noise(draws, height, width)
    return naive_sampler.naive_sample(model, initial, noise, steps, strength)


def same_but_for_rounding(ours, theirs):
    """Cut to whole numbers, a number here and there may be one off; rounded, half of them would be."""
    pairs = zip(ours, theirs, strict=True)
    differences = [np.abs(np.asarray(one).astype(int) - other) for one, other in pairs]
    return all(difference.max() <= 1 and difference.mean() < 0.05 for difference in differences)


def test_a_painting_is_the_references(painter, parts):
    """25 steps, a batch of two: latents within 1e-4 of the formulas, pictures alike."""
    pictures, told = paint(painter, SETTINGS)
    theirs = naive_pass(parts, SETTINGS, torch.zeros(1, 4, 16, 32), generators((7, 8)), steps=25)
    assert theirs.std() > 1
    torch.testing.assert_close(told[-1].latents, theirs, atol=1e-4, rtol=0)
    assert [picture.size for picture in pictures] == [(128, 64)] * 2
    assert same_but_for_rounding(pictures, naive_sampler.naive_decode(parts.vae, theirs))
    assert not same_but_for_rounding(pictures[:1], [np.asarray(pictures[1])])


def test_the_high_resolution_pass_is_the_references(painter, parts):
    """Enlarged, encoded and painted again in 20 steps, with noise that goes on from the first pass."""
    settings = replace(SETTINGS, steps=4, high_resolution=1.5)
    small, _ = paint(painter, replace(settings, high_resolution=1.0))
    pictures, told = paint(painter, settings)
    draws = generators(settings.seeds)
    naive_sampler.naive_noise(draws, 16, 32)  # of the first pass
    enlarged = [naive_sampler.naive_enlarged(np.asarray(picture), 1.5) for picture in small]
    with torch.no_grad():
        initial = naive_sampler.naive_encode(parts.vae, enlarged)
    theirs = naive_pass(parts, settings, initial, draws, steps=20, strength=0.4)
    assert theirs.shape[-2:] == (32, 48)
    torch.testing.assert_close(told[-1].latents, theirs, atol=1e-4, rtol=0)
    assert same_but_for_rounding(pictures, naive_sampler.naive_decode(parts.vae, theirs))
    assert [(step.step, step.steps) for step in told] == [(number, 24) for number in range(1, 25)]


@pytest.mark.parametrize("sampler", ["dpmpp_2m_karras", "unipc"])
def test_a_picture_that_is_there_is_enlarged_as_at_once(painter, sampler):
    """The second pass alone, from the first one's pictures, gives the pictures of both."""
    settings = replace(QUICK, seeds=(7, 8), sampler=sampler, high_resolution=1.5)
    at_once, _ = paint(painter, settings)
    small, _ = paint(painter, replace(settings, high_resolution=1.0))
    told = []
    assert painter.enlarge(CANVAS, settings, small, told.append) == at_once
    assert [(step.step, step.steps) for step in told] == [(number, 20) for number in range(1, 21)]


def test_hardly_enlarged_pictures_are_not_enlarged(painter):
    """Up to 1.05 there is no second pass."""
    same, told = paint(painter, replace(QUICK, high_resolution=1.05))
    assert same == paint(painter, QUICK)[0]
    assert len(told) == QUICK.steps


@torch.no_grad()
def naive_sketch(parts, height_px, width_px):
    cells = torch.from_numpy(
        np.pad(color_sketch(CANVAS), ((40, 40), (40, 40), (0, 0)), mode="reflect")
    ).double()
    mean = torch.stack([cells[y : y + 81, x : x + 81].mean((0, 1)) for y in range(90) for x in range(90)])
    pixels = (mean.view(90, 90, 3) / 127.5 - 1).movedim(-1, 0)[None].float()
    stretched = torch.nn.functional.interpolate(pixels, (height_px, width_px), mode="bilinear")
    return stretched, parts.vae.encode(stretched).latent_dist.mode() * parts.vae.config.scaling_factor


def test_a_painting_may_start_from_the_sketch(painter, parts):
    """The blurred colours of the canvas are what the noise is added to, at the strength that is asked for."""
    settings = replace(SETTINGS, sketch=True, strength=0.95)
    pixels, initial = naive_sketch(parts, 64, 128)
    torch.testing.assert_close(sketch_pixels(CANVAS, 128, 64), pixels, atol=1e-4, rtol=0)
    _, told = paint(painter, settings)
    theirs = naive_pass(parts, settings, initial, generators((7, 8)), steps=25, strength=0.95)
    torch.testing.assert_close(told[-1].latents, theirs, atol=1e-4, rtol=0)


def test_strength_means_nothing_without_a_start(painter):
    """From noise alone the whole schedule is gone down."""
    assert paint(painter, replace(QUICK, strength=0.5))[0] == paint(painter, QUICK)[0]


def test_guidance_of_one_leaves_the_negative_prompt_out(parts):
    """Weight 1 gives the formula's picture with half of the work."""
    settings = replace(SETTINGS, steps=5, guidance=1.0)
    batches = []
    watching = parts.unet.register_forward_pre_hook(lambda _unet, given: batches.append(len(given[0])))
    try:
        _, told = paint(Painter(parts), settings)
    finally:
        watching.remove()
    assert set(batches) == {2}
    theirs = naive_pass(parts, settings, torch.zeros(1, 4, 16, 32), generators((7, 8)), steps=5)
    torch.testing.assert_close(told[-1].latents, theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize("sampler", ["dpmpp_2m_karras", "euler_a", "dpmpp_sde"])
def test_an_image_does_not_depend_on_its_batch(painter, sampler):
    """The same seed gives the same picture alone and as the third of a batch, in both passes."""
    settings = replace(QUICK, sampler=sampler, high_resolution=1.5)
    (alone,), _ = paint(painter, settings)
    batch, _ = paint(painter, replace(settings, seeds=(9, 8, 7)))
    assert np.abs(np.asarray(alone).astype(int) - np.asarray(batch[2])).max() <= 2
    assert np.abs(np.asarray(alone).astype(int) - np.asarray(batch[0])).max() > 20


def test_sizes_are_cut_to_what_the_model_can(painter):
    """To multiples of 64, and never to nothing."""
    assert paint(painter, replace(QUICK, width_px=191, height_px=10))[0][0].size == (128, 64)


def test_other_models_have_other_steps(painter):
    """Sizes are cut to multiples of a model's own step, those of enlarged pictures too."""
    settings = replace(QUICK, width_px=70, height_px=43, size_step_px=8)
    assert paint(painter, settings)[0][0].size == settings.size_px == (64, 40)
    larger = replace(settings, high_resolution=1.3)
    assert paint(painter, larger)[0][0].size == larger.size_px == (80, 48)


def test_unknown_samplers_are_refused(painter):
    """With an error that names those that there are."""
    with pytest.raises(UnknownSampler):
        paint(painter, replace(QUICK, sampler="magic"))


@pytest.mark.parametrize("high_resolution", [1.0, 1.5])
@pytest.mark.parametrize("strength", [1.0, 0.7])
def test_what_is_kept_of_a_picture_stays(painter, parts, high_resolution, strength):
    """Outside of the mask the latents are those of the picture, in the size of the last pass."""
    colors = np.random.default_rng(1).integers(0, 255, (4, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(colors).resize((128, 64))
    mask = Image.new("L", (128, 64))
    mask.paste(255, (0, 0, 64, 64))
    settings = replace(QUICK, high_resolution=high_resolution, strength=strength)
    _, told = paint(painter, settings, KeptPicture(picture, mask))
    latents = told[-1].latents
    size = latents.shape[-1] * 4, latents.shape[-2] * 4
    kept = Codec(parts.vae, 4, parts.device).encode([picture.resize(size, Image.Resampling.LANCZOS)])
    half = latents.shape[-1] // 2
    assert torch.equal(latents[..., half:], kept[..., half:])
    assert not torch.allclose(latents[..., :half], kept[..., :half], atol=0.5)


def test_less_strength_paints_less_over(painter, parts):
    """From a kept picture at low strength the painted part is nearer to it than at full strength."""
    picture, everything = Image.new("RGB", (128, 64), "orange"), Image.new("L", (8, 8), 255)
    kept = Codec(parts.vae, 4, parts.device).encode([picture])
    distances = []
    for strength in (0.2, 1.0):
        _, told = paint(painter, replace(QUICK, strength=strength), KeptPicture(picture, everything))
        distances.append((told[-1].latents - kept).abs().mean().item())
    assert distances[0] < distances[1] / 4


def test_an_exception_in_a_step_stops_the_painting(parts):
    """The model is not called again, the UNet is as before, and the painter goes on to work."""
    painter = Painter(parts)
    before, _ = paint(painter, QUICK)
    processors = dict(parts.unet.attn_processors)
    calls = []
    watching = parts.unet.register_forward_pre_hook(lambda *_: calls.append(1))

    def stop(step):
        if step.step == 2:
            raise InterruptedError

    try:
        with pytest.raises(InterruptedError):
            painter.paint(CANVAS, QUICK, stop)
    finally:
        watching.remove()
    assert len(calls) == 2
    assert parts.unet.attn_processors == processors
    assert paint(painter, QUICK)[0] == before


def tensors():
    gc.collect()
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def test_nothing_is_kept_of_a_painting(parts):
    """The latents of the steps are gone with the last who holds them, and no tensors gather."""
    painter, seen = Painter(parts), []

    def watch(step):
        seen.append(weakref.ref(step.latents))
        painter.preview(step.latents[0])

    painter.paint(CANVAS, QUICK, watch)
    gc.collect()
    assert len(seen) == QUICK.steps
    assert not any(latents() is not None for latents in seen)
    before = tensors()
    for _ in range(3):
        painter.paint(CANVAS, replace(QUICK, high_resolution=1.5), watch)
    assert tensors() == before


@pytest.mark.parametrize(
    "full",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_no_memory_is_held_by_the_error_that_it_is_full(parts, full):
    """The error is passed on, but nothing that was painted before it hangs on it; then it goes on."""
    painter, seen = Painter(parts), []
    paint(painter, QUICK)
    before = tensors()

    def fill(_unet, given):
        seen.append(weakref.ref(given[0]))
        if len(seen) == 3:
            raise full

    filling = parts.unet.register_forward_pre_hook(fill)
    gc.disable()
    try:
        with pytest.raises(type(full)) as caught:
            painter.paint(CANVAS, QUICK, lambda _step: None)
        # without a collection: memory is needed at once
        assert [latents() for latents in seen] == [None] * 3
    finally:
        gc.enable()
        filling.remove()
    assert tensors() == before
    assert caught.value is full
    assert len(paint(painter, QUICK)[0]) == 1


def test_other_errors_keep_their_traceback(parts):
    """A fault of the model shows where it was."""

    def break_down(*_):
        raise RuntimeError("shape mismatch")

    breaking = parts.unet.register_forward_pre_hook(break_down)
    try:
        with pytest.raises(RuntimeError, match="shape mismatch") as caught:
            paint(Painter(parts), QUICK)
    finally:
        breaking.remove()
    assert "break_down" in [entry.name for entry in caught.traceback]


def test_a_model_in_half_precision_is_sampled_in_full(parts):
    """The UNet computes in bfloat16, the latents between its calls are float32."""
    unet = copy.deepcopy(parts.unet).to(torch.bfloat16)
    seen = []
    unet.register_forward_pre_hook(lambda _unet, given: seen.append(given[0].dtype))
    _, told = paint(Painter(replace(parts, unet=unet, dtype=torch.bfloat16)), QUICK)
    assert set(seen) == {torch.bfloat16}
    assert {step.latents.dtype for step in told} == {torch.float32}
    assert not torch.equal(told[-1].latents.bfloat16().float(), told[-1].latents)


def test_networks_are_on_the_device_while_they_are_used(parts):
    """Each is only run while whoever looks after them was told to have it there, and none is kept."""
    there, missing = [], []

    @contextmanager
    def on_device(*names):
        there.extend(names)
        yield
        for name in names:
            there.remove(name)

    def check(name):
        return lambda *_: None if name in there else missing.append(name)

    networks = {
        "unet": parts.unet,
        "vae": parts.vae.decoder,
        "text_encoder": parts.text_encoder,
        "text_encoder_2": parts.text_encoder_2,
    }
    used = []
    hooks = [network.register_forward_pre_hook(check(name)) for name, network in networks.items()]
    hooks += [
        network.register_forward_pre_hook(lambda *_, name=name: used.append(name))
        for name, network in networks.items()
    ]
    painter = Painter(parts, on_device=on_device)
    try:
        settings = replace(QUICK, high_resolution=1.5, sketch=True)
        painter.paint(CANVAS, settings, lambda step: painter.preview(step.latents[0]))
    finally:
        for hook in hooks:
            hook.remove()
    assert set(used) == set(networks)
    assert not missing
    assert not there


def sizes_seen(network, run):
    """The shapes of what a network is given meanwhile."""
    seen = []
    hook = network.register_forward_pre_hook(lambda _network, given: seen.append(tuple(given[0].shape)))
    try:
        run()
    finally:
        hook.remove()
    return seen


def test_pictures_are_decoded_one_by_one(painter, parts):
    """However large the batch, the VAE sees one picture at a time."""
    seen = sizes_seen(parts.vae.decoder, lambda: paint(painter, replace(QUICK, seeds=(1, 2, 3))))
    assert seen == [(1, 4, 16, 32)] * 3


def test_tiles_are_small_and_hardly_show(painter, parts):
    """Tiled, the VAE never sees more than a tile; the picture is much the same; the VAE is left as it was."""
    whole, _ = paint(painter, QUICK)
    pictures = []
    seen = sizes_seen(
        parts.vae.decoder, lambda: pictures.extend(paint(painter, replace(QUICK, tiled=True))[0])
    )
    assert len(seen) > 1
    assert all(height <= 16 and width <= 16 for _, _, height, width in seen)
    assert pictures[0].size == whole[0].size
    difference = np.abs(np.asarray(pictures[0]).astype(int) - np.asarray(whole[0]))
    assert difference.mean() < 10
    assert not parts.vae.use_tiling
    assert paint(painter, QUICK)[0] == whole


def overflowing(vae, *, force_upcast):
    """In float16 its first numbers are beyond what float16 can hold; its weights are not."""
    vae = copy.deepcopy(vae)
    for first in (vae.decoder.conv_in, vae.encoder.conv_in):
        first.weight.data *= 60000 / first.weight.abs().max()
    vae.register_to_config(force_upcast=force_upcast)
    return vae.half()


@torch.no_grad()
@pytest.mark.parametrize("force_upcast", [True, False])
def test_a_vae_that_overflows_in_half_precision_computes_in_full(vae, force_upcast):
    """What is not finite in float16 is done again in float32; the weights stay in float16."""
    half = overflowing(vae, force_upcast=force_upcast)
    full = copy.deepcopy(half).float()
    latents = torch.randn(1, 4, 8, 8, generator=generators((1,))[0]) * 5
    assert not torch.isfinite(half.decode(latents.half() / 0.13025).sample).all()
    ours = Codec(half, 4, torch.device("cpu"))
    theirs = Codec(full, 4, torch.device("cpu"))
    assert ours.decode(latents) == theirs.decode(latents)
    picture = theirs.decode(latents)
    assert not torch.isfinite(half.encode(torch.ones(1, 3, 32, 32).half()).latent_dist.mode()).all()
    assert torch.equal(ours.encode(picture), theirs.encode(picture))
    assert half.dtype == torch.float16


@torch.no_grad()
def test_no_room_for_full_precision_leaves_the_vae_in_half(vae):
    """Also where a part of it was in full precision already; the next picture is painted."""
    half = overflowing(vae, force_upcast=True)
    codec = Codec(half, 4, torch.device("cpu"))
    latents = torch.zeros(1, 4, 8, 8)
    move = half.decoder._apply

    def is_full(*_, **__):
        half.decoder._apply = move
        raise torch.OutOfMemoryError

    half.decoder._apply = is_full
    with pytest.raises(torch.OutOfMemoryError):
        codec.decode(latents)
    assert {tensor.dtype for tensor in half.state_dict().values()} == {torch.float16}
    assert len(codec.decode(latents)) == 1


@torch.no_grad()
def test_half_precision_is_enough_where_it_is(vae):
    """A VAE that is finite in float16, and says so, is not computed twice."""
    half = copy.deepcopy(vae).half()
    half.register_to_config(force_upcast=False)
    codec = Codec(half, 4, torch.device("cpu"))
    assert sizes_seen(half.decoder, lambda: codec.decode(torch.zeros(1, 4, 8, 8))) == [(1, 4, 8, 8)]


@torch.no_grad()
def test_broken_latents_make_no_picture(vae):
    """What is not finite in full precision either is an error, not a black picture."""
    codec = Codec(vae, 4, torch.device("cpu"))
    with pytest.raises(FloatingPointError):
        codec.decode(torch.full((1, 4, 8, 8), torch.nan))
