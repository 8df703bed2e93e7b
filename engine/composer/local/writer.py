"""From a request to text, by a model in memory: the prompt's tokens, the answer's characters.

Works in the caller's thread. Fetches and loads nothing.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from threading import Lock
from typing import Any, Final, cast

import structlog
from llguidance import LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import PreTrainedTokenizerFast

from canvas import CanvasError, grammar, parse, write
from engine.composer import ComposeRequest
from engine.composer.local.caches import common_start
from engine.composer.local.closing import closing as closing_of
from engine.composer.local.decoder import ContextFull, Decoder, Decoding, NotFinite, Statistics
from engine.composer.local.loading import Checkpoint, LoadedModel, checkpoint, load
from engine.composer.local.masks import GrammarFailed
from engine.composer.local.options import TransformersOptions
from engine.composer.local.sampling import Sampling
from engine.composer.local.templates import ChatTemplate
from engine.composer.local.tokens import ControlledTokenizer, WholeCharacters
from engine.composer.prompting import Message, fitting, in_fence, messages
from engine.devices import is_out_of_memory
from engine.errors import SceneTooLong, Unavailable
from engine.metrics import count_answer

_USUAL_ANSWER_TOKENS: Final = 2048
"""Room that is kept for an answer; a scene of five regions takes about 1,500."""

_REMEMBERED_ANSWERS: Final = 128

_log = structlog.get_logger()


class Writer:
    """A model that answers requests, several at once."""

    def __init__(self, found: Checkpoint, options: TransformersOptions) -> None:
        """Loads the model, but not one whose vocabulary has no template: that cannot be used.

        Raises:
            Unavailable: The reason says why.
        """
        self._options = options
        self._tokenizer = ControlledTokenizer(found.tokenizer)
        self._template = ChatTemplate(self._tokenizer, options.template)
        self._answers = Answers(frozenset(self._tokenizer.control_ids.values()))
        self._grammar = grammar() if options.grammar else None
        preamble_tokens = self._preamble_tokens()
        loaded = load(found, options)
        self._context_tokens = loaded.context_tokens
        stop_ids = self._template.stop_ids | loaded.stop_ids
        on_cuda = loaded.model.device.type == "cuda"
        self._decoder = Decoder(
            loaded.model,
            stop_ids=stop_ids,
            context_tokens=loaded.context_tokens,
            conversations=options.conversations,
            tokenizer_for_grammar=_grammar_tokenizer(loaded, stop_ids) if options.grammar else None,
            preamble_tokens=preamble_tokens,
            compile=on_cuda if options.compile == "auto" else options.compile == "on",
        )

    @classmethod
    def from_options(cls, options: TransformersOptions) -> "Writer":
        """A writer with its model, fetched if need be and loaded.

        Raises:
            Unavailable: The model cannot be had or used; the reason says why.
        """
        return cls(checkpoint(options), options)

    def write(self, request: ComposeRequest, is_cancelled: Callable[[], bool]) -> Generator[str]:
        """The answer in pieces of whole characters: one for each pass of the model, also where it is empty.

        Raises:
            PromptTooLong: The request does not fit into the context.
            SceneTooLong: The scene does not.
            Unavailable: The device's memory is full, or the model failed.
        """
        began_s = time.monotonic()
        written: list[int] = []
        try:
            decoded = self._decoded(request, is_cancelled)
            statistics = yield from self._told(decoded, written)
        except ContextFull as error:
            raise SceneTooLong from error
        except (RuntimeError, MemoryError, NotFinite, GrammarFailed) as error:
            reason = "not-enough-memory" if is_out_of_memory(error) else "model-failed"
            _log.exception("composing-failed", model=self._options.model, reason=reason)
            # its traceback, now in the log, would keep the reply's tensors for as long as the error lives
            raise Unavailable("transformers", reason) from error.with_traceback(None)
        took_s = time.monotonic() - began_s
        _log.info(
            "composed",
            took_s=round(took_s, 2),
            tokens=statistics.tokens,
            passes=statistics.passes,
            prompt_tokens=statistics.prompt_tokens,
            reused_tokens=statistics.reused_tokens,
            accepted_drafts=statistics.accepted_drafts,
            end=statistics.end,
        )
        count_answer(tokens=statistics.tokens, passes=statistics.passes, took_s=took_s)

    def _decoded(
        self, request: ComposeRequest, is_cancelled: Callable[[], bool]
    ) -> Generator[tuple[int, ...], None, Statistics]:
        current = in_fence(write(request.canvas)) if request.canvas else ""
        edited_ids = self._answers.recall(current) or self._tokenizer.ids(current)
        prompt_ids = self._prompt_ids(request, len(edited_ids))
        options = self._options
        decoding = Decoding(
            sampling=Sampling(options.temperature, options.top_p, request.seed),
            max_new_tokens=options.max_new_tokens,
            drafts=options.drafts,
            grammar=self._grammar,
            closing=closing_of,
        )
        return self._decoder.decode(prompt_ids, decoding, edited_ids=edited_ids, is_cancelled=is_cancelled)

    def _prompt_ids(self, request: ComposeRequest, current_tokens: int) -> tuple[int, ...]:
        answer_tokens = max(_USUAL_ANSWER_TOKENS, current_tokens * 5 // 4)
        kept_tokens = min(answer_tokens, self._options.max_new_tokens, self._context_tokens // 2)

        def ids(told: Sequence[Message]) -> tuple[int, ...]:
            return self._template.ids(told, self._answers.recall)

        told = fitting(
            request,
            lambda told: len(ids(told)) + kept_tokens <= self._context_tokens,
            example=self._options.shows_example,
        )
        return ids(told)

    def _preamble_tokens(self) -> int:
        """How much of a prompt is the same for all requests: the system's text and the example."""
        requests = (ComposeRequest("a"), ComposeRequest("b"))
        example = self._options.shows_example
        one, other = (self._template.ids(messages(request, example=example)) for request in requests)
        return common_start(one, other)

    def _told(
        self, decoded: Generator[tuple[int, ...], None, Statistics], written: list[int]
    ) -> Generator[str, None, Statistics]:
        characters = WholeCharacters(self._tokenizer)
        text: list[str] = []
        with closing(decoded):
            while True:
                try:
                    ids = next(decoded)
                except StopIteration as end:
                    statistics = cast("Statistics", end.value)
                    break
                written += ids
                text.append(characters.feed(ids))
                yield text[-1]
        yield characters.close()
        if statistics.end in {"stop", "closed"}:
            self._answers.remember("".join(text), written)
        return statistics


def _grammar_tokenizer(loaded: LoadedModel, stop_ids: Iterable[int]) -> LLTokenizer:
    return from_tokenizer(
        cast("PreTrainedTokenizerFast", loaded.tokenizer),
        n_vocab=cast("Any", loaded.model).get_output_embeddings().weight.shape[0],
        eos_token=sorted(stop_ids),
    )


class Answers:
    """What the model wrote lately, as its ids, by the canonical code of it.

    A conversation is stored as code; told to the model again as the ids that it wrote, all that was computed
    for them still holds.
    """

    def __init__(self, control_ids: frozenset[int], room: int = _REMEMBERED_ANSWERS) -> None:
        self._control_ids = control_ids
        self._room = room
        self._ids: OrderedDict[str, tuple[int, ...]] = OrderedDict()
        self._guard = Lock()

    def remember(self, text: str, ids: Sequence[int]) -> None:
        """Keeps an answer, if it was sound: a mended one is better told as it was understood."""
        try:
            canvas = parse(text)
        except CanvasError:
            return
        if canvas.repairs or not self._control_ids.isdisjoint(ids):
            return
        with self._guard:
            self._ids[in_fence(write(canvas))] = tuple(ids)
            if len(self._ids) > self._room:
                self._ids.popitem(last=False)

    def recall(self, answer: str) -> tuple[int, ...] | None:
        """The ids of an answer, where it is remembered."""
        with self._guard:
            if answer not in self._ids:
                return None
            self._ids.move_to_end(answer)
            return self._ids[answer]
