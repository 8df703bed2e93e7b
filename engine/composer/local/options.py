"""What a composer on this machine is told: which model, how it is loaded and how it writes. No torch."""

import re
from dataclasses import dataclass
from typing import Final, Literal

Dtype = Literal["auto", "bfloat16", "float16", "float32"]
Quantisation = Literal["none", "4bit", "8bit"]
Family = Literal["auto", "llama-3", "chatml", "phi-3"]
Switch = Literal["auto", "on", "off"]

OMOST_MODEL: Final = "lllyasviel/omost-llama-3-8b"

_OMOST: Final = re.compile(r"\bomost\b", re.IGNORECASE)
_UNFILTERED: Final = re.compile(r"dolphin|uncensored|abliterated|unfiltered|obliterated", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TransformersOptions:
    """How a language model is loaded and run by `transformers`.

    Attributes:
        model: An id on the hub, or a folder with a model in it.
        revision: A branch, tag or commit of the hub to stay with; empty for the newest.
        offline: Whether the network is never used; the model is then a folder or in the hub's cache.
        mirror: The address of another hub, for example `https://hub.example.org`; empty for the default.
        dtype: Of the weights. `auto` is bfloat16 on a GPU that has it, else float16; float32 on a CPU.
        quantisation: Done while loading, by bitsandbytes. A checkpoint that is quantised already needs none.
        device: `cpu`, `cuda`, `cuda:1` and so on, `mps`; `auto` takes the first GPU where there is one.
        context_tokens: The longest conversation, answer included; the Omost models know 8,192.
        conversations: For how many conversations keys and values are kept.
        max_new_tokens: Of one answer.
        temperature: 0 takes the most probable token each time.
        top_p: The share of probability among which is chosen.
        grammar: Whether only Canvas code can be written.
        drafts: Whether repeated text is drafted; for the speed alone, but see `sampling`.
        compile: Whether the model is compiled; `auto` does so on a GPU.
        template: How messages are marked up; `auto` goes by the tokenizer.
        example: Whether the model is shown an example; `auto` does so unless its name says Omost.
    """

    model: str = OMOST_MODEL
    revision: str = ""
    offline: bool = False
    mirror: str = ""
    dtype: Dtype = "auto"
    quantisation: Quantisation = "none"
    device: str = "auto"
    context_tokens: int = 8192
    conversations: int = 4
    max_new_tokens: int = 4096
    temperature: float = 0.6
    top_p: float = 0.9
    grammar: bool = True
    drafts: bool = True
    compile: Switch = "auto"
    template: Family = "auto"
    example: Switch = "auto"

    @property
    def shows_example(self) -> bool:
        """Whether the model is shown an example before the first request."""
        return self.example == "on" or (self.example == "auto" and _OMOST.search(self.model) is None)


def is_unfiltered(model: str) -> bool:
    """Whether a model's name says that it was trained to refuse nothing."""
    return _UNFILTERED.search(model) is not None
