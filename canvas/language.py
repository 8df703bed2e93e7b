"""The Canvas language: model text to canvas and canvas to code.

Model text is hostile and broken: it is read, never executed, and mended where its meaning is clear. Reading
takes time linear in the text, and gives a `Canvas` or a `CanvasError`, nothing else.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from canvas.errors import CanvasError
from canvas.items import Fence, Item, NewCanvas, Prose, RawCall
from canvas.mending import read_global, read_local
from canvas.model import MAX_LOCAL_DESCRIPTIONS, Canvas, GlobalDescription, LocalDescription, Repair
from canvas.scanner import scan
from canvas.signatures import GLOBAL_METHOD, LOCAL_METHOD, method_of
from canvas.source import Source, shorten

MAX_CALLS: Final = 2 * MAX_LOCAL_DESCRIPTIONS
"""Calls beyond this number in one text are passed over."""

Call = GlobalDescription | LocalDescription
"""A finished call: what it describes."""


def parse(text: str) -> Canvas:
    """Reads the canvas that a model's reply holds, mending what can be mended.

    Of several code blocks the last complete one counts. What was mended is in `Canvas.repairs`.

    Raises:
        CanvasError: There is no canvas in the text, or a name in it cannot be read.
    """
    parser = StreamParser()
    parser.feed(text)
    return parser.close()


def write(canvas: Canvas) -> str:
    """The canonical code of a canvas, in the form that the models were trained on, without a fence.

    `parse(write(canvas)) == canvas` for every canvas.
    """
    parts = [
        "# Initialize the canvas\ncanvas = Canvas()\n",
        "# Set a global description for the canvas\n" + _global_call(canvas.global_description),
    ]
    parts += [f"# Add {_comment(local)}\n{_local_call(local)}" for local in canvas.local_descriptions]
    return "\n".join(parts)


@dataclass(slots=True)
class _Block:
    """The calls of one scene in the text.

    Attributes:
        whole: Whether no call of it is cut off.
        fenced_off: Whether a fence has come after its first call.
        first_mend: Where its mends begin in the source's.
        end_mend: Where they end; None while it grows.
    """

    global_description: GlobalDescription | None = None
    local_descriptions: list[LocalDescription] = field(default_factory=list[LocalDescription])
    error: CanvasError | None = None
    whole: bool = True
    fenced_off: bool = False
    first_mend: int = 0
    end_mend: int | None = None

    @property
    def is_empty(self) -> bool:
        return self.global_description is None and not self.local_descriptions and self.error is None

    @property
    def is_complete(self) -> bool:
        return self.global_description is not None and self.whole and self.error is None


class StreamParser:
    """Reads a model's reply while it is being written.

    >>> parser = StreamParser()
    >>> parser.feed("canvas.set_global_description(description='A qu")
    ()
    >>> [call.description for call in parser.feed("iet lake.', tags='lake')")]
    ['A quiet lake.']
    """

    def __init__(self) -> None:
        self._source = Source()
        self._items = scan(self._source)
        self._blocks = [_Block()]
        self._in_fence = False
        self._was_fenced = False
        self._prose: list[str] = []
        self._stray: tuple[int, str, str] | None = None
        self._described = 0

    def feed(self, piece: str) -> tuple[Call, ...]:
        """Adds a piece of the reply and gives the calls that it closed."""
        self._source.add(piece)
        return self._advance()

    def close(self) -> Canvas:
        """Ends the reply and gives its canvas: the last complete one, or what there is of the last.

        Raises:
            CanvasError: There is no canvas in the text, or a name in it cannot be read.
        """
        if not self._source.ended:
            self._source.end()
            self._advance()
            self._block.whole &= not self._in_fence
            self._block.end_mend = len(self._source.mends)
        used = [block for block in self._blocks if not block.is_empty]
        block = next((block for block in reversed(used) if block.is_complete), used[-1] if used else None)
        if block is None:
            raise self._nothing_found()
        if block.error is not None:
            raise block.error
        return self._canvas(block)

    @property
    def canvas(self) -> Canvas | None:
        """The scene so far: the calls that have closed since the last `Canvas()`; None before the first."""
        block = next((block for block in reversed(self._blocks) if not block.is_empty), None)
        if block is None or (block.global_description is None and not block.local_descriptions):
            return None
        return self._canvas(block)

    @property
    def remark(self) -> str:
        """What the reply says beside its code."""
        lines = "".join(self._prose).splitlines()
        kept = [line.strip() for line in lines if self._was_fenced or not _CODE_LINE.match(line)]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()

    @property
    def _block(self) -> _Block:
        return self._blocks[-1]

    def _advance(self) -> tuple[Call, ...]:
        closed: list[Call] = []
        for item in self._items:
            if item is None:
                break
            call = self._take(item)
            if call is not None:
                closed.append(call)
        return tuple(closed)

    def _take(self, item: Item) -> Call | None:
        match item:
            case NewCanvas():
                self._start_block()
            case Fence():
                self._in_fence = not self._in_fence
                self._was_fenced = True
                self._block.fenced_off = not self._block.is_empty
            case Prose(text):
                if not self._in_fence:
                    self._prose.append(text)
            case RawCall():
                return self._describe(item)
        return None

    def _start_block(self) -> None:
        self._block.end_mend = len(self._source.mends)
        if self._block.is_empty:
            self._blocks.pop()
        self._blocks.append(_Block(first_mend=len(self._source.mends)))

    def _describe(self, call: RawCall) -> Call | None:
        method = method_of(call.method)
        if method is None:
            self._stray = self._stray or (call.offset, call.method, "is not a call of the Canvas language.")
            return None
        if method == GLOBAL_METHOD and self._block.global_description and self._block.fenced_off:
            self._start_block()
        self._described += 1
        if self._described > MAX_CALLS:
            return None
        if call.method != method:
            self._source.mend(call.offset, "call", call.method, method)
        self._block.whole &= call.closed
        try:
            described = self._read(call, method)
        except CanvasError as error:
            self._block.error = self._block.error or error
            return None
        if described is None:
            self._source.mend(call.offset, "call", method, "")
            self._stray = self._stray or (call.offset, method, "has no description.")
        return described

    def _read(self, call: RawCall, method: str) -> Call | None:
        block = self._block
        if method == GLOBAL_METHOD:
            described = read_global(call, self._source)
            block.global_description = described or block.global_description
            return described
        if len(block.local_descriptions) >= MAX_LOCAL_DESCRIPTIONS:
            return None
        color = block.global_description.color if block.global_description else "gray"
        local = read_local(call, self._source, color)
        if local is not None:
            block.local_descriptions.append(local)
        return local

    def _canvas(self, block: _Block) -> Canvas:
        mends = self._source.mends[block.first_mend : block.end_mend]
        repairs = [
            Repair(self._source.position(mend.offset)[0], mend.what, mend.found, mend.used) for mend in mends
        ]
        scene = block.global_description
        if scene is None:
            description = " ".join(local.description for local in block.local_descriptions)
            scene = GlobalDescription(description=description)
            repairs.append(Repair(1, "global description", "", shorten(description)))
        return Canvas(scene, tuple(block.local_descriptions), tuple(repairs))

    def _nothing_found(self) -> CanvasError:
        if self._stray is None:
            message = f"There is no Canvas code here: write canvas.{GLOBAL_METHOD}(...) with a description."
            return CanvasError(message, line=1, column=1, suggestion=f"canvas.{GLOBAL_METHOD}")
        offset, name, problem = self._stray
        line, column = self._source.position(offset)
        suggestion = method_of(name) or (LOCAL_METHOD if name.startswith("add") else GLOBAL_METHOD)
        return CanvasError(f"{name} {problem}", line=line, column=column, suggestion=suggestion)


_CODE_LINE = re.compile(r"\s*+(?:#|\w++\s*+=\s*+$|import\s|from\s|$)")


def _comment(local: LocalDescription) -> str:
    """The description as the models write it in the comment above a call."""
    shown = "".join(char if char.isprintable() and char != "`" else " " for char in local.description)
    text = shorten(shown) or "a region."
    return text[0].lower() + text[1:]


def _global_call(scene: GlobalDescription) -> str:
    arguments = [
        f"description={scene.description!r}",
        f"detailed_descriptions={_list(scene.detailed_descriptions)}",
        f"tags={scene.tags!r}",
        f"HTML_web_color_name={scene.color!r}",
    ]
    return _written_call(GLOBAL_METHOD, arguments)


def _local_call(local: LocalDescription) -> str:
    arguments = [
        f"location={local.location!r}",
        f"offset={local.offset!r}",
        f"area={local.area!r}",
        f"distance_to_viewer={float(local.distance_to_viewer)!r}",
        f"description={local.description!r}",
        f"detailed_descriptions={_list(local.detailed_descriptions)}",
        f"tags={local.tags!r}",
        f"atmosphere={local.atmosphere!r}",
        f"style={local.style!r}",
        f"quality_meta={local.quality_meta!r}",
        f"HTML_web_color_name={local.color!r}",
    ]
    return _written_call(LOCAL_METHOD, arguments)


def _written_call(method: str, arguments: list[str]) -> str:
    return f"canvas.{method}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")\n"


def _list(texts: tuple[str, ...]) -> str:
    if not texts:
        return "[]"
    return "[\n" + "".join(f"        {text!r},\n" for text in texts) + "    ]"
