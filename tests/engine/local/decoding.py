"""Decoders of tiny random models, what they write, and what `generate` writes."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Phi3Config, Phi3ForCausalLM

from engine.composer.local.decoder import Decoder, Decoding
from engine.composer.local.sampling import GREEDY

STOP = 2
CLASSES = {"llama": (LlamaForCausalLM, LlamaConfig), "phi-3": (Phi3ForCausalLM, Phi3Config)}


def tiny(kind, **others):
    """A random model that repeats itself a little, so that drafts are right now and then."""
    torch.manual_seed(1)
    model, config = CLASSES[kind]
    shape = {
        "vocab_size": 120,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "initializer_range": 0.12,
        "bos_token_id": None,
        "eos_token_id": STOP,
        "pad_token_id": 0,
    }
    return model(config(**{**shape, **others})).eval()


def decoder_of(model, **others):
    settings = {"stop_ids": [STOP], "context_tokens": 256, "conversations": 1, "tokenizer_for_grammar": None}
    return Decoder(model, **{**settings, **others})


def written(decoder, prompt, decoding, **others):
    """The reply's ids and what it has cost."""
    ids, pieces = [], decoder.decode(prompt, decoding, **others)
    while True:
        try:
            ids += next(pieces)
        except StopIteration as end:
            return ids, end.value


def generated(model, prompt, tokens):
    """What `generate` writes greedily, without the stop token."""
    ids = torch.tensor([prompt])
    mask = torch.ones_like(ids)
    reply = model.generate(ids, attention_mask=mask, max_new_tokens=tokens, do_sample=False)[0]
    return [token for token in reply[len(prompt) :].tolist() if token != STOP]


def prompt_of(seed, tokens):
    choices = torch.Generator().manual_seed(seed)
    return torch.randint(3, 120, (tokens,), generator=choices).tolist()


def greedy(tokens, **others):
    return Decoding(GREEDY, max_new_tokens=tokens, **others)
