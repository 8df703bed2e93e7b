"""The tokenizers, the text encoders, and canvases as tokens.

The texts of a canvas, their bags and their places are those that `Conditioner` gives to the painter.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Final, cast

import torch
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from canvas.conditions import CLIP_TOKENS, WHOLE_GRID, bags, conditions
from canvas.layout import Rect
from canvas.model import Canvas

BEGIN: Final = "<|startoftext|>"
END: Final = "<|endoftext|>"
BAG_TOKENS: Final = CLIP_TOKENS + 2
WIDTHS: Final = 48, 64
"""Of the two encoders' states."""

PADDING: Final = -1
_NOWHERE: Final[Rect] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Told:
    """A canvas as tokens.

    Attributes:
        ids: int64 [bags, 77]; `PADDING` behind the end.
        rects: int64 [bags, 4], as (top, bottom, left, right) in cells.
    """

    ids: Tensor
    rects: Tensor


def new_tokenizers(words: str) -> tuple[Any, Any]:
    """Both split alike: these words are tokens, other ones fall into letters. The second pads with "!"."""
    return _tokenizer(words, END), _tokenizer(words, "!")


def new_encoders(tokenizer: Any, tokenizer_2: Any) -> tuple[Any, Any]:
    """CLIP's classes, tiny; the states before the last layer are what is read."""
    return (
        CLIPTextModel(_config(tokenizer, WIDTHS[0])),
        CLIPTextModelWithProjection(_config(tokenizer_2, WIDTHS[1])),
    )


def tokens(canvas: Canvas, tokenizer: Any) -> Told:
    """The bags of a canvas, the global ones first."""

    @cache
    def ids_of(text: str) -> tuple[int, ...]:
        return tuple(tokenizer(text, add_special_tokens=False, verbose=False).input_ids)

    rows: list[Tensor] = []
    rects: list[Rect] = []
    for condition in conditions(canvas):
        for bag in bags(condition, lambda text: len(ids_of(text))):
            texts = (*bag.prefixes, *bag.suffixes)
            rows.append(_row([token for text in texts for token in ids_of(text)], tokenizer))
            rects.append(condition.rect)
    return Told(torch.stack(rows), torch.tensor(rects))


def bare(text: str, tokenizer: Any) -> Told:
    """A negative prompt: one bag for the whole picture, without anything added."""
    ids = tokenizer(text, add_special_tokens=False).input_ids
    return Told(_row(ids, tokenizer)[None], torch.tensor([WHOLE_GRID]))


def untold(told: Told, like: Told) -> Told:
    """The first bag of one canvas, and as many bags as another has; the rest is seen from nowhere."""
    rects = torch.tensor([_NOWHERE]).repeat(len(like.ids), 1)
    rects[0] = told.rects[0]
    return Told(torch.cat([told.ids[:1], like.ids[1:]]), rects)


def encoded(encoder: Any, encoder_2: Any, pads: tuple[int, int], ids: Tensor) -> tuple[Tensor, Tensor]:
    """States [..., 77, features] and pooled vectors [..., features] of bags [..., 77]; equal ones once."""
    flat: Any = ids.flatten(0, -2)
    unique, inverse = flat.unique(dim=0, return_inverse=True)
    first, second = (
        model(unique.where(unique != PADDING, torch.tensor(pad)), output_hidden_states=True)
        for model, pad in zip((encoder, encoder_2), pads, strict=True)
    )
    states: Any = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], -1)
    lead = ids.shape[:-1]
    return states[inverse].unflatten(0, lead), second.text_embeds[inverse].unflatten(0, lead)


def _row(ids: Iterable[int], tokenizer: Any) -> Tensor:
    row = torch.full((BAG_TOKENS,), PADDING)
    inner = [tokenizer.bos_token_id, *list(ids)[:CLIP_TOKENS], tokenizer.eos_token_id]
    row[: len(inner)] = torch.tensor(inner)
    return row


def _config(tokenizer: Any, width: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=3 * width,
        projection_dim=width,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=BAG_TOKENS,
        initializer_factor=2.0,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _tokenizer(words: str, pad_token: str) -> Any:
    """Every byte within and at the end of a word, the words, then the two controls, as in CLIP's own."""
    # "!" is token 0, as there
    alphabet = sorted(ByteLevel.alphabet(), key=lambda letter: (ord(letter) > 255, letter))
    merges = _merges({word.lower() for word in re.findall("[A-Za-z]+", words)})
    joined = [first + second for first, second in merges]
    vocabulary = [*alphabet, *(f"{letter}</w>" for letter in alphabet), *joined, BEGIN, END]
    ids = {token: number for number, token in enumerate(dict.fromkeys(vocabulary))}
    make = cast("Any", CLIPTokenizer)
    return make(vocab=ids, merges=merges, pad_token=pad_token, model_max_length=BAG_TOKENS)


def _merges(words: Iterable[str]) -> list[tuple[str, str]]:
    """Byte-pair encoding, the most frequent pair first, until every word is one token."""
    split = [[*word[:-1], f"{word[-1]}</w>"] for word in sorted(words)]
    merges: list[tuple[str, str]] = []
    while pairs := Counter(pair for pieces in split for pair in pairwise(pieces)):
        merges.append(min(pairs, key=lambda pair: (-pairs[pair], pair)))
        split = [_merged(pieces, *merges[-1]) for pieces in split]
    return merges


def _merged(pieces: list[str], first: str, second: str) -> list[str]:
    merged: list[str] = []
    for piece in pieces:
        if merged and (merged[-1], piece) == (first, second):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged
