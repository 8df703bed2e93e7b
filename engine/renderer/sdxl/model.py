"""A loaded checkpoint that paints scenes: settings become what a painter knows, pictures become events.

Works in the caller's thread, one scene after the other. Knows nothing of event loops.
"""

import gc
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self, cast

import structlog
from PIL import Image

from canvas.model import Canvas, GlobalDescription
from engine.devices import empty_caches, is_out_of_memory
from engine.errors import BadSetting, EngineError, OutOfMemory, Unavailable
from engine.renderer import Base, Economy, RenderedImage, RenderEvent, RenderPreview, RenderStep
from engine.renderer.sdxl import edits
from engine.renderer.sdxl.compiling import compile_unet
from engine.renderer.sdxl.conditioning import Conditioner
from engine.renderer.sdxl.loading import Parts, load
from engine.renderer.sdxl.loras import Lora, LoraFolder, Loras, parse_loras
from engine.renderer.sdxl.memory import Residence, plan_for
from engine.renderer.sdxl.options import SdxlOptions
from engine.renderer.sdxl.painting import KeptPicture, Painter, PaintSettings, Step
from engine.renderer.sdxl.presets import SDXL_NATIVE_PX, SizeRange, preset
from engine.renderer.sdxl.preview_vae import load_preview_vae
from engine.renderer.sdxl.sampling import DEFAULT_SAMPLER, SAMPLERS
from storage.scene import SceneSettings

PREVIEWS: Final = 6
"""Of one painting at most."""

_WARM_UP: Final = SceneSettings(steps=2)

Hear = Callable[[RenderEvent], None]
"""Hears of each event; what it raises stops the painting within one step."""

_log = structlog.get_logger()


class SdxlModel:
    """Paints scenes with a checkpoint, one call at a time."""

    def __init__(self, parts: Parts, options: SdxlOptions) -> None:
        """Brings what stays on the device there.

        Raises:
            Unavailable: The device is too small.
        """
        self._backend = options.backend
        self._plan = plan_for(parts, options.memory)
        self._folder = LoraFolder(Path(options.loras).expanduser() if options.loras else None)
        self._loras = Loras(parts, self._folder)
        self._conditioner = Conditioner(parts, projected_pooled=options.projected_pooled)
        residence = Residence(parts, self._plan)
        self._painter = Painter(
            parts,
            conditioner=self._conditioner,
            on_device=residence.on_device,
            preview_vae=load_preview_vae(options, parts),
        )
        self._sizes = SizeRange.around(native_px(parts))
        self._warms_up = compile_unet(parts.unet, parts.device, options.compile)

    @classmethod
    def from_options(cls, options: SdxlOptions, read: Callable[[SdxlOptions], Parts] = load) -> Self:
        """Loads the checkpoint, fetching it if need be.

        Raises:
            Unavailable: It cannot be had, loaded or used here; the reason says why. Nothing of it is left.
        """
        try:
            return cls(read(options), options)
        except Unavailable as error:  # those who load know the usual name only
            reason = error.reason
        except (RuntimeError, MemoryError) as error:
            _log.error("model-not-usable", model=options.model, exc_info=error)
            reason = "not-enough-memory" if is_out_of_memory(error) else "model-failed"
        free_memory()
        raise Unavailable(options.backend, reason)  # outside of the handler: it shall not hold the model

    def warm_up(self, hear: Hear) -> None:
        """Has done what is only done once, if it takes long; tells of it and raises as `paint` does."""
        if self._warms_up:
            self.paint(Canvas(GlobalDescription("a red ball on a table")), _WARM_UP, hear)

    def paint(
        self,
        canvas: Canvas,
        settings: SceneSettings,
        hear: Hear,
        economy: Economy = Economy.NONE,
        base: Base | None = None,
    ) -> None:
        """Paints the scene's pictures, as `Renderer.render` promises.

        When this returns or raises, nothing of the pictures is left here, nor on an error.
        """
        try:
            work = _Work(self._painter, self._settings(settings, economy), hear)
            work.paint(canvas, settings, economy, base)
        except (RuntimeError, MemoryError, FloatingPointError) as error:
            failure = self._told(error)
        else:
            return
        raise failure  # outside of the handler: it shall not hold what the error holds

    def _settings(self, settings: SceneSettings, economy: Economy) -> PaintSettings:
        """The painter's settings; the LoRAs that belong to them act from now on."""
        settings, loras = self._expanded(settings)
        if settings.sampler not in SAMPLERS:
            raise BadSetting("sampler", settings.sampler, ", ".join(SAMPLERS))
        self._wear(loras)
        width_px, height_px = self._sizes.fit(settings.width_px, settings.height_px)
        painted = PaintSettings(
            width_px=width_px,
            height_px=height_px,
            seeds=settings.seeds,
            steps=settings.steps,
            guidance=settings.guidance,
            negative_prompt=settings.negative_prompt,
            sampler=settings.sampler,
            sketch=settings.strength < 1,
            strength=settings.strength,
            high_resolution=settings.high_resolution,
            depth=settings.depth,
            size_step_px=self._sizes.step_px,
        )
        return replace(painted, tiled=economy >= Economy.TILED or self._plan.tiles(*painted.size_px))

    def _expanded(self, settings: SceneSettings) -> tuple[SceneSettings, tuple[Lora, ...]]:
        """The settings with their preset spelt out, and all LoRAs: the preset's own wins over the same."""
        loras = parse_loras(settings.loras)
        if not settings.preset:
            return replace(settings, sampler=settings.sampler or DEFAULT_SAMPLER), loras
        chosen = preset(settings.preset, self._folder.names())
        if chosen.lora:
            others = tuple(lora for lora in loras if lora.name != chosen.lora)
            loras = (*others, Lora(chosen.lora, chosen.lora_weight))
        settings = replace(settings, sampler=chosen.sampler, steps=chosen.steps, guidance=chosen.guidance)
        return settings, loras

    def _wear(self, loras: tuple[Lora, ...]) -> None:
        before = self._loras.worn
        try:
            self._loras.wear(loras)
        finally:
            if self._loras.worn != before:
                self._conditioner.forget()

    def _told(self, error: Exception) -> EngineError:
        """What is said of an error of the model; the log has it."""
        if is_out_of_memory(error):
            _log.warning("picture-out-of-memory", error=str(error)[:500])
            return OutOfMemory()
        _log.error("model-failed", exc_info=error)
        return Unavailable(self._backend, "model-failed")


class _Work:
    """One scene being painted."""

    def __init__(self, painter: Painter, settings: PaintSettings, hear: Hear) -> None:
        self._painter = painter
        self._settings = settings
        self._hear = hear

    def paint(self, canvas: Canvas, settings: SceneSettings, economy: Economy, base: Base | None) -> None:
        pictures = self._pictures(canvas, settings, economy, base)
        for index, (seed, picture) in enumerate(zip(self._settings.seeds, pictures, strict=True)):
            self._hear(RenderedImage(index, seed, picture))

    def _pictures(
        self, canvas: Canvas, settings: SceneSettings, economy: Economy, base: Base | None
    ) -> Iterator[Image.Image]:
        whole = self._settings
        each = [replace(whole, seeds=(seed,)) for seed in whole.seeds]
        if base and edits.only_enlarges(base, canvas, settings, whole.small_px):
            for one, picture in zip(each, base.pictures, strict=True):
                yield from self._painter.enlarge(canvas, one, [picture], self._on_step)
        elif base and (edit := edits.plan(base, canvas, settings, whole.size_px)):
            for one, picture in zip(each, base.pictures, strict=True):
                kept = KeptPicture(picture, edit.mask)
                (painted,) = self._painter.paint(canvas, one, self._on_step, kept)
                yield edit.applied(painted, picture)
        else:
            for batch in each if economy >= Economy.ONE_BY_ONE else [whole]:
                yield from self._painter.paint(canvas, batch, self._on_step)

    def _on_step(self, step: Step) -> None:
        self._hear(RenderStep(step.step, step.steps))
        every = -(-step.steps // (PREVIEWS + 1))
        if step.step % every == 0 and step.step < step.steps:
            self._hear(RenderPreview(self._painter.preview(step.latents[0])))


def native_px(parts: Parts) -> int:
    """The side of the square that a checkpoint was trained with, or of one as large as what it was."""
    latents: int | tuple[int, int] | None = cast("Any", parts.unet.config).sample_size
    if not latents:
        return SDXL_NATIVE_PX
    side = latents if isinstance(latents, int) else math.isqrt(math.prod(latents))
    return side * parts.vae_scale_factor


def free_memory() -> None:
    """Gives back what models that nobody holds any more have left."""
    gc.collect()  # networks are full of cycles
    empty_caches()
