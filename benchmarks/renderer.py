"""How fast SDXL is painted with regions, against a straightforward way to do so.

    python benchmarks/renderer.py [--canvas FILE] [--device NAME] [--size full|mid] [--quick] [--json]

Both ways have the same random weights, noise, sampler and texts, at 896 x 1152 pixels. The straightforward
one is the reference's formulas as they stand in the tests: two calls of the UNet a step, text keys and values
made anew in each, scores as a matrix with -inf.

`step_speedup`: a step of theirs to one of ours. `memory_ratio`: our peak of memory, weights included, to
theirs. `max_latent_difference`: of the latents after the last step. On a GPU besides `image_s`: seconds for
an image of 25 steps, from words to pixels; `speedup`: theirs to that; `flop_share`: of the time, what the
floating-point operations of an image take in plain multiplications of matrices; `enlarged_s` with the
high-resolution pass; `draft_s`: in 8 steps, as a few-step preset paints.

On a CPU the model is not SDXL in small. Its layers are ten times narrower and there are few of them, so that
a step ends within seconds; the scores of a layer shrink less by that than its weights do. So the attention to
the text, which is what the two ways differ in, takes most of their step, as it never does in SDXL:
`step_speedup` tells of that attention and is no forecast for SDXL. What blocks of SDXL's own width gain on a
CPU stands in docs/performance.md. Seconds are of one thread's own time, which other programs on the machine
lengthen less than those of the wall.
"""

import argparse
import json
import logging
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1])  # else the packages of this project would not be found

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from benchmarks import gauges
from benchmarks.gauges import Clock, Enough
from canvas import Canvas, parse
from engine.renderer.sdxl.codec import Codec
from engine.renderer.sdxl.compiling import compile_unet
from engine.renderer.sdxl.conditioning import Conditioner, Conditioning
from engine.renderer.sdxl.folder import CONFIG
from engine.renderer.sdxl.loading import Parts
from engine.renderer.sdxl.painting import Painter, PaintSettings, Step
from engine.renderer.sdxl.single_file import clip_tokenizers
from tests.engine.sdxl import naive, naive_sampler

SAMPLE = Path(__file__).parents[1] / "tests" / "data" / "night_market.json"
SETTINGS = PaintSettings(896, 1152, seeds=(12345,), negative_prompt="lowres, bad anatomy, bad hands")

MID_TEXT = {"hidden_size": 96, "intermediate_size": 384, "num_hidden_layers": 2, "num_attention_heads": 4}
MID_TEXT_2 = {**MID_TEXT, "hidden_size": 160, "projection_dim": 160}
MID_UNET = {
    "block_out_channels": (32, 64, 128),
    "attention_head_dim": (2, 4, 8),  # heads
    "layers_per_block": 1,
    "transformer_layers_per_block": (1, 1, 6),
    "cross_attention_dim": 96 + 160,
    "addition_time_embed_dim": 32,
    "projection_class_embeddings_input_dim": 6 * 32 + 160,
}
MID_VAE = {"block_out_channels": (32, 32, 32, 32), "layers_per_block": 1}
CHANGES: dict[str, dict[str, dict[str, Any]]] = {
    "full": {"unet": {}, "vae": {}, "text_encoder": {}, "text_encoder_2": {}},
    "mid": {"unet": MID_UNET, "vae": MID_VAE, "text_encoder": MID_TEXT, "text_encoder_2": MID_TEXT_2},
}


def main() -> None:
    """Measures and prints."""
    arguments = _arguments()
    logging.disable(logging.WARNING)
    bench = Bench.of(arguments)
    if arguments.peak_of:
        print(bench.peak_bytes(arguments.peak_of))
        return
    figures = bench.steps(memory=_child_peaks)
    if bench.on_gpu:
        figures |= bench.images(1 if arguments.quick else 5)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"{arguments.canvas.name}: {bench.keys} text keys; {arguments.size} UNet on {bench.machine}")
    for name, value in figures.items():
        print(f"  {name:22} {value:10.4g}")


@dataclass(frozen=True, slots=True)
class Bench:
    """One scene and one model."""

    canvas: Canvas
    parts: Parts
    step_count: int

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> "Bench":
        """As the command line says."""
        device = torch.device(arguments.device)
        if device.type == "cpu":
            torch.set_num_threads(1)
        return cls(canvas_of(arguments.canvas), parts_of(arguments.size, device), 2 if arguments.quick else 5)

    @property
    def on_gpu(self) -> bool:
        """Whether whole images are painted too."""
        return self.parts.device.type == "cuda"

    @property
    def machine(self) -> str:
        """What it runs on, in words."""
        if self.on_gpu:
            return torch.cuda.get_device_name(self.parts.device)
        return f"one thread of {gauges.cpu_name()}"

    @property
    def keys(self) -> int:
        """How many keys the texts of the scene have."""
        return len(self.conditioning().positive)

    def conditioning(self) -> Conditioning:
        """The scene as tensors."""
        return Conditioner(self.parts).condition(self.canvas, SETTINGS.negative_prompt)

    def steps(self, memory: Callable[[], tuple[int, int]]) -> dict[str, float]:
        """What can be measured of steps alone."""
        settings = replace(SETTINGS, steps=self.step_count)
        ours, our_clock = self.ours(settings), Clock(self.parts.device)
        latents = ours(our_clock)
        their_clock = Clock(self.parts.device)
        their_latents = self.theirs(settings)(their_clock)
        our_bytes, their_bytes = self._peaks() if self.on_gpu else memory()
        return {
            "step_s": our_clock.step_s,
            "reference_step_s": their_clock.step_s,
            "step_speedup": their_clock.step_s / our_clock.step_s,
            "peak_gb": our_bytes / 1e9,
            "reference_peak_gb": their_bytes / 1e9,
            "memory_ratio": our_bytes / their_bytes,
            "max_latent_difference": (latents - their_latents).abs().max().item(),
        }

    def ours(self, settings: PaintSettings) -> Callable[["Clock"], Tensor]:
        """Paints up to the last step; gives its latents."""
        painter = Painter(self.parts)

        def run(clock: Clock) -> Tensor:
            def on_step(step: Step) -> None:
                clock.tick()
                if step.step == step.steps:
                    raise _Painted(step.latents)

            clock.start()
            try:
                painter.paint(self.canvas, settings, on_step)
            except _Painted as end:
                return end.latents
            raise RuntimeError("the last step was not told")

        return run

    def theirs(self, settings: PaintSettings) -> Callable[["Clock"], Tensor]:
        """The same, straightforwardly."""
        parts, texts = self.parts, naive.of(self.conditioning())
        factor, device = parts.vae_scale_factor, parts.device
        height, width = settings.height_px // factor, settings.width_px // factor
        sizes = [settings.height_px, settings.width_px, 0, 0, settings.height_px, settings.width_px]
        time_ids = torch.tensor(sizes, device=device, dtype=parts.dtype)
        attention = naive.NaiveAttention((), (height, width))

        def side(conditions: Any, pooled: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
            def predict(latents: Tensor, timestep: Tensor) -> Tensor:
                attention.conditions = conditions
                given = {"text": conditions[0][1], "pooled": pooled, "time_ids": time_ids}
                return naive.call(parts.unet, latents.to(parts.dtype), timestep.to(device), **given)

            return predict

        @torch.no_grad()
        def run(clock: Clock) -> Tensor:
            whole = [(torch.ones(90, 90, device=device), texts.negative)]
            sides = side(texts.conditions, texts.pooled), side(whole, texts.negative_pooled)
            model = naive_sampler.NaiveModel(*sides, settings.guidance)
            draws = [torch.Generator().manual_seed(seed) for seed in settings.seeds]
            noise = naive_sampler.naive_noise(draws, height, width).to(device)
            with naive.installed(parts.unet, attention):
                clock.start()
                counted = _Ticking(model, clock)
                return naive_sampler.naive_sample(counted, torch.zeros_like(noise), noise, settings.steps)

        return run

    def peak_bytes(self, whose: str) -> int:
        """The most memory of a step, with the model, in this process."""
        run = getattr(self, whose)(replace(SETTINGS, steps=2))
        clock = Clock(self.parts.device, limit=1)
        gauges.reset_peak(self.parts.device)
        with suppress(Enough):
            run(clock)
        return gauges.peak_bytes(self.parts.device)

    def _peaks(self) -> tuple[int, int]:
        return self.peak_bytes("ours"), self.peak_bytes("theirs")

    def images(self, repeats: int) -> dict[str, float]:
        """What whole images take."""
        parts, painter = self.parts, Painter(self.parts)
        flops = self._step_flops() * SETTINGS.steps
        their_s = min(self._their_image_s() for _ in range(min(repeats, 2)))
        compile_unet(parts.unet, parts.device, "auto")

        def image_s(settings: PaintSettings) -> float:
            painter.paint(self.canvas, replace(settings, steps=2), lambda _: None)  # compiles
            times: list[float] = []
            for number in range(repeats):
                seeded = replace(settings, seeds=(number,), negative_prompt=f"lowres, {number}")
                times.append(gauges.timed_s(partial(painter.paint, self.canvas, seeded, lambda _: None)))
            return statistics.median(times)

        whole_s = image_s(SETTINGS)
        return {
            "image_s": whole_s,
            "enlarged_s": image_s(replace(SETTINGS, high_resolution=1.5)),
            "draft_s": image_s(replace(SETTINGS, sampler="ddim_trailing", steps=8)),
            "reference_image_s": their_s,
            "speedup": their_s / whole_s,
            "flop_share": flops / gauges.plain_flops_per_s(parts.device, parts.dtype) / whole_s,
        }

    def _their_image_s(self) -> float:
        codec = Codec(self.parts.vae, self.parts.vae_scale_factor, self.parts.device)

        def paint() -> None:
            codec.decode(self.theirs(SETTINGS)(Clock(self.parts.device)))

        return gauges.timed_s(paint)

    def _step_flops(self) -> float:
        """Of one of our steps; keys and values of the texts are made before."""
        counter = FlopCounterMode(display=False)
        clock = Clock(self.parts.device, limit=2, around={1: counter})
        with suppress(Enough):
            self.ours(SETTINGS)(clock)
        return counter.get_total_flops()


class _Ticking:
    """A model of the naive sampler whose calls tick."""

    def __init__(self, model: naive_sampler.NaiveModel, clock: Clock) -> None:
        self._model = model
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, latents: Tensor, sigma: Tensor) -> Tensor:
        denoised = self._model(latents, sigma)
        self._clock.tick()
        return denoised


class _Painted(Exception):
    def __init__(self, latents: Tensor) -> None:
        super().__init__()
        self.latents = latents


def canvas_of(path: Path) -> Canvas:
    """The scene of a model's reply, of Canvas code, or of the first reply of a transcript."""
    text = path.read_text(encoding="utf-8")
    return parse(json.loads(text)[0]["assistant"] if path.suffix == ".json" else text)


def parts_of(size: str, device: torch.device) -> Parts:
    """SDXL's classes and tokenizers with random weights."""
    dtype = torch.float32 if device.type == "cpu" else torch.float16
    changes = CHANGES[size]
    tokenizer, tokenizer_2 = clip_tokenizers()
    torch.manual_seed(0)
    with torch.device(device):
        unet = UNet2DConditionModel.from_config(_config("unet", changes))
        vae = AutoencoderKL.from_config(_config("vae", changes))
        first = CLIPTextModel(CLIPTextConfig(**_config("text_encoder", changes)))
        second = CLIPTextModelWithProjection(CLIPTextConfig(**_config("text_encoder_2", changes)))
    for network in (unet, first, second):
        network.eval().requires_grad_(requires_grad=False).to(dtype)
    vae.eval().requires_grad_(requires_grad=False).to(
        torch.float32 if device.type == "cpu" else torch.bfloat16
    )
    return Parts(
        unet=unet,
        vae=vae,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer_2,
        text_encoder=first,
        text_encoder_2=second,
        scheduler_config=json.loads((CONFIG / "scheduler" / "scheduler_config.json").read_bytes()),
        vae_scale_factor=8,
        device=device,
        dtype=dtype,
    )


def _config(part: str, changes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    read = json.loads((CONFIG / part / "config.json").read_bytes())
    kept = {name: value for name, value in read.items() if not name.startswith("_")}
    return kept | changes[part]


def _child_peaks() -> tuple[int, int]:
    """The peaks of both ways, each in a process of its own."""
    ours, theirs = (
        int(
            subprocess.run(
                [sys.executable, *sys.argv, "--peak-of", whose], check=True, capture_output=True
            ).stdout
        )
        for whose in ("ours", "theirs")
    )
    return ours, theirs


def _arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    on_gpu = torch.cuda.is_available()
    parser.add_argument(
        "--canvas", type=Path, default=SAMPLE, help="a model's reply, Canvas code, or a transcript"
    )
    parser.add_argument("--device", default="cuda" if on_gpu else "cpu")
    size = "full" if on_gpu else "mid"
    parser.add_argument(
        "--size", choices=CHANGES, default=size, help="of the model: SDXL's own or a small one"
    )
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: about a minute of computing")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--peak-of", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    return parser.parse_args(given)


if __name__ == "__main__":
    main()
