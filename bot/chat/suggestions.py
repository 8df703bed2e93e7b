"""What can be completed while somebody types: presets, LoRA, samplers, sizes, regions, their own scenes."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from bot.captions import title
from bot.chat.heard import Heard
from bot.chat.region_panels import region_options
from bot.chat.views import Option
from bot.region_form import shortened
from bot.replies import Words
from bot.settings import Settings
from bot.sizes import SIZES
from engine.renderer.sdxl.options import SAMPLERS
from engine.renderer.sdxl.presets import DRAFT, QUALITY
from storage.records import Revision
from storage.store import Store

MAX_SUGGESTIONS: Final = 25


class Suggestions:
    """Completes what somebody types."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    async def of(self, heard: Heard, what: str, typed: str) -> tuple[Option, ...]:
        """At most `MAX_SUGGESTIONS` that fit what was typed; nothing for what cannot be completed.

        `what` is `preset`, `lora`, `sampler`, `size`, `region` (of the newest scene) or `scene`.
        """
        match what:
            case "preset":
                found = preset_options(self._settings, heard.words)
            case "lora":
                return await self._loras(typed)
            case "sampler":
                found = _as_they_are(SAMPLERS)
            case "size":
                found = size_options(heard.words)
            case "region":
                found = await self._regions(heard)
            case "scene":
                return await self._scenes(heard, typed)
            case _:
                found = ()
        return _fitting(found, typed)

    async def _loras(self, typed: str) -> tuple[Option, ...]:
        """Several can be named with commas between: the last one is completed."""
        before, comma, last = typed.rpartition(",")
        names = await asyncio.to_thread(lora_names, self._settings.sdxl.loras)
        fitting = _fitting(_as_they_are(names), last)
        return tuple(Option(before + comma + each.label, before + comma + each.value) for each in fitting)

    async def _regions(self, heard: Heard) -> tuple[Option, ...]:
        head = await self._store.head(heard.chat.conversation)
        return region_options(head.scene.canvas) if head else ()

    async def _scenes(self, heard: Heard, typed: str) -> tuple[Option, ...]:
        found = await self._store.own_scenes(heard.person, typed.strip(), MAX_SUGGESTIONS)
        return tuple(_scene_option(revision) for revision in found)


def preset_options(settings: Settings, words: Words) -> tuple[Option, ...]:
    """The presets that can be chosen here."""
    quality = Option(words.text("Quality"), QUALITY)
    if not settings.sdxl.loras:  # a draft needs one of them
        return (quality,)
    return (quality, Option(words.text("Draft"), DRAFT))


def size_options(words: Words) -> tuple[Option, ...]:
    """The sizes that have names; the values are read by `scene_options.read_size`."""
    return tuple(
        Option(f"{words.text(name)} · {width} × {height}", f"{width}x{height}")
        for name, (width, height) in SIZES.items()
    )


def lora_names(folder: str) -> tuple[str, ...]:
    """The LoRA files of a folder by name; none where it cannot be read. It blocks: a disk is asked."""
    if not folder:
        return ()
    try:
        return tuple(sorted(file.stem for file in Path(folder).iterdir() if file.suffix == ".safetensors"))
    except OSError:
        return ()


def _as_they_are(names: Iterable[str]) -> tuple[Option, ...]:
    return tuple(Option(name, name) for name in names)


def _fitting(options: Sequence[Option], typed: str) -> tuple[Option, ...]:
    wanted = typed.strip().casefold()
    fitting = (one for one in options if wanted in one.label.casefold() or wanted in one.value.casefold())
    return tuple(fitting)[:MAX_SUGGESTIONS]


def _scene_option(revision: Revision) -> Option:
    return Option(shortened(" ".join(title(revision).split())), revision.id)
