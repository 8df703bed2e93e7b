"""Text to token ids and back: no text becomes a control token, no half a character becomes text.

A tokenizer reads control tokens such as `<|eot_id|>` wherever their names stand in a text, also in a
person's. Here it works on a copy whose control tokens have secret names, made anew for each process: only who
knows them can write one. Everything else is read as the model's own tokenizer reads it.
"""

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, cast

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from engine.errors import Unavailable

_UNFINISHED = "\N{REPLACEMENT CHARACTER}"


class ControlledTokenizer:
    """A model's tokenizer that tells what a template writes from what people write.

    Attributes:
        tokenizer: The model's own.
        control_ids: The control tokens by name. An added token of white space alone is text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Copies the tokenizer; the original is not changed.

        Raises:
            Unavailable: It is not of the `tokenizers` library, or control tokens are made of other tokens.
        """
        if not isinstance(tokenizer, PreTrainedTokenizerFast):
            raise Unavailable("transformers", "model-unreadable")
        self.tokenizer = tokenizer
        layout: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
        added = cast("list[dict[str, Any]]", layout["added_tokens"])
        self.control_ids: Mapping[str, int] = {
            token["content"]: token["id"] for token in added if token["content"].strip()
        }
        self._secrets = {name: f"x{secrets.token_hex(16)}x" for name in self.control_ids}
        self._copy = _renamed(layout, self._secrets)
        self._check_ids()
        self._names = re.compile(
            "|".join(re.escape(name) for name in sorted(self.control_ids, key=len, reverse=True)) or r"(?!)"
        )

    def controlling(self, text: str) -> str:
        """A template's text with its control tokens under their secret names, for `ids`."""
        return self._names.sub(lambda name: self._secrets[name[0]], text)

    def ids(self, text: str) -> tuple[int, ...]:
        """The ids of a text in which only secret names are control tokens."""
        return tuple(self._copy.encode(text, add_special_tokens=False).ids)

    def _check_ids(self) -> None:
        for name, token_id in self.control_ids.items():
            if self.ids(self._secrets[name]) != (token_id,):
                raise Unavailable("transformers", "model-unreadable")


class WholeCharacters:
    """Text out of token ids as they come, held back while a character is unfinished."""

    def __init__(self, tokenizer: ControlledTokenizer) -> None:
        self._backend = tokenizer.tokenizer.backend_tokenizer
        self._controls = frozenset(tokenizer.control_ids.values())
        self._ids: list[int] = []
        # from there on ids have been told, and are decoded again for the sake of the space between
        self._told_from = 0
        self._told_to = 0

    def feed(self, ids: Iterable[int]) -> str:
        """The characters that these ids finish; control tokens give none."""
        self._ids.extend(token_id for token_id in ids if token_id not in self._controls)
        text = self._decoded(self._told_from, len(self._ids))
        if text.endswith(_UNFINISHED):
            return ""
        told = self._decoded(self._told_from, self._told_to)
        self._told_from, self._told_to = self._told_to, len(self._ids)
        return text[len(told) :]

    def close(self) -> str:
        """What is left at the end, without an unfinished character."""
        text = self._decoded(self._told_from, len(self._ids))
        told = self._decoded(self._told_from, self._told_to)
        return text[len(told) :].rstrip(_UNFINISHED)

    def _decoded(self, start: int, end: int) -> str:
        return self._backend.decode(self._ids[start:end])


def _renamed(layout: dict[str, Any], names: Mapping[str, str]) -> Tokenizer:
    for token in layout["added_tokens"]:
        if token["content"] in names:
            token |= {"content": names[token["content"]], "normalized": False, "single_word": False}
    model = layout["model"]
    vocab = model["vocab"]
    if isinstance(vocab, dict):
        ids = cast("dict[str, int]", vocab)
        model["vocab"] = {names.get(token, token): token_id for token, token_id in ids.items()}
    else:  # a unigram model's list of pieces and scores
        model["vocab"] = [[names.get(piece, piece), score] for piece, score in vocab]
    if model.get("unk_token") in names:
        model["unk_token"] = names[model["unk_token"]]
    layout |= {"post_processor": None, "padding": None, "truncation": None}
    try:
        return Tokenizer.from_str(json.dumps(layout))
    except Exception as error:  # the library raises nothing narrower
        raise Unavailable("transformers", "model-unreadable") from error
