"""An autoencoder as TAESDXL is one, small and random."""

from pathlib import Path

import torch
from diffusers import AutoencoderTiny


def tiny_autoencoder(latent_channels: int = 4) -> AutoencoderTiny:
    torch.manual_seed(0)
    return AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8),
        decoder_block_out_channels=(8, 8, 8),
        num_encoder_blocks=(1, 1, 1),
        num_decoder_blocks=(1, 1, 1),
        latent_channels=latent_channels,
    ).eval()


def save_tiny_autoencoder(folder: Path, latent_channels: int = 4) -> AutoencoderTiny:
    """Saves one as it lies on the hub."""
    saved = tiny_autoencoder(latent_channels)
    saved.save_pretrained(folder)
    return saved
