"""The layout of SDXL's authors: all weights in one file, under their own names."""

import re

import torch
from safetensors.torch import save_file

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
UNET = {
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
VAE = {
    "conv_norm_out": "norm_out",
    "conv_shortcut": "nin_shortcut",
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
    "mid_block.attentions.0": "mid.attn_1",
    "group_norm": "norm",
    "to_out.0": "proj_out",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
}
OPEN_CLIP = {
    "text_model.embeddings.token_embedding": "token_embedding",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm": "ln_final",
    "text_model.encoder.layers": "transformer.resblocks",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "fc1": "c_fc",
    "fc2": "c_proj",
    "self_attn.out_proj": "attn.out_proj",
    "text_projection.weight": "text_projection",
}


def save_original(parts, path, **extra):
    """One file as people share them."""
    weights = {f"model.diffusion_model.{name}": value for name, value in unet_weights(parts.unet).items()}
    weights |= {f"first_stage_model.{name}": value for name, value in vae_weights(parts.vae).items()}
    weights |= {f"conditioner.embedders.0.{name}": value for name, value in clip(parts.text_encoder).items()}
    weights |= {
        f"conditioner.embedders.1.model.{name}": value
        for name, value in open_clip(parts.text_encoder_2).items()
    }
    save_file({name: value.contiguous().clone() for name, value in (weights | extra).items()}, path)
    return weights


def unet_weights(unet):
    layers = unet.config.layers_per_block
    return {unet_name(name, layers): value for name, value in unet.state_dict().items()}


def unet_name(name, layers):
    of_resnet = ".resnets." in name
    name = renamed(name, UNET)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"middle_block.{2 * int(m[1])}", name)
    name = name.replace("mid_block.attentions.0", "middle_block.1")
    down = re.match(r"down_blocks\.(\d)\.(resnets|attentions|downsamplers)\.(\d)\.", name)
    up = re.match(r"up_blocks\.(\d)\.(resnets|attentions|upsamplers)\.(\d)\.", name)
    if down:
        block, kind, number = int(down[1]), down[2], int(down[3])
        place = 1 + block * (layers + 1) + (layers if kind == "downsamplers" else number)
        inner = {"resnets": "0.", "attentions": "1.", "downsamplers": "0."}[kind]
        name = f"input_blocks.{place}.{inner}{name[down.end() :]}".replace("0.conv.", "0.op.")
    if up:
        block, kind, number = int(up[1]), up[2], int(up[3])
        place = block * (layers + 1) + (layers if kind == "upsamplers" else number)
        inner = {"resnets": "0.", "attentions": "1.", "upsamplers": "2."}[kind]
        name = f"output_blocks.{place}.{inner}{name[up.end() :]}"
    return renamed(name, RESNET) if of_resnet else name


def vae_weights(vae):
    blocks = len(vae.config.block_out_channels)
    return {vae_name(name, blocks): vae_value(name, value) for name, value in vae.state_dict().items()}


def vae_name(name, blocks):
    name = renamed(name, VAE)
    name = re.sub(r"down_blocks\.(\d)\.resnets\.", r"down.\1.block.", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0\.", r"down.\1.downsample.", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets\.", lambda m: f"up.{blocks - 1 - int(m[1])}.block.", name)
    return re.sub(
        r"up_blocks\.(\d)\.upsamplers\.0\.", lambda m: f"up.{blocks - 1 - int(m[1])}.upsample.", name
    )


def vae_value(name, value):
    """Attention is a convolution of one pixel there."""
    of_attention = "attentions.0.to_" in name and name.endswith("weight")
    return value[:, :, None, None] if of_attention else value


def clip(text_encoder):
    """As the older transformers named it."""
    return {
        f"transformer.text_model.{name.removeprefix('text_model.')}": value
        for name, value in text_encoder.state_dict().items()
    }


def open_clip(text_encoder):
    found = {renamed(name, OPEN_CLIP): value for name, value in text_encoder.state_dict().items()}
    found["text_projection"] = found["text_projection"].T
    for name in [name for name in found if ".self_attn.q_proj." in name]:
        layer, _, kind = name.rpartition(".self_attn.q_proj.")
        joined = [found.pop(f"{layer}.self_attn.{each}_proj.{kind}") for each in "qkv"]
        found[f"{layer}.attn.in_proj_{kind}"] = torch.cat(joined)
    return found


def renamed(name, names):
    for ours, theirs in names.items():
        name = re.sub(rf"(?<![^.]){re.escape(ours)}(?![^.])", theirs, name)
    return name
