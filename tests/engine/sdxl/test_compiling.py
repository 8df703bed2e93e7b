"""A compiled UNet gives the same, is compiled seldom, and can do without."""

import copy
from dataclasses import replace

import pytest
import torch
from structlog.testing import capture_logs
from torch._dynamo.testing import CompileCounterWithBackend

from canvas import Canvas, GlobalDescription, LocalDescription
from engine.renderer.sdxl.attention import RegionAttention
from engine.renderer.sdxl.compiling import compile_unet
from engine.renderer.sdxl.loras import Lora, LoraFolder, Loras
from engine.renderer.sdxl.memory import Masters
from engine.renderer.sdxl.painting import Painter, PaintSettings
from tests.engine.sdxl.test_attention import assert_near, latents_of, ours, predict, scene
from tests.engine.sdxl.test_loras import layers, save_file

CPU = torch.device("cpu")
CANVAS = Canvas(
    GlobalDescription("a dragon over a castle", ("red sky", "dark forest"), "dragon, castle", "red"),
    (LocalDescription("a green dragon", "on the right", color="green"),),
)
PAINT = PaintSettings(96, 64, seeds=(7,), steps=2)


@pytest.fixture(autouse=True)
def _forget():
    """What one test compiled is nothing to the next."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.fixture
def counter():
    """Traces, counts graphs and runs them as they are, which needs no C compiler."""
    return CompileCounterWithBackend("eager")


@pytest.fixture
def compiled(unet, counter):
    own = copy.deepcopy(unet)
    assert compile_unet(own, CPU, "on", backend=counter)
    return own


def predicted(unet, conditioning, latents, **more):
    """As the renderer has it: prepared, run, cleared."""
    return ours(unet, conditioning, latents, **more)


def test_the_prediction_is_the_same(unet, compiled, counter):
    """Guided or not, for one picture and for several, in graphs without a break."""
    for images, guided in ((1, True), (1, False), (3, True)):
        latents = latents_of(16, 12, images=images)
        found = predicted(compiled, scene(), latents, guided=guided)
        assert_near(found, predicted(unet, scene(), latents, guided=guided), 1e-5)
    assert counter.frame_count > 0


def test_sizes_and_texts_share_graphs(unet, compiled, counter):
    """After two scenes no further one is compiled, however large it is and however much it says."""
    sizes = [(8, 8), (16, 12), (12, 20), (17, 13), (24, 16)]
    texts = [(2, 1, 3, 1), (1, 1, 1, 1), (5, 4, 3, 1), (13, 5, 3, 2), (2, 2, 2, 2)]
    graphs = []
    for (height, width), bags in zip(sizes, texts, strict=True):
        latents = latents_of(height, width)
        found = predicted(compiled, scene(bags=bags), latents)
        assert_near(found, predicted(unet, scene(bags=bags), latents), 1e-5)
        graphs.append(counter.frame_count)
    assert graphs[0] == 2  # one for each width of layers
    assert graphs[1:] == [graphs[1]] * 4
    assert graphs[1] <= 4


def test_steps_share_graphs(compiled, counter):
    """From step to step nothing is compiled."""
    attention = RegionAttention(compiled)
    attention.prepare(scene(), 8, 8, images=1)
    for timestep in (900, 500, 100):
        predict(compiled, scene(), latents_of(8, 8), timestep=timestep)
    attention.clear()
    assert counter.frame_count == 2


def test_a_picture_is_the_same(parts, compiled, counter):
    """Painted from words to pixels, with a high-resolution pass, within one of 255 levels."""
    settings = replace(PAINT, high_resolution=1.5)
    told, told_compiled = [], []
    (picture,) = Painter(parts).paint(CANVAS, settings, told.append)
    (found,) = Painter(replace(parts, unet=compiled)).paint(CANVAS, settings, told_compiled.append)
    assert_near(told_compiled[-1].latents, told[-1].latents)
    assert found.size == picture.size
    assert counter.frame_count > 0


def test_loras_come_and_go(parts, counter, tmp_path):
    """A LoRA acts in compiled blocks, and without it they are bare again; graphs made once are kept."""
    save_file(layers(parts, "unet", 1), tmp_path / "ink.safetensors")
    plain, own = (replace(parts, unet=copy.deepcopy(parts.unet)) for _ in range(2))
    compile_unet(own.unet, CPU, "on", backend=counter)
    wardrobes = [Loras(one, LoraFolder(tmp_path)) for one in (plain, own)]
    latents, graphs = latents_of(16, 12), []
    for wanted in ([], [Lora("ink")], [Lora("ink", 0.5)], [], [Lora("ink")]):
        for loras in wardrobes:
            loras.wear(wanted)
        found = predicted(own.unet, scene(), latents)
        assert_near(found, predicted(plain.unet, scene(), latents), 1e-5)
        graphs.append(counter.frame_count)
    assert graphs[0] < graphs[1]  # peft's layers are other code
    assert graphs[-1] <= 4 * graphs[0]


def test_weights_come_and_go(unet, compiled, counter):
    """Copies of the weights that are made for each picture need no new graphs."""
    masters, latents = Masters(compiled, CPU, pinned=False), latents_of(8, 8)
    for _ in range(3):
        with masters.on_device():
            found = predicted(compiled, scene(), latents)
        assert_near(found, predicted(unet, scene(), latents), 1e-5)
        assert counter.frame_count == 2


def test_a_failure_is_told_once_and_the_picture_painted(unet):
    """A compiler that fails is left alone from then on: the picture is that of the plain UNet."""
    calls = []

    def broken(*_: object):
        calls.append(1)
        raise ValueError("no compiler here")

    own, latents = copy.deepcopy(unet), latents_of(8, 8)
    compile_unet(own, CPU, "on", backend=broken)
    with capture_logs() as logs:
        first = predicted(own, scene(), latents)
        second = predicted(own, scene(), latents)
    assert_near(first, predicted(unet, scene(), latents), 1e-6)
    assert_near(second, first, 0)
    assert len(calls) == 1
    assert [(log["event"], log["log_level"]) for log in logs] == [("compilation-failed", "warning")]


def test_too_many_kinds_are_a_failure_too(unet, monkeypatch):
    """At the limit the UNet goes on as it was, rather than raise."""
    monkeypatch.setattr("engine.renderer.sdxl.compiling.MOST_GRAPHS", 1)
    own, latents = copy.deepcopy(unet), latents_of(8, 8)
    compile_unet(own, CPU, "on", backend="eager")
    with capture_logs() as logs:
        found = predicted(own, scene(), latents)
    assert_near(found, predicted(unet, scene(), latents), 1e-6)
    assert [log["event"] for log in logs] == ["compilation-failed"]


def test_errors_of_the_model_are_its_own(compiled):
    """Latents that do not fit are refused in the words of the plain UNet."""
    attention = RegionAttention(compiled)
    attention.prepare(scene(), 16, 16, images=1)
    with pytest.raises(RuntimeError, match="must match"):
        predict(compiled, scene(), latents_of(16, 12))
    attention.clear()


@pytest.mark.parametrize(
    ("wanted", "device", "expected"),
    [("off", "cuda", False), ("auto", "cpu", False), ("auto", "mps", False), ("auto", "cuda:1", True)],
)
def test_it_is_for_gpus_unless_asked_for(unet, wanted, device, expected):
    """`auto` is CUDA, and `off` is off: nothing of the UNet is touched."""
    own = copy.deepcopy(unet)
    assert compile_unet(own, torch.device(device), wanted) is expected
    touched = any(module._compiled_call_impl for module in own.modules())
    assert touched is expected
