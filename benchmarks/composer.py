"""How few passes of a language model a scene takes, and on a GPU how fast that is.

    python benchmarks/composer.py [--transcript FILE] [--size 8b|tiny] [--device NAME] [--quick] [--json]

Two turns of a conversation, a new scene and an edit of it, are written by models that have no choice: after
each prompt they say what the transcript says. Everything else is real: Llama-3's tokenizer and template, the
grammar, the drafts, the kept keys and values, transformers' own classes.

Passes: `first_tokens` and `edit_tokens` of the transcript's replies, which is how many passes plain decoding
takes; `first_passes` and `edit_passes` of our decoder; `lookup_first_passes` and `lookup_edit_passes` of
`generate` with its own prompt lookup.
Speed, on a GPU or where `--device` says, with random weights of the size of an 8B model: `tokens_per_s` of
our decoder over both turns, `speedup` against `generate` without drafts in the same run, `bandwidth_share`:
of the time, what reading the weights once a pass would take at the bandwidth of a plain copy.

Needs, beside the `gpu` extra: pip install llama-models (for the tokenizer alone).
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1])  # beside this file lies one with the name of a package

import llama_models.llama3.tokenizer as llama3
import torch
from llguidance import LLTokenizer
from llguidance.hf import from_tokenizer
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter

from canvas import grammar
from engine.composer.local.closing import closing
from engine.composer.local.decoder import Decoder, Decoding, Statistics
from engine.composer.local.sampling import GREEDY
from engine.composer.local.templates import ChatTemplate
from engine.composer.local.tokens import ControlledTokenizer
from engine.composer.prompting import SYSTEM_TEXT, Message

SAMPLE = Path(__file__).parents[1] / "tests" / "data" / "night_market.json"
CONTEXT_TOKENS = 8192
LLAMA3_8B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
}
TINY = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
}
SIZES = {"8b": LLAMA3_8B, "tiny": TINY}
COPY_BYTES = 2**31


def main() -> None:
    """Measures and prints."""
    arguments = _arguments()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    torch.manual_seed(0)
    tokens = Tokens()
    turns = _turns(arguments.transcript, tokens)
    figures = passes(tokens, turns)
    if arguments.device:
        figures |= speed(tokens, turns, arguments.device, SIZES[arguments.size], quick=arguments.quick)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"{arguments.transcript.name}, {arguments.device or 'passes only: there is no GPU'}")
    for name, value in figures.items():
        print(f"  {name:22} {value:10.4g}")
    for turn in ("first", "edit"):
        share = figures[f"{turn}_passes"] / figures[f"{turn}_tokens"]
        print(f"  {turn}: {share:.1%} of the passes of plain decoding")


class Tokens:
    """Llama-3's tokenizer and template."""

    def __init__(self) -> None:
        own = llama3.Tokenizer.get_instance()
        converter = TikTokenConverter(
            str(Path(llama3.__file__).parent / "tokenizer.model"),
            pattern=own.model._pat_str,  # noqa: SLF001 - the package tells it nowhere else
            extra_special_tokens=sorted(own.special_tokens, key=own.special_tokens.__getitem__),
        )
        self.tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=converter.converted(), bos_token="<|begin_of_text|>", eos_token="<|eot_id|>"
        )
        self.controlled = ControlledTokenizer(self.tokenizer)
        self.template = ChatTemplate(self.controlled, "llama-3")
        self.bytes_of = own.model.decode_single_token_bytes

    def for_grammar(self) -> LLTokenizer:
        """The tokenizer in llguidance's form."""
        return from_tokenizer(self.tokenizer, eos_token=sorted(self.template.stop_ids))

    @property
    def stop_id(self) -> int:
        """What ends an answer."""
        return self.controlled.control_ids["<|eot_id|>"]


@dataclass(slots=True)
class Turn:
    """A request and the ids of the reply that is to be written.

    Attributes:
        reply: As the tokenizer splits the transcript's text.
        written: As the decoder wrote it: a grammar may split the same text in other places.
    """

    asked: str
    reply: tuple[int, ...]
    written: tuple[int, ...] = ()


def passes(tokens: Tokens, turns: Sequence[Turn]) -> dict[str, float]:
    """What both turns take, in passes; notes what was written."""
    model = Narrator(LlamaConfig(**TINY, vocab_size=len(tokens.tokenizer)), tokens)
    decoder = _decoder(model, tokens)
    figures: dict[str, float] = {}
    for name, turn, prompt in zip(("first", "edit"), turns, _prompts(tokens, turns), strict=True):
        model.is_to_say(turn.reply, after=len(prompt))
        written, statistics = _written(decoder, prompt, turns[0].written)
        if _text(tokens, written) != _text(tokens, turn.reply):
            raise RuntimeError("the decoder wrote something else than the model said")
        turn.written = written
        model.is_to_say(turn.reply, after=len(prompt))
        looked_up = _generated(model, tokens, prompt, len(turn.reply), prompt_lookup_num_tokens=10)
        figures |= {
            f"{name}_tokens": len(turn.reply),
            f"{name}_passes": statistics.passes,
            f"lookup_{name}_passes": looked_up,
        }
    return figures


def speed(
    tokens: Tokens, turns: Sequence[Turn], device: str, size: dict[str, int], *, quick: bool
) -> dict[str, float]:
    """How fast both turns are written by a model of that size."""
    prompts = list(_prompts(tokens, turns))
    with torch.device(device):
        torch.set_default_dtype(torch.bfloat16)
        model = Prompter(LlamaConfig(**size, vocab_size=len(tokens.tokenizer))).eval()
        torch.set_default_dtype(torch.float32)
    decoder = _decoder(model, tokens, compile=device.startswith("cuda"))

    def both_turns() -> tuple[float, int]:
        began_s, count = time.perf_counter(), 0
        for turn, prompt in zip(turns, prompts, strict=True):
            model.is_to_say(turn.written, after=len(prompt), then=tokens.stop_id)
            count += _written(decoder, prompt, turns[0].written)[1].passes
        return time.perf_counter() - began_s, count

    both_turns()  # compiles and captures
    runs = [both_turns() for _ in range(1 if quick else 3)]
    took_s, count = min(runs)
    written = sum(len(turn.written) for turn in turns)
    plain_s = 0.0
    for turn, prompt in zip(turns, prompts, strict=True):
        model.is_to_say(turn.written, after=len(prompt), then=tokens.stop_id)
        began_s = time.perf_counter()
        _generated(model, tokens, prompt, len(turn.written))
        plain_s += time.perf_counter() - began_s
    read_bytes = count * sum(each.numel() * each.element_size() for each in model.parameters())
    return {
        "tokens_per_s": written / took_s,
        "plain_tokens_per_s": written / plain_s,
        "speedup": plain_s / took_s,
        "bandwidth_share": read_bytes / _bandwidth(device) / took_s,
    }


class Narrator(LlamaForCausalLM):
    """Says a given text, however what came before it was split into tokens; counts its passes."""

    def __init__(self, config: LlamaConfig, tokens: Tokens) -> None:
        super().__init__(config)
        self.tokens = tokens
        self.count = 0

    def is_to_say(self, reply: Sequence[int], after: int) -> None:
        """Takes the text of those ids for the reply to a prompt of that length."""
        parts = [self.tokens.bytes_of(each) for each in reply]
        starts = accumulate(map(len, parts), initial=0)
        self.text = b"".join(parts)
        self.next = dict(zip(starts, (*reply, self.tokens.stop_id), strict=True))
        self.after, self.read = after, [0] * after

    def forward(self, input_ids: Tensor, position_ids: Tensor | None = None, **given: Any) -> Any:
        """As Llama does, with other logits."""
        self.count += 1
        kept = given.get("past_key_values")
        start = int(position_ids[0, 0]) if position_ids is not None else kept.get_seq_length()
        self.read[start:] = input_ids[0].tolist()
        output = super().forward(input_ids=input_ids, position_ids=position_ids, **given)
        places = output.logits.shape[1]
        logits = torch.zeros_like(output.logits)
        for row, place in enumerate(range(len(self.read) - places, len(self.read))):
            logits[0, row, self._after(place)] = 1.0
        output.logits = logits
        return output

    def _after(self, place: int) -> int:
        said = b"".join(map(self.tokens.bytes_of, self.read[self.after : place + 1]))
        if not self.text.startswith(said):
            return 0  # a wrong guess was checked: what comes after it is of no interest
        if len(said) not in self.next:
            rest = self.text[len(said) :].decode("utf-8", "replace")
            self.next[len(said)] = self.tokens.controlled.ids(rest)[0]
        return self.next[len(said)]


class Prompter(LlamaForCausalLM):
    """Says given ids at given places, and nothing of that leaves the device: fit for a captured graph."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__(config)
        self.count = 0
        self.register_buffer("next", torch.zeros(CONTEXT_TOKENS, dtype=torch.long), persistent=False)

    def is_to_say(self, reply: Sequence[int], after: int, then: int) -> None:
        """Has the ids come after a prompt of that length."""
        self.next[after - 1 : after + len(reply)] = torch.tensor([*reply, then])

    def forward(self, input_ids: Tensor, position_ids: Tensor | None = None, **given: Any) -> Any:
        """As Llama does, with one logit higher than all others."""
        self.count += 1
        if position_ids is None:
            start = given["past_key_values"].get_seq_length()
            position_ids = torch.arange(start, start + input_ids.shape[1], device=self.device)[None]
        output = super().forward(input_ids=input_ids, position_ids=position_ids, **given)
        chosen = self.next[position_ids[:, -output.logits.shape[1] :], None]
        output.logits = output.logits.scatter(-1, chosen, 1e4)
        return output


def _turns(transcript: Path, tokens: Tokens) -> list[Turn]:
    told = json.loads(transcript.read_text(encoding="utf-8"))[:2]
    return [Turn(each["user"], tokens.controlled.ids(each["assistant"].strip())) for each in told]


def _prompts(tokens: Tokens, turns: Sequence[Turn]) -> Any:
    """The prompt of each turn, as soon as the one before it was written."""
    said = [Message("system", SYSTEM_TEXT)]
    answers: dict[str, tuple[int, ...]] = {}
    for turn in turns:
        said.append(Message("user", turn.asked))
        yield tokens.template.ids(said, answers.get)
        answers[turn.asked] = turn.written
        said.append(Message("assistant", turn.asked))


def _decoder(model: LlamaForCausalLM, tokens: Tokens, *, compile: bool = False) -> Decoder:  # noqa: A002
    return Decoder(
        model,
        stop_ids=tokens.template.stop_ids,
        context_tokens=CONTEXT_TOKENS,
        conversations=1,
        tokenizer_for_grammar=tokens.for_grammar(),
        compile=compile,
    )


def _written(
    decoder: Decoder, prompt: Sequence[int], edited: Sequence[int]
) -> tuple[tuple[int, ...], Statistics]:
    decoding = Decoding(GREEDY, grammar=grammar(), closing=closing)
    pieces, ids = decoder.decode(prompt, decoding, edited_ids=edited), []
    while True:
        try:
            ids += next(pieces)
        except StopIteration as end:
            return tuple(ids), end.value


def _generated(
    model: Narrator | Prompter, tokens: Tokens, prompt: Sequence[int], count: int, **how: Any
) -> int:
    """Has transformers write the reply; returns its passes."""
    before = model.count
    ids = torch.tensor([prompt], device=model.device)
    mask = torch.ones_like(ids)
    written = model.generate(
        ids,
        attention_mask=mask,
        do_sample=False,
        max_new_tokens=count + 8,
        eos_token_id=tokens.stop_id,
        pad_token_id=tokens.stop_id,
        **how,
    )
    if written.shape[1] != len(prompt) + count + 1:
        raise RuntimeError("`generate` wrote something else than the model said")
    return model.count - before


def _text(tokens: Tokens, ids: Sequence[int]) -> bytes:
    return b"".join(map(tokens.bytes_of, ids))


def _bandwidth(device: str) -> float:
    """Bytes a second that the device reads and writes in a plain copy."""
    source = torch.zeros(COPY_BYTES if device.startswith("cuda") else COPY_BYTES // 16, dtype=torch.uint8)
    source = source.to(device)
    target = torch.empty_like(source)
    times: list[float] = []
    for _ in range(5):
        _wait(device)
        began_s = time.perf_counter()
        target.copy_(source)
        _wait(device)
        times.append(time.perf_counter() - began_s)
    return 2 * source.numel() / min(times)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--transcript", type=Path, default=SAMPLE, help="two turns, as a JSON list")
    parser.add_argument("--size", choices=SIZES, default="8b", help="of the model whose speed is measured")
    default = "cuda" if torch.cuda.is_available() else ""
    parser.add_argument("--device", default=default, help="whose speed is measured; without a GPU none")
    parser.add_argument("--quick", action="store_true", help="end within a minute")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
