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
from engine.devices import is_out_of_memory
from engine.renderer.sdxl.attention import RegionAttention
from engine.renderer.sdxl.codec import Codec
from engine.renderer.sdxl.conditioning import Conditioner, Conditioning
from engine.renderer.sdxl.loading import Parts
from engine.renderer.sdxl.previews import Previews
from engine.renderer.sdxl.sampling import DEFAULT_SAMPLER, Kept, sample, schedule

SIZE_STEP_PX: Final = 64
"""Sizes are multiples of this."""

HIGH_RESOLUTION_STEPS: Final = 20
HIGH_RESOLUTION_STRENGTH: Final = 0.4
_LEAST_ENLARGEMENT: Final = 1.05

_SKETCH_BLUR_CELLS: Final = 40


OnDevice = Callable[..., AbstractContextManager[None]]
"""Has the networks of these names, as in `Parts.networks`, on the device."""


@dataclass(frozen=True, slots=True)
class PaintSettings:
    """How pictures are painted.

    Attributes:
        width_px: Cut down to a multiple of `SIZE_STEP_PX`, as is the height.
        seeds: One for each picture of the batch.
        sampler: One of `sampling.SAMPLERS`.
        sketch: Whether the painting starts from the coarse colours of the canvas, not from noise alone.
        strength: How much of what it starts from, a sketch or a kept picture, is painted over: .95 to .99 of
            a sketch; 1 is all of it.
        high_resolution: By how much the pictures are enlarged and painted again; up to 1.05 they are not.
        depth: Whether near regions soften what lies under them in far ones.
        tiled: Whether pictures are decoded tile by tile, for want of memory.
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
    """Step `step` of `steps`, over all passes, is done.

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
        try:
            return self._painted(canvas, settings, on_step, kept)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            full = error.with_traceback(None)  # which held every tensor on the way
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        try:
            raise full
        finally:
            del full  # its new traceback holds this frame

    def preview(self, latents: Tensor) -> Image.Image:
        """What the latents of one picture, of a step's, look like; small."""
        return self._previews.picture(latents)

    def _painted(
        self,
        canvas: Canvas,
        settings: PaintSettings,
        on_step: Callable[[Step], None],
        kept: KeptPicture | None,
    ) -> list[Image.Image]:
        with self._on_device("text_encoder", "text_encoder_2"):
            conditioning = self._conditioner.condition(canvas, settings.negative_prompt, depth=settings.depth)
        work = _Painting(
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
        return work.pictures(canvas)


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
        size = _floored(settings.width_px), _floored(settings.height_px)
        initial = self._initial(canvas, size)
        strength = settings.strength if settings.sketch or self.kept else 1.0
        latents = self._pass(initial, settings.steps, strength, done=0)
        if self._enlarges:
            larger = self._enlarged(latents, size)
            latents = self._pass(larger, HIGH_RESOLUTION_STEPS, HIGH_RESOLUTION_STRENGTH, done=settings.steps)
        return self.codec.decode(latents, tiled=settings.tiled)

    @property
    def _enlarges(self) -> bool:
        return self.settings.high_resolution > _LEAST_ENLARGEMENT

    def _initial(self, canvas: Canvas, size: tuple[int, int]) -> Tensor:
        """What the base pass adds noise to."""
        settings = self.settings
        if settings.sketch:
            return self.codec.encode_pixels(sketch_pixels(canvas, *size), tiled=settings.tiled)
        if self.kept and settings.strength < 1:
            return self.codec.encode([_resized(self.kept.picture, size)], tiled=settings.tiled)
        width, height = (side_px // self.codec.factor for side_px in size)
        channels: int = cast("Any", self.parts.unet.config).in_channels
        return torch.zeros((1, channels, height, width), device=self.parts.device)

    def _enlarged(self, latents: Tensor, size: tuple[int, int]) -> Tensor:
        """The latents of the enlarged pictures."""
        scale = self.settings.high_resolution
        larger = [round(side_px * scale / SIZE_STEP_PX) * SIZE_STEP_PX for side_px in size]
        small = self.codec.decode(latents, tiled=self.settings.tiled)
        pictures = [_resized(picture, larger) for picture in small]
        return self.codec.encode(pictures, tiled=self.settings.tiled)

    def _pass(self, initial: Tensor, steps: int, strength: float, *, done: int) -> Tensor:
        """Paints at the size of the initial latents; `done` steps were taken before."""
        plan = schedule(self.settings.sampler, steps, strength, self.parts.scheduler_config)
        all_steps = self.settings.steps + (HIGH_RESOLUTION_STEPS if self._enlarges else 0)

        def on_step(step: int, _of_this_pass: int, latents: Tensor) -> None:
            self.on_step(Step(done + step, all_steps, latents))

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


def _floored(side_px: int) -> int:
    return max(1, side_px // SIZE_STEP_PX) * SIZE_STEP_PX


def _resized(picture: Image.Image, size: Sequence[int]) -> Image.Image:
    return picture.convert("RGB").resize((size[0], size[1]), Image.Resampling.LANCZOS)
