"""The reference's formulas for texts and attention, written out plainly, without a thought for speed.

Only what the formulas name is taken from models: weights and tokenizers. Texts and masks come straight from
the canvas, each bag is encoded alone, scores are a matrix with -inf, positive and negative are two calls.
"""

import math
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from canvas.layout import rect


@dataclass(frozen=True)
class NaiveConditioning:
    """`conditions` are (mask [90, 90], states [tokens, features]), the global one first."""

    conditions: list
    pooled: torch.Tensor
    negative: torch.Tensor
    negative_pooled: torch.Tensor


@torch.no_grad()
def conditioning(canvas, negative_prompt, parts, *, projected):
    """As the reference makes it; texts that its two tokenizers split differently are its death."""
    encoded = []
    for mask, prefixes, suffixes in _texts(canvas):
        states = [encode(*bag, parts, projected) for bag in _bags(prefixes, suffixes, parts)]
        encoded.append((mask, torch.cat([text for text, _ in states]), states[0][1]))
    negative = encode(*(_ids(negative_prompt, parts)), parts, projected)
    return NaiveConditioning(
        conditions=[(mask, text) for mask, text, _ in encoded],
        pooled=encoded[0][2],
        negative=negative[0],
        negative_pooled=negative[1],
    )


def of(conditioning):
    """The same texts as our conditioning's, its order and its tensors."""
    conditions = []
    for keys in conditioning.keys:
        top, bottom, left, right = keys.rect
        mask = torch.zeros(90, 90, device=conditioning.positive.device)
        mask[top:bottom, left:right] = 1
        conditions.append((mask, conditioning.positive[keys.start : keys.end]))
    return NaiveConditioning(
        conditions, conditioning.pooled, conditioning.negative, conditioning.negative_pooled
    )


def _texts(canvas):
    """(mask, prefixes, suffixes) of each condition."""
    whole = canvas.global_description
    yield np.ones((90, 90)), [whole.description], [*whole.detailed_descriptions, whole.tags]
    for local in sorted(canvas.local_descriptions, key=lambda local: -local.distance_to_viewer):
        top, bottom, left, right = rect(local)
        mask = np.zeros((90, 90))
        mask[top:bottom, left:right] = 1.0
        suffixes = [
            *local.detailed_descriptions,
            local.tags,
            local.atmosphere,
            local.style,
            local.quality_meta,
        ]
        yield mask, [whole.description, local.description], suffixes


def _bags(prefixes, suffixes, parts):
    """Tokens for each of the two encoders, bag by bag."""
    prefix, prefix_2 = [], []
    for text in prefixes:
        ids, ids_2 = _ids(text.strip(",. ") + ".", parts)
        prefix, prefix_2 = prefix + ids, prefix_2 + ids_2
    budget = 75 - len(prefix)
    bags, used = [], 0
    for text in suffixes:
        ids, ids_2 = _ids(text.strip(",. ") + ".", parts)
        if not bags or used + len(ids) > budget:
            bags.append((list(prefix), list(prefix_2)))
            used = 0
        bags[-1][0].extend(ids)
        bags[-1][1].extend(ids_2)
        used += len(ids)
    return bags


def _ids(text, parts):
    ids, ids_2 = (
        tokenizer(text, add_special_tokens=False).input_ids
        for tokenizer in (parts.tokenizer, parts.tokenizer_2)
    )
    assert ids == ids_2, "the reference dies of this text"
    return ids, ids_2


def encode(ids, ids_2, parts, projected):
    """The states before the last layer of both encoders, and the second one's pooled vector."""
    rows = []
    for tokens, tokenizer in ((ids, parts.tokenizer), (ids_2, parts.tokenizer_2)):
        row = [tokenizer.bos_token_id, *tokens[:75], tokenizer.eos_token_id]
        rows.append(torch.tensor(row + [tokenizer.pad_token_id] * (77 - len(row))))
    first, second = parts.text_encoder, parts.text_encoder_2
    states = clip_states(first, rows[0])
    states_2 = clip_states(second.text_model, rows[1])
    end = rows[1].tolist().index(parts.tokenizer_2.eos_token_id)
    pooled = second.text_model.final_layer_norm(states_2[-1])[end]
    if projected:
        pooled = second.text_projection.weight @ pooled
    return torch.cat([states[-2], states_2[-2]], dim=-1), pooled


def clip_states(model, row):
    """The embedded tokens, and the states after each layer: [77, width] each."""
    embeddings = model.embeddings
    states = [embeddings.token_embedding.weight[row] + embeddings.position_embedding.weight[: len(row)]]
    future = torch.ones(len(row), len(row), dtype=torch.bool).triu(1)
    for layer in model.encoder.layers:
        attn, before = layer.self_attn, layer.layer_norm1(states[-1])
        heads = model.config.num_attention_heads
        query, key, value = (
            project(before).view(len(row), heads, -1).transpose(0, 1)
            for project in (attn.q_proj, attn.k_proj, attn.v_proj)
        )
        scores = query @ key.transpose(1, 2) / math.sqrt(query.shape[-1])
        weights = scores.masked_fill(future, -math.inf).softmax(-1)
        middle = states[-1] + attn.out_proj((weights @ value).transpose(0, 1).reshape(len(row), -1))
        states.append(middle + layer.mlp(layer.layer_norm2(middle)))
    return states


class NaiveAttention:
    """The reference's processor for `attn2`.

    Attributes:
        conditions: (mask [90, 90], states [tokens, features]) each.
        latent_size: (height, width).
    """

    def __init__(self, conditions, latent_size):
        self.conditions = conditions
        self.latent_size = latent_size

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None):  # noqa: ARG002
        height, width = self._size(hidden_states.shape[1])
        blocked, scales, texts = [], [], []
        for mask, text in self.conditions:
            grid = torch.as_tensor(mask, dtype=torch.float32, device=text.device)[None, None]
            resized = functional.interpolate(grid, (height, width), mode="nearest-exact").flatten()
            blocked.append((resized <= 0.5)[:, None].expand(-1, len(text)))
            # infinite for a mask of no area, which is blocked everywhere
            scales.append((height * width / resized.sum()).to(text.dtype).expand(len(text)))
            texts.append(text)
        text = torch.cat(texts).expand(len(hidden_states), -1, -1)
        query, key, value = (
            features.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for features in (attn.to_q(hidden_states), attn.to_k(text), attn.to_v(text))
        )
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 * torch.cat(scales)
        weights = scores.masked_fill(torch.cat(blocked, 1), -math.inf).softmax(-1)
        return attn.to_out[0]((weights @ value).transpose(1, 2).flatten(2))

    def _size(self, places):
        height, width = self.latent_size
        while height * width > places:
            height, width = (height + 1) // 2, (width + 1) // 2
        assert height * width == places
        return height, width


@contextmanager
def installed(unet, attention):
    """Has the UNet's cross attention be the naive one meanwhile."""
    before = dict(unet.attn_processors)
    unet.set_attn_processor(
        {name: attention if ".attn2." in name else processor for name, processor in before.items()}
    )
    try:
        yield
    finally:
        unet.set_attn_processor(before)


@torch.no_grad()
def call(unet, latents, timestep, *, text, pooled, time_ids):
    """One call of the UNet for latents [images, 4, height, width]."""
    images = len(latents)
    added = {
        "text_embeds": pooled.reshape(1, -1).expand(images, -1),
        "time_ids": time_ids.reshape(1, -1).expand(images, -1),
    }
    return unet(
        latents,
        timestep,
        encoder_hidden_states=text.expand(images, -1, -1),
        added_cond_kwargs=added,
        return_dict=False,
    )[0]


def predict(unet, latents, timestep, conditions, latent_size, *, pooled, time_ids):
    """The noise in latents that all read the same conditions.

    The negative prompt is one condition with a mask of ones.
    """
    with installed(unet, NaiveAttention(conditions, latent_size)):
        return call(unet, latents, timestep, text=conditions[0][1], pooled=pooled, time_ids=time_ids)


def predict_both(unet, latents, timestep, naive, *, time_ids):
    """(positive, negative) noise of latents, in two calls."""
    size = tuple(latents.shape[-2:])
    return tuple(
        predict(unet, latents, timestep, conditions, size, pooled=pooled, time_ids=time_ids)
        for conditions, pooled in (
            (naive.conditions, naive.pooled),
            ([(np.ones((90, 90)), naive.negative)], naive.negative_pooled),
        )
    )
