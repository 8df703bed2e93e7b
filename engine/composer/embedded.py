"""The composer of a machine without a GPU: a template planner, streamed as a model streams.

It plans at once and says once per conversation what it is. Painting, storing and the reading of its code are
others' work.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from canvas.language import write
from canvas.model import Canvas
from engine.composer import ComposeRequest
from engine.composer.planner.editing import edit_scene
from engine.composer.planner.preparing import first_words, is_readable
from engine.composer.planner.reading import read_prompt
from engine.composer.planner.remarks import remark
from engine.composer.planner.scenes import new_scene
from engine.errors import EmptyPrompt, NotUnderstood

_PIECE = re.compile(r"\s*\S{1,12}\s?", re.DOTALL)
_CALL_END = re.compile(r"(?<=\n\)\n)")
_MAX_QUOTED_CHARS = 120


@dataclass(frozen=True, slots=True)
class _Plan:
    canvas: Canvas
    remarks: tuple[str, ...]


class EmbeddedComposer:
    """Composes by templates.

    >>> reply = EmbeddedComposer().compose(ComposeRequest("Happy Children's Day"))
    """

    def __init__(self, pause_s: float = 0.0) -> None:
        """With a pause after each call of the code, people can watch the scene being laid out."""
        self._pause_s = pause_s

    async def compose(self, request: ComposeRequest) -> AsyncGenerator[str, None]:
        """Streams the remark, if there is one, and the code in a fence.

        Raises:
            EmptyPrompt: The prompt is blank.
            NotUnderstood: Nothing in it can be read, or no change of the scene was understood.
        """
        plan = await asyncio.to_thread(_plan, request)
        introduction = f"{plan.remarks[0]}\n\n" if plan.remarks else ""
        rest = "".join(f"\n\n{sentence}" for sentence in plan.remarks[1:])
        reply = f"{introduction}```python\n{write(plan.canvas)}\n```{rest}\n"
        for call in _CALL_END.split(reply):
            for piece in _PIECE.findall(call):
                yield piece
                await asyncio.sleep(0)
            await asyncio.sleep(self._pause_s)


def _plan(request: ComposeRequest) -> _Plan:
    if not request.prompt.strip():
        raise EmptyPrompt
    return _new_plan(request) if request.canvas is None else _edit_plan(request, request.canvas)


def _new_plan(request: ComposeRequest) -> _Plan:
    if not is_readable(request.prompt):
        raise NotUnderstood(request.prompt[:_MAX_QUOTED_CHARS])
    reading = read_prompt(request.prompt)
    if reading.is_empty:
        raise NotUnderstood(request.prompt[:_MAX_QUOTED_CHARS])
    remarks: list[str] = []
    if request.is_first:
        remarks.append(remark("introduction", request.language))
    if reading.left_out:
        parts = first_words(", ".join(reading.left_out), 12)
        remarks.append(remark("left_out", request.language, parts=parts))
    return _Plan(new_scene(reading, request.seed), tuple(remarks))


def _edit_plan(request: ComposeRequest, canvas: Canvas) -> _Plan:
    edited = edit_scene(canvas, request.prompt, request.seed, [each.prompt for each in request.history])
    remarks = tuple(
        remark(key, request.language, parts=parts, known=", ".join(edited.known))
        for key, parts in edited.notes
    )
    return _Plan(edited.canvas, remarks)
