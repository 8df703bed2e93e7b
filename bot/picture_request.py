"""What a command asks to be composed or painted: where it starts, and the settings that it names.

How that is done stands in `bot.one_shot`, and what is printed in `bot.report`.
"""

import asyncio
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import typer

from bot.one_shot import Job, Result, run
from bot.options import PictureSize
from bot.picture_output import STANDARD_OUTPUT, write_pictures
from bot.report import Report
from bot.results import note_text, result_object
from bot.scene_input import SceneInput, scene_from
from bot.settings import Settings
from engine.orders import SKETCH_STRENGTH
from storage.scene import SceneSettings


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """The command line's part of a job.

    Attributes:
        prompt: What to compose or to change; None paints the scene as it is.
        start: The scene to start from, if any.
        chosen: The settings that were named, as fields of `SceneSettings`; the others are as they were.
    """

    prompt: str | None
    start: SceneInput | None
    chosen: dict[str, Any]

    @classmethod
    def read(cls, prompt: str | None, source: str | None, settings: Settings, chosen: dict[str, Any]) -> Self:
        """A request that starts from a file, or from standard input.

        Raises:
            FileTrouble: It cannot be read.
            BadInput: What is in it is no scene.
        """
        start = scene_from(source, settings.scene_settings()) if source is not None else None
        return cls(prompt, start, chosen)

    def scene_settings(self, settings: Settings) -> SceneSettings:
        """What it is painted with: as the picture was that it starts from, but for what was chosen."""
        kept = self.start.scene.settings if self.start else settings.scene_settings()
        return replace(kept, **self.chosen)


def chosen_settings(
    size: PictureSize | None = None,
    *,
    lora: list[str] | None = None,
    sketch: bool | None = None,
    **options: float | str | None,
) -> dict[str, Any]:
    """The settings that options name; those that are None name nothing.

    Example:
        `chosen_settings(lora=["ink", "gold:0.5"], seed=None) == {"loras": "ink,gold:0.5"}`
    """
    sides = {"width_px": size.width_px, "height_px": size.height_px} if size else {}
    loras = ",".join(lora) if lora else None
    strength = None if sketch is None else SKETCH_STRENGTH if sketch else 1.0
    named = {**options, "loras": loras, "strength": strength}
    return sides | {name: value for name, value in named.items() if value is not None}


def carried_out(report: Report, settings: Settings, request: PictureRequest, *, paint: bool = True) -> Result:
    """What came of a request, whose progress is reported; without `paint` it is a scene alone.

    Raises:
        EngineError: The request was refused, or cannot be served here.
        StorageError: The temporary store failed.
    """
    start = request.start
    job = Job(
        prompt=request.prompt,
        scene=start.scene if start else None,
        png=start.png if start else None,
        settings=request.scene_settings(settings),
        limits=settings.studio_limits(),
        language=settings.language,
        paint=paint,
        backends=settings.backends(),
        safety=settings.studio_safety(),
    )
    with report.progress() as watch:
        return asyncio.run(run(job, watch))


def paint(report: Report, settings: Settings, request: PictureRequest, output: Path | None) -> None:
    """Carries a request out, writes its pictures and reports where they are; raises as `carried_out` does."""
    if output == STANDARD_OUTPUT:
        if sys.stdout.isatty():
            raise typer.BadParameter("a terminal shows no picture; name a file.", param_hint="--output")
        if report.as_json or request.scene_settings(settings).count != 1:
            raise typer.BadParameter("standard output takes one picture alone.", param_hint="--output")
    result = carried_out(report, settings, request)
    report.note(note_text(result, report.words))
    files = write_pictures(result.pictures, output, result.revision.id)
    if files:
        report.result("\n".join(map(str, files)), result_object(result, files))
