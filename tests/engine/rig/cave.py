"""A cave with a dragon, a knight and a sign, and what the planner makes of it when it is told to."""

import re

from canvas import Canvas, GlobalDescription, LocalDescription, parse, write
from engine.composer.planner.editing import edit_scene

CAVE = Canvas(
    GlobalDescription(
        "A dragon guarding a chest beside a knight.",
        (
            "A huge dragon guards a chest in a cave.",
            "Its wings glow in the dark.",
            "On the left side of the image, a knight waits with a lantern.",
            'On the top of the image, a sign that reads "Keep Out" hangs from the rock.',
            "Warm firelight fills the whole cave.",
        ),
        "dragon, chest, knight, lantern, sign, firelight",
        "saddlebrown",
    ),
    (
        LocalDescription(
            "A huge green dragon guarding a chest.",
            "in the center",
            "no offset",
            "a medium-sized square area",
            4.0,
            (
                "In the center of the image, a huge green dragon guards a chest.",
                "Its scales are green and wet.",
            ),
            "green dragon, chest, scales",
            "Tense and dark.",
            "Oil painting.",
            "High quality, with the dragon in focus.",
            "green",
        ),
        LocalDescription(
            "A tired knight with a lantern.",
            "on the left",
            "no offset",
            "a small vertical area",
            3.0,
            ("On the left side of the image, a tired knight holds a lantern.", "He looks at the dragon."),
            "knight, lantern, dragon",
            "Tense and dark.",
            "Oil painting.",
            "High quality.",
            "silver",
        ),
        LocalDescription(
            'A wooden sign that reads "Keep Out".',
            "on the top",
            "no offset",
            "a small horizontal area",
            5.0,
            ('On the top of the image, a sign that reads "Keep Out" hangs from the rock.',),
            "sign, wood",
            "Tense and dark.",
            "Oil painting.",
            "High quality.",
            "burlywood",
        ),
        LocalDescription(
            "A stone floor with bones and coins.",
            "on the bottom",
            "no offset",
            "a large horizontal area",
            8.0,
            ("At the bottom of the image, a stone floor with bones and coins.",),
            "floor, bones, coins",
            "Tense and dark.",
            "Oil painting.",
            "High quality.",
            "dimgray",
        ),
    ),
)


def edited(prompt: str, canvas: Canvas = CAVE) -> Canvas:
    result = edit_scene(canvas, prompt, 0).canvas
    assert parse(write(result)) == result
    return result


def region(canvas: Canvas, noun: str) -> LocalDescription:
    return next(x for x in canvas.local_descriptions if re.search(rf"\b{noun}\b", x.description))
