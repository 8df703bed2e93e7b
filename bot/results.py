"""What came of a command, as text for people and as JSON values for scripts.

The JSON's names are documented in `docs/command-line.md`; scripts rely on them. Nothing here prints.
"""

from collections.abc import Sequence
from pathlib import Path

from bot.one_shot import Picture, Result
from bot.replies import Words
from canvas import Canvas, Change, Repair, regions, write

JsonObject = dict[str, object]


def scene_object(canvas: Canvas) -> JsonObject:
    """A canvas: its code, its regions from far to near, and what was mended while reading it."""
    return {
        "description": canvas.global_description.description,
        "canvas": write(canvas),
        "regions": [
            {
                "index": region.index,
                "description": region.description,
                "rect": list(region.rect),
                "color": list(region.color),
                "distance": region.distance,
            }
            for region in regions(canvas)
        ],
        "repairs": [_repair_object(repair) for repair in canvas.repairs],
    }


def result_object(result: Result, files: Sequence[Path] = ()) -> JsonObject:
    """What came of a request; `files` are the result's pictures as they were written."""
    settings = result.revision.scene.settings
    return {
        "prompt": result.revision.prompt,
        "remark": result.remark,
        "composer": settings.composer,
        "renderer": settings.renderer,
        "seed": settings.seed,
        **scene_object(result.revision.scene.canvas),
        "changes": [_change_object(change) for change in result.changes],
        "files": [_file_object(*pair) for pair in zip(files, result.pictures, strict=False)],
        "seconds": {"compose": round(result.compose_s, 3), "paint": round(result.paint_s, 3)},
    }


def scene_text(name: str, canvas: Canvas, words: Words) -> str:
    """A canvas in some lines: how many regions and repairs, and which."""
    counted = ", ".join(
        (
            words.count("{number} region", "{number} regions", len(canvas.local_descriptions)),
            words.count("{number} repair", "{number} repairs", len(canvas.repairs)),
        )
    )
    lines = [f"{name}: {counted}", f"  {canvas.global_description.description}"]
    lines += [f"  - {region.description}" for region in regions(canvas)]
    return "\n".join((*lines, *map(words.repair, canvas.repairs)))


def note_text(result: Result, words: Words) -> str:
    """What a person wants to know beside the result: the remark, the changes, the repairs, another size."""
    scene = result.revision.scene
    changes = (f"- {words.change(change)}" for change in result.changes)
    sizes = (words.other_size(scene.settings, each.width_px, each.height_px) for each in result.pictures)
    lines = (result.remark, *changes, *map(words.repair, scene.canvas.repairs), *dict.fromkeys(sizes))
    return "\n".join(line for line in lines if line)


def _repair_object(repair: Repair) -> JsonObject:
    return {"line": repair.line, "what": repair.what, "found": repair.found, "used": repair.used}


def _change_object(change: Change) -> JsonObject:
    return {"kind": change.kind.value, "text": change.text, "before": change.before, "after": change.after}


def _file_object(path: Path, picture: Picture) -> JsonObject:
    return {
        "path": str(path),
        "seed": picture.seed,
        "width_px": picture.width_px,
        "height_px": picture.height_px,
    }
