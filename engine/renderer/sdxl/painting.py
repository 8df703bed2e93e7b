"""From a canvas to pictures: the base pass, the high-resolution pass, and what lies between.

Works in the caller's thread and keeps no tensor of a picture when it is done. Knows nothing of events and
edits: the callback of a step may raise, and a part of an earlier picture can be kept.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from canvas.layout import color_sketch
from canvas.model import Canvas
from engine.devices import empty_caches, is_out_of_memory
from engine.renderer.sdxl.attention import RegionAttention
from engine.renderer.sdxl.codec import Codec
from engine.renderer.sdxl.conditioning import Conditioner, Conditioning
from engine.renderer.sdxl.loading import Parts
from engine.renderer.sdxl.pacing import Pace
from engine.renderer.sdxl.presets import enlarges
from engine.renderer.sdxl.previews import Previews
from engine.renderer.sdxl.sampling import DEFAULT_SAMPLER, Kept, sample, schedule

SIZE_STEP_PX: Final = 64
"""Sizes of SDXL's pictures are multiples of this."""

HIGH_RESOLUTION_STEPS: Final = 20
HIGH_RESOLUTION_STRENGTH: Final = 0.4

_SKETCH_BLUR_CELLS: Final = 40


OnDevice = Callable[..., AbstractContextManager[None]]
"""Has the networks of these names, as in `Parts.networks`, on the device."""


@dataclass(frozen=True, slots=True)
class PaintSettings:
    """How pictures are painted.

    Attributes:
        width_px: Cut down to a multiple of `size_step_px`, as is the height.
        seeds: One for each picture of the batch.
        sampler: One of `sampling.SAMPLERS`.
        sketch: Whether the painting starts from the coarse colours of the canvas, not from noise alone.
        strength: How much of what it starts from, a sketch or a kept picture, is painted over: .95 to .99 of
            a sketch; 1 is all of it.
        high_resolution: By how much the pictures are enlarged and painted again; up to 1.05 they are not.
        depth: Whether near regions soften what lies under them in far ones.
        tiled: Whether pictures are decoded tile by tile, for want of memory.
        size_step_px: What the sides of pictures are multiples of, those of enlarged ones too.
    """

    width_px: int
    height_px: int
    seeds: tuple[int, ...]
    steps: int = 25
    guidance: float = 5.0
    negative_prompt: str = ""
    sampler: str = DEFAULT_SAMPLER
    sketch: bool = False
    strength: float = 1.0
    high_resolution: float = 1.0
    depth: bool = False
    tiled: bool = False
    size_step_px: int = SIZE_STEP_PX

    @property
    def small_px(self) -> tuple[int, int]:
        """Width and height in which the pictures are painted first."""
        sides = (max(1, side_px // self.size_step_px) for side_px in (self.width_px, self.height_px))
        width, height = (steps * self.size_step_px for steps in sides)
        return width, height

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the pictures in the end."""
        if not self.enlarges:
            return self.small_px
        scale, step_px = self.high_resolution, self.size_step_px
        width, height = (round(side_px * scale / step_px) * step_px for side_px in self.small_px)
        return width, height

    @property
    def enlarges(self) -> bool:
        """Whether there is a high-resolution pass."""
        return enlarges(self.high_resolution)


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """An earlier picture of which only a part is painted anew.

    Its latents are kept; outside the mask its pixels come back as near as the VAE renders them.

    Attributes:
        picture: Of any size; each pass takes it at its own.
        mask: Greyscale, of any size: white where it is painted anew, black where it stays, grey in the seam.
    """

    picture: Image.Image
    mask: Image.Image


@dataclass(frozen=True, slots=True)
class Step:
    """Step `step` of `steps`, over all passes, is done; on a GPU it is under way, see `Pace`.

    Attributes:
        latents: float32 [pictures, channels, height, width], what the pictures will probably become.
    """

    step: int
    steps: int
    latents: Tensor


class Painter:
    """Paints canvases with an SDXL model, one call at a time."""

    def __init__(
        self,
        parts: Parts,
        *,
        conditioner: Conditioner | None = None,
        on_device: OnDevice | None = None,
        preview_vae: Any | None = None,
    ) -> None:
        """Takes a checkpoint and who looks after where it is, and an `AutoencoderTiny` for previews if any.

        Without `on_device` all networks are on the device already.
        """
        self._parts = parts
        self._conditioner = conditioner or Conditioner(parts)
        self._attention = RegionAttention(parts.unet)
        self._on_device = on_device or _there
        at_hand = partial(self._on_device, "vae")
        self._codec = Codec(parts.vae, parts.vae_scale_factor, parts.device, at_hand)
        self._previews = Previews(self._codec, preview_vae)

    @torch.no_grad()
    def paint(
        self,
        canvas: Canvas,
        settings: PaintSettings,
        on_step: Callable[[Step], None],
        kept: KeptPicture | None = None,
    ) -> list[Image.Image]:
        """The pictures, one for each seed. The same settings and seed give the same picture in every batch.

        What `on_step` raises stops the work at once and is passed on.

        Raises:
            UnknownSampler: There is no such sampler.
            torch.OutOfMemoryError: They do not fit; all that was taken for them is free again. A CPU says
                MemoryError or RuntimeError, see `is_out_of_memory`.
            FloatingPointError: The model's results are not finite.
        """
        return _freed_if_full(lambda: self._work(canvas, settings, on_step, kept).pictures(canvas))

    @torch.no_grad()
    def enlarge(
        self,
        canvas: Canvas,
        settings: PaintSettings,
        pictures: Sequence[Image.Image],
        on_step: Callable[[Step], None],
    ) -> list[Image.Image]:
        """The high-resolution pass alone, of pictures that are there: one for each seed, in `small_px`.

        A picture that was painted with these settings but for `high_resolution`, by a sampler that draws no
        noise on its way, becomes what it would have become at once. Raises as `paint` does.
        """
        return _freed_if_full(lambda: self._work(canvas, settings, on_step).enlarged(pictures))

    def preview(self, latents: Tensor) -> Image.Image:
        """What the latents of one picture, of a step's, look like; small."""
        return self._previews.picture(latents)

    def _work(
        self,
        canvas: Canvas,
        settings: PaintSettings,
        on_step: Callable[[Step], None],
        kept: KeptPicture | None = None,
    ) -> "_Painting":
        with self._on_device("text_encoder", "text_encoder_2"):
            conditioning = self._conditioner.condition(canvas, settings.negative_prompt, depth=settings.depth)
        return _Painting(
            parts=self._parts,
            codec=self._codec,
            attention=self._attention,
            on_device=self._on_device,
            conditioning=conditioning,
            settings=settings,
            on_step=on_step,
            kept=kept,
            # on the CPU: a seed means the same picture on every device
            generators=[torch.Generator().manual_seed(seed) for seed in settings.seeds],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Painting:
    """One call of `Painter.paint`: what its passes have in common."""

    parts: Parts
    codec: Codec
    attention: RegionAttention
    on_device: OnDevice
    conditioning: Conditioning
    settings: PaintSettings
    on_step: Callable[[Step], None]
    kept: KeptPicture | None
    generators: list[torch.Generator]

    def pictures(self, canvas: Canvas) -> list[Image.Image]:
        settings = self.settings
        initial = self._initial(canvas)
        strength = settings.strength if settings.sketch or self.kept else 1.0
        later = HIGH_RESOLUTION_STEPS if settings.enlarges else 0
        latents = self._pass(initial, settings.steps, strength, later=later)
        if settings.enlarges:
            latents = self._enlarged(self._decoded(latents), done=settings.steps)
        return self._decoded(latents)

    def enlarged(self, pictures: Sequence[Image.Image]) -> list[Image.Image]:
        self._draw_noise()
        return self._decoded(self._enlarged(pictures, done=0))

    def _draw_noise(self) -> None:
        """Lets the generators go on as far as the first pass takes them at its start."""
        for generator in self.generators:
            torch.randn((1, *self._small_shape), generator=generator)

    @property
    def _small_shape(self) -> tuple[int, int, int]:
        width, height = (side_px // self.codec.factor for side_px in self.settings.small_px)
        channels: int = cast("Any", self.parts.unet.config).in_channels
        return channels, height, width

    def _initial(self, canvas: Canvas) -> Tensor:
        """What the first pass adds noise to."""
        settings, size = self.settings, self.settings.small_px
        if settings.sketch:
            return self.codec.encode_pixels(sketch_pixels(canvas, *size), tiled=settings.tiled)
        if self.kept and settings.strength < 1:
            return self.codec.encode([_resized(self.kept.picture, size)], tiled=settings.tiled)
        return torch.zeros((1, *self._small_shape), device=self.parts.device)

    def _decoded(self, latents: Tensor) -> list[Image.Image]:
        return self.codec.decode(latents, tiled=self.settings.tiled)

    def _enlarged(self, pictures: Sequence[Image.Image], *, done: int) -> Tensor:
        """The latents of the pictures, enlarged and painted again after `done` steps."""
        large = [_resized(picture, self.settings.size_px) for picture in pictures]
        initial = self.codec.encode(large, tiled=self.settings.tiled)
        return self._pass(initial, HIGH_RESOLUTION_STEPS, HIGH_RESOLUTION_STRENGTH, done=done)

    def _pass(self, initial: Tensor, steps: int, strength: float, *, done: int = 0, later: int = 0) -> Tensor:
        """Paints at the size of the initial latents; so many steps were taken before, and come later."""
        plan = schedule(self.settings.sampler, steps, strength, self.parts.scheduler_config)
        pace = Pace.on(self.parts.device)

        def on_step(step: int, _of_this_pass: int, latents: Tensor) -> None:
            pace.step()
            self.on_step(Step(done + step, done + steps + later, latents))

        height, width = initial.shape[-2:]
        kept = self._kept_latents(width, height)
        with self._attending(height, width):
            denoise = self._denoiser(height, width)
            return sample(plan, initial, denoise, self.generators, on_step=on_step, kept=kept)

    @contextmanager
    def _attending(self, height: int, width: int) -> Generator[None]:
        with self.on_device("unet"):
            try:
                self.attention.prepare(self.conditioning, height, width, len(self.generators))
                yield
            finally:
                self.attention.clear()

    @property
    def _sides(self) -> int:
        """Of guidance: positive and negative, in one call; with a weight of 1 the second counts nothing."""
        return 1 if self.settings.guidance == 1 else 2

    def _denoiser(self, height: int, width: int) -> Callable[[Tensor, Tensor], Tensor]:
        """The model under guidance."""
        unet: Any = self.parts.unet
        guidance, dtype = self.settings.guidance, self.parts.dtype
        added = self._added(height, width)
        # the attention knows the texts; the model wants to be given something
        text = self.conditioning.negative.to(self.parts.device, dtype)[None]

        def denoise(latents: Tensor, timestep: Tensor) -> Tensor:
            batch = latents.to(dtype).repeat(self._sides, 1, 1, 1)
            predicted: Tensor = unet(
                batch,
                timestep.to(batch.device),
                encoder_hidden_states=text.expand(len(batch), -1, -1),
                added_cond_kwargs=added,
                return_dict=False,
            )[0].float()
            if self._sides == 1:
                return predicted
            positive, negative = predicted.chunk(2)
            return negative + guidance * (positive - negative)

        return denoise

    def _added(self, height: int, width: int) -> dict[str, Tensor]:
        """SDXL's other conditions: the pooled texts, and the size as original size, cut and target size."""
        device, dtype = self.parts.device, self.parts.dtype
        height_px, width_px = height * self.codec.factor, width * self.codec.factor
        size = torch.tensor([[height_px, width_px, 0, 0, height_px, width_px]], device=device, dtype=dtype)
        pooled = torch.stack([self.conditioning.pooled, self.conditioning.negative_pooled][: self._sides])
        texts = pooled.repeat_interleave(len(self.generators), dim=0)
        return {"text_embeds": texts.to(device, dtype), "time_ids": size.expand(len(texts), -1)}

    def _kept_latents(self, width: int, height: int) -> Kept | None:
        if self.kept is None:
            return None
        size = width * self.codec.factor, height * self.codec.factor
        latents = self.codec.encode([_resized(self.kept.picture, size)], tiled=self.settings.tiled)
        mask = self.kept.mask.convert("L").resize((width, height), Image.Resampling.BOX)
        shares = torch.as_tensor(np.asarray(mask, dtype=np.float32) / 255)[None, None]
        return Kept(latents, shares.to(latents.device))


def sketch_pixels(canvas: Canvas, width_px: int, height_px: int) -> Tensor:
    """The coarse colours of a canvas, blurred: float32 [1, 3, height, width] between -1 and 1."""
    cells = torch.as_tensor(color_sketch(canvas)).float().movedim(-1, 0)[None] / 127.5 - 1
    padded = functional.pad(cells, [_SKETCH_BLUR_CELLS] * 4, mode="reflect")
    blurred = functional.avg_pool2d(padded, 2 * _SKETCH_BLUR_CELLS + 1, stride=1)
    return functional.interpolate(blurred, (height_px, width_px), mode="bilinear")


def _there(*_names: str) -> AbstractContextManager[None]:
    return nullcontext()


def _freed_if_full(paint: Callable[[], list[Image.Image]]) -> list[Image.Image]:
    """Paints; an error that the memory is full holds nothing of what was painted."""
    try:
        return paint()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        full = error.with_traceback(None)  # which held every tensor on the way
    empty_caches()
    try:
        raise full
    finally:
        del full  # its new traceback holds this frame


def _resized(picture: Image.Image, size: Sequence[int]) -> Image.Image:
    return picture.convert("RGB").resize((size[0], size[1]), Image.Resampling.LANCZOS)
