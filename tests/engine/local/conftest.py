"""Models and tokenizers of the real classes, tiny, random, and trained here."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from engine.composer.prompting import SYSTEM_TEXT

CONTROLS = {
    "llama-3": [
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eot_id|>",
    ],
    "chatml": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    "phi-3": ["<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"],
}
EOS = {"llama-3": "<|eot_id|>", "chatml": "<|im_end|>", "phi-3": "<|endoftext|>"}
LLAMA_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Tiny models are slower on several threads, and others use the machine too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def corpus() -> list[str]:
    """Canvas code to train tokenizers with."""
    lantern = Path(__file__).parents[2] / "data" / "lantern_festival.md"
    return [lantern.read_text(encoding="utf-8"), SYSTEM_TEXT]


@pytest.fixture(scope="session")
def tokenizers(corpus: list[str]) -> dict[str, PreTrainedTokenizerFast]:
    """A tokenizer for each family of chat templates, with its control tokens and no template of its own."""
    return {
        "llama-3": _byte_level(corpus, "llama-3"),
        "chatml": _byte_level(corpus, "chatml"),
        "phi-3": _sentence_pieces(corpus),
    }


@pytest.fixture(scope="session")
def make_model() -> Callable[..., PreTrainedModel]:
    """`make_model(family, tokenizer, seed)`: a random Llama, or a random Phi-3 for its family."""

    def make(family: str, tokenizer: PreTrainedTokenizerFast, seed: int = 0) -> PreTrainedModel:
        torch.manual_seed(seed)
        shape = {
            "vocab_size": len(tokenizer) + 3,  # as real ones, whose embeddings are padded
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 4096,
            "initializer_range": 0.4,
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": None,
        }
        if family == "phi-3":
            return Phi3ForCausalLM(Phi3Config(**shape)).eval()
        return LlamaForCausalLM(LlamaConfig(**shape)).eval()

    return make


@pytest.fixture(scope="session")
def omost_folder(
    tmp_path_factory: pytest.TempPathFactory,
    tokenizers: dict[str, PreTrainedTokenizerFast],
    make_model: Callable[..., PreTrainedModel],
) -> Path:
    """A folder with a tiny Llama and its tokenizer, as people have them on disk."""
    folder = tmp_path_factory.mktemp("models") / "omost-tiny"
    make_model("llama-3", tokenizers["llama-3"]).save_pretrained(folder)
    tokenizers["llama-3"].save_pretrained(folder)
    return folder


def _byte_level(corpus: list[str], family: str) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=CONTROLS[family],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    bos = {"bos_token": CONTROLS[family][0]} if family == "llama-3" else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=EOS[family], clean_up_tokenization_spaces=False, **bos
    )


def _sentence_pieces(corpus: list[str]) -> PreTrainedTokenizerFast:
    """As Phi-3's: pieces with a mark for spaces, bytes for what is unknown, controls that eat white space."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=1100,
        special_tokens=["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))],
        max_token_length=12,
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    plain = Tokenizer.from_str(_without_byte_controls(tokenizer.to_str()))
    plain.add_tokens([AddedToken("</s>", rstrip=True, normalized=False)])
    plain.add_special_tokens([AddedToken(name, rstrip=True, normalized=False) for name in CONTROLS["phi-3"]])
    return PreTrainedTokenizerFast(
        tokenizer_object=plain,
        bos_token="<s>",
        eos_token=EOS["phi-3"],
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
    )


def _without_byte_controls(layout: str) -> str:
    read = json.loads(layout)
    read["added_tokens"] = [token for token in read["added_tokens"] if not token["content"].startswith("<0x")]
    return json.dumps(read)
