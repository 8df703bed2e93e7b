"""The options and arguments of the commands: their types, their help, and what is refused at once.

What is asked for is known here, what it is for is not.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

_DIFFUSION = "With the renderers sdxl and tiny"


@dataclass(frozen=True, slots=True)
class PictureSize:
    """What `--size` says."""

    width_px: int
    height_px: int


def _size(text: str) -> PictureSize:
    sides = re.fullmatch(r"([0-9]{1,9})[x×*]([0-9]{1,9})", text.strip().lower())
    if not sides:
        raise typer.BadParameter(f"{text!r} is not WIDTHxHEIGHT in pixels, as in 896x1152.")
    return PictureSize(int(sides[1]), int(sides[2]))


@dataclass(frozen=True, slots=True)
class WorkerRoles:
    """What `--roles` says."""

    names: tuple[str, ...]


def _roles(text: str) -> WorkerRoles:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if not set(names) <= {"llm", "image"}:
        raise typer.BadParameter(f"{text!r} is not llm, image, or llm,image.")
    return WorkerRoles(names)


def _name(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text):
        raise typer.BadParameter("a name has 1 to 64 letters, digits, dots and dashes.")
    return text


def _output_file(path: Path | None) -> Path | None:
    """Refuses before the work what could not be written after it."""
    if path is None or str(path) == "-":
        return path
    if path.suffix.lower() not in ("", ".png"):
        raise typer.BadParameter(f"pictures are PNG files; call it {path.with_suffix('.png')}.")
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a folder.")
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}.")
    return path


Prompt = Annotated[
    str, typer.Argument(metavar="PROMPT", help="What the picture shall show, or what shall change in it.")
]
CanvasArgument = Annotated[
    str, typer.Argument(metavar="CANVAS", help="Canvas code, one of our pictures, or - for standard input.")
]
Edit = Annotated[
    str | None,
    typer.Option(metavar="CANVAS", help="The scene to change: Canvas code, one of our pictures, or -."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        callback=_output_file,
        show_default="omost-<id>.png",
        help="The picture's file, or - for standard output. Of several pictures, FILE-1, FILE-2 ...",
    ),
]
Size = Annotated[
    PictureSize | None,
    typer.Option(metavar="WxH", parser=_size, help="The picture's size in pixels, 256 to 2048 a side."),
]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Another seed gives another picture.")]
Count = Annotated[int | None, typer.Option(metavar="N", help="How many pictures, each with the next seed.")]
Composer = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Who writes the scene: embedded, transformers or openai."),
]
Renderer = Annotated[
    str | None, typer.Option(metavar="NAME", help="Who paints it: storyboard, tiny or sdxl.")
]
Preset = Annotated[
    str | None,
    typer.Option(metavar="NAME", rich_help_panel=_DIFFUSION, help="quality, or draft: few steps, by a LoRA."),
]
Sampler = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", rich_help_panel=_DIFFUSION, help="The way from noise to the picture, as euler_a."
    ),
]
Steps = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=_DIFFUSION, help="Denoising steps, 1 to 150.")
]
Guidance = Annotated[
    float | None,
    typer.Option(metavar="X", rich_help_panel=_DIFFUSION, help="How closely it follows the words, 0 to 30."),
]
Lora = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME[:WEIGHT]", rich_help_panel=_DIFFUSION, help="A LoRA file by name; can be given again."
    ),
]
Enlarge = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        rich_help_panel=_DIFFUSION,
        help="Enlarge it, up to 2 times, and paint it once more.",
    ),
]
Sketch = Annotated[
    bool | None,
    typer.Option(
        "--sketch/--no-sketch",
        rich_help_panel=_DIFFUSION,
        show_default=False,
        help="Begin with the scene's coarse colours.",
    ),
]
Steady = Annotated[
    bool | None,
    typer.Option(
        "--steady/--no-steady",
        rich_help_panel=_DIFFUSION,
        show_default=False,
        help="Whether a change of a picture leaves untouched what was not asked to change.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object instead, for a result as for an error.")
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", show_default="./config.toml, if there is one", help="The settings file."),
]
Roles = Annotated[
    WorkerRoles | None,
    typer.Option(
        metavar="ROLES",
        parser=_roles,
        show_default="as in the settings",
        help="What it does: llm composes, image paints; llm,image does both.",
    ),
]
WorkerName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        callback=_name,
        show_default="<host>-gpu",
        help="Its identity on the database: no other process may have it.",
    ),
]
Leashed = Annotated[bool, typer.Option("--leashed", hidden=True)]
