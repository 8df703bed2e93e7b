"""Chat templates: a conversation as the token ids that a model was trained on.

Messages go through a template as place holders and are put in afterwards, so that neither a template nor the
tokenizer takes anything in them for markup. Knows nothing of what the messages say.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, cast

from jinja2 import TemplateError

from engine.composer.local.options import Family
from engine.composer.local.tokens import ControlledTokenizer
from engine.composer.prompting import Message, Role
from engine.errors import Unavailable

Recall = Callable[[str], Sequence[int] | None]
"""The ids that the model wrote for an answer, where they are remembered."""


@dataclass(frozen=True, slots=True)
class _Markup:
    """How a family of models marks messages up.

    Attributes:
        message: One message, its `{role}` and `{content}` to be put in.
        answer: What an answer begins with.
        needs: The control tokens that it cannot do without.
        stops: What ends an answer.
    """

    message: str
    answer: str
    needs: frozenset[str]
    stops: frozenset[str]


_FAMILIES: Final[Mapping[str, _Markup]] = {
    "chatml": _Markup(
        "<|im_start|>{role}\n{content}<|im_end|>\n",
        "<|im_start|>assistant\n",
        frozenset({"<|im_start|>", "<|im_end|>"}),
        frozenset({"<|im_end|>", "<|endoftext|>", "<|end_of_text|>"}),
    ),
    "phi-3": _Markup(
        "<|{role}|>\n{content}<|end|>\n",
        "<|assistant|>\n",
        frozenset({"<|system|>", "<|user|>", "<|assistant|>", "<|end|>"}),
        frozenset({"<|end|>", "<|endoftext|>"}),
    ),
    "llama-3": _Markup(
        "<|start_header_id|>{role}<|end_header_id|>\n\n{content}<|eot_id|>",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        frozenset({"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}),
        frozenset({"<|eot_id|>", "<|end_of_text|>"}),
    ),
}
"""Where the tokens of several are there (Dolphin has Llama-3's too), the first is meant."""


class ChatTemplate:
    """The template of one model.

    Attributes:
        stop_ids: The tokens that end an answer.
    """

    def __init__(self, tokenizer: ControlledTokenizer, family: Family = "auto") -> None:
        """Goes by the tokenizer's own template, or by its tokens where it has none that will do.

        Args:
            tokenizer: Of the model.
            family: Taken instead of what the tokenizer says.

        Raises:
            Unavailable: No template is known for the tokenizer.
        """
        self._tokenizer = tokenizer
        self._hub_tokenizer = cast("Any", tokenizer.tokenizer)
        self._bos = cast("str", self._hub_tokenizer.bos_token or "")
        own = self._hub_tokenizer.chat_template or ""
        self._own = cast("str", own if isinstance(own, str) else own.get("default", ""))
        self._goes_by_own = family == "auto" and bool(self._own)
        self._markup = _markup_of(tokenizer.control_ids.keys(), family, self._own)
        names: AbstractSet[str] = self._markup.stops if self._markup else frozenset()
        eos_id = cast("int | None", self._hub_tokenizer.eos_token_id)
        stops = {token_id for name, token_id in tokenizer.control_ids.items() if name in names}
        stops.update(self._turn_end_ids(), () if eos_id is None else (eos_id,))
        self.stop_ids = frozenset(stops)

    def ids(self, messages: Sequence[Message], recall: Recall = lambda _text: None) -> tuple[int, ...]:
        """The ids of a conversation up to where the model's answer begins.

        Answers that are remembered stand there as the very ids that the model wrote, so that what was
        computed for them is found again.

        Raises:
            Unavailable: The template leaves out a message.
        """
        held = {f"x{secrets.token_hex(16)}x": message for message in messages}
        ids: list[int] = []
        text = ""
        for part in re.split(f"({'|'.join(held)})", self._rendered(held)):
            message = held.get(part)
            written = recall(message.content) if message and message.role == "assistant" else None
            if written is not None:
                ids += (*self._tokenizer.ids(text), *written)
                text = ""
            else:
                text += message.content if message else self._tokenizer.controlling(part)
        return (*ids, *self._tokenizer.ids(text))

    def _rendered(self, held: Mapping[str, Message]) -> str:
        """The conversation with its contents held by place holders, each of them there and in its order."""
        said = [Message(message.role, holder) for holder, message in held.items()]
        for text in (self._by_own(said), self._by_markup(said), self._by_own(_without_system(said))):
            if text is None:
                continue
            places = [text.find(holder) for holder in held]
            if -1 not in places and places == sorted(places):
                return text
        raise Unavailable("transformers", "model-no-template")

    def _by_own(self, said: Sequence[Message]) -> str | None:
        if not self._goes_by_own:
            return None
        turns = [{"role": message.role, "content": message.content} for message in said]
        try:
            return self._hub_tokenizer.apply_chat_template(
                turns,
                chat_template=self._own,
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=False,
            )
        except TemplateError:  # as some do where there is a system message
            return None

    def _by_markup(self, said: Sequence[Message]) -> str | None:
        if self._markup is None:
            return None
        begins = self._bos if not self._own or "bos_token" in self._own or self._bos in self._own else ""
        turns = (self._markup.message.format(role=each.role, content=each.content) for each in said)
        return begins + "".join(turns) + self._markup.answer

    def _turn_end_ids(self) -> set[int]:
        """The control token that the template puts after an answer."""
        roles: tuple[Role, ...] = ("user", "assistant", "user")
        held = {f"x{secrets.token_hex(16)}x": Message(role, "") for role in roles}
        after = self._rendered(held).split(list(held)[1])[-1].lstrip()
        return {token_id for name, token_id in self._tokenizer.control_ids.items() if after.startswith(name)}


def _markup_of(controls: AbstractSet[str], family: Family, own: str) -> _Markup | None:
    if family != "auto":
        if not _FAMILIES[family].needs <= controls:
            raise Unavailable("transformers", "model-no-template")
        return _FAMILIES[family]
    there = [markup for markup in _FAMILIES.values() if markup.needs <= controls]
    named = [markup for markup in there if any(name in own for name in markup.needs)]
    return next(iter(named if own else there), None)


def _without_system(said: Sequence[Message]) -> list[Message]:
    """The system's text in front of the first request, for templates that know no such role."""
    system, first, *rest = said
    if system.role != "system":
        return list(said)
    return [Message("user", f"{system.content}\n\n{first.content}"), *rest]
