"""What `benchmarks/renderer.py` compares is alike, and all of it runs."""

import copy
from dataclasses import replace

import pytest
import torch

from benchmarks import gauges, renderer
from benchmarks.gauges import Clock
from benchmarks.renderer import Bench, canvas_of
from tests.engine.sdxl.test_attention import assert_near

CPU = torch.device("cpu")
SMALL = replace(renderer.SETTINGS, width_px=128, height_px=64, steps=4)


@pytest.fixture(scope="module")
def bench(parts):
    """With softer attention than random weights have: theirs makes a rounding a thousand times larger."""
    unet = copy.deepcopy(parts.unet)
    for name, module in unet.named_modules():
        if name.endswith("attn2.to_k"):
            module.weight.data *= 0.1
    return Bench(canvas_of(renderer.SAMPLE), replace(parts, unet=unet), step_count=4)


def test_both_ways_paint_the_same(bench):
    """Else it would be no wonder that one is faster. Every step of both is timed."""
    clocks = Clock(CPU), Clock(CPU)
    ours, theirs = (way(SMALL)(clock) for way, clock in zip((bench.ours, bench.theirs), clocks, strict=True))
    assert theirs.std() > 0.5
    assert_near(ours, theirs)
    assert [len(clock._ticks) for clock in clocks] == [4, 4]
    assert all(clock.step_s > 0 for clock in clocks)


def test_another_scene_would_show(bench):
    """The comparison is of this very scene: with fewer regions the latents are others."""
    fewer = replace(bench.canvas, local_descriptions=bench.canvas.local_descriptions[:1])
    other = replace(bench, canvas=fewer).theirs(SMALL)(Clock(CPU))
    assert (bench.ours(SMALL)(Clock(CPU)) - other).abs().max() > 1e-2


def test_figures_of_steps(bench, monkeypatch):
    """Times, their ratio, the ratio of the peaks, and how far apart the latents are."""
    monkeypatch.setattr(renderer, "SETTINGS", SMALL)
    figures = bench.steps(memory=lambda: (2, 8))
    assert figures["memory_ratio"] == 0.25
    assert figures["step_speedup"] == figures["reference_step_s"] / figures["step_s"]
    assert figures["max_latent_difference"] < 1e-4


def test_figures_of_images_are_those_of_a_gpu(bench, monkeypatch):
    """What only a GPU is asked for runs to its end, here in small."""
    monkeypatch.setattr(renderer, "SETTINGS", SMALL)
    monkeypatch.setattr(gauges, "PLAIN_SIDE", 64)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    figures = bench.images(1)
    assert all(figure > 0 for figure in figures.values())
    assert figures["speedup"] == figures["reference_image_s"] / figures["image_s"]


def test_peaks_are_of_this_process(bench, monkeypatch):
    """Either way's peak is at least what the process takes."""
    monkeypatch.setattr(renderer, "SETTINGS", SMALL)
    for whose in ("ours", "theirs"):
        assert bench.peak_bytes(whose) > 50_000_000
