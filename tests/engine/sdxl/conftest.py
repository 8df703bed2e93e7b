"""SDXL's own classes, tiny and random: shaped as the real ones, deep enough for two levels of attention."""

import shutil
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from huggingface_hub import constants
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from engine.renderer.sdxl import SdxlOptions
from engine.renderer.sdxl.loading import Parts
from engine.renderer.sdxl.renderer import SdxlRenderer
from tests.engine.rig.hub import hub_of
from tests.engine.sdxl.checkpoints import save_folder
from tests.engine.sdxl.original import save_original

BEGIN, END = "<|startoftext|>", "<|endoftext|>"
WORDS = """
    a the of in on at with and over under dragon knight castle mountain river forest lake sky cloud sun moon
    red green blue golden dark bright old tall small wide night day snow fire water stone wooden flying
    picture painting detailed quality best light soft mood calm storm brave lowres bad anatomy hands
"""

SCHEDULER_CONFIG = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "timestep_spacing": "leading",
    "steps_offset": 1,
}


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Tiny models are slower on several threads, and others use the machine too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer():
    """As SDXL's first: pads with its end token."""
    return tiny_tokenizer(pad_token=END)


@pytest.fixture(scope="session")
def tokenizer_2():
    """As SDXL's second: pads with "!", which is token 0."""
    return tiny_tokenizer(pad_token="!")


@pytest.fixture(scope="session")
def text_encoder(tokenizer):
    torch.manual_seed(1)
    return CLIPTextModel(text_config(tokenizer, width=24, layers=3)).eval()


@pytest.fixture(scope="session")
def text_encoder_2(tokenizer_2):
    torch.manual_seed(2)
    return CLIPTextModelWithProjection(text_config(tokenizer_2, width=40, layers=4)).eval()


@pytest.fixture(scope="session")
def unet():
    """Attention at a half and a quarter of the latents' size, two layers deep at the quarter, as in SDXL."""
    return tiny_unet()


@pytest.fixture(scope="session")
def vae():
    """Four pixels are one latent: a factor other than the usual 8."""
    return tiny_vae()


@pytest.fixture(scope="session")
def parts(unet, vae, tokenizer, tokenizer_2, text_encoder, text_encoder_2):  # noqa: PLR0917 - fixtures
    """All of it, in fp32 on the CPU. Shared by all tests: leave it as it is."""
    return Parts(
        unet=unet,
        vae=vae,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer_2,
        text_encoder=text_encoder,
        text_encoder_2=text_encoder_2,
        scheduler_config=dict(SCHEDULER_CONFIG),
        vae_scale_factor=4,
        device=torch.device("cpu"),
        dtype=torch.float32,
    )


@pytest.fixture
async def painter(parts):
    """The renderer over all of it."""
    sdxl = SdxlRenderer(SdxlOptions(device="cpu"), read=lambda _options: parts)
    async with aclosing(sdxl):
        yield sdxl


@pytest.fixture(scope="session")
def saved(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in diffusers' layout."""
    folder = tmp_path_factory.mktemp("models") / "sdxl-tiny"
    save_folder(parts, folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


@pytest.fixture(scope="session")
def file(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file in the authors' layout."""
    path = tmp_path_factory.mktemp("files") / "tiny.safetensors"
    save_original(parts, path)
    return path


@pytest.fixture
def from_file(file: Path, saved: Path) -> SdxlOptions:
    return SdxlOptions(str(file), config=str(saved), device="cpu", offline=True)


@pytest.fixture
def hub(folder: Path):
    with hub_of(folder) as hub:
        yield hub


@pytest.fixture
def from_hub(hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SdxlOptions:
    """Options that fetch from the hub on loopback into an empty cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return SdxlOptions("omost/tiny", mirror=hub.url, device="cpu")


def tiny_unet(seed=3):
    torch.manual_seed(seed)
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(16, 32, 32),
        layers_per_block=1,
        transformer_layers_per_block=(1, 1, 2),
        attention_head_dim=(1, 2, 4),  # heads, as SDXL's configuration names them
        cross_attention_dim=24 + 40,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 40,
        norm_num_groups=8,
    ).eval()


def tiny_vae():
    torch.manual_seed(4)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(8, 8, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
        scaling_factor=0.13025,
    ).eval()


def text_config(tokenizer, width, layers):
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=77,
        initializer_factor=4.0,  # or the words hardly matter
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def tiny_tokenizer(pad_token):
    """Every byte within and at the end of a word, a few words, then the two controls, as in CLIP's own."""
    alphabet = _clip_alphabet()
    vocabulary = [*alphabet, *(f"{letter}</w>" for letter in alphabet)]
    merges = {}
    for word in WORDS.split():
        joined, *rest = *word[:-1], f"{word[-1]}</w>"
        for letter in rest:
            merges[joined, letter] = None
            joined += letter
    vocabulary += dict.fromkeys(first + second for first, second in merges)
    vocabulary += [token for token in (BEGIN, END) if token not in vocabulary]
    ids = {token: number for number, token in enumerate(dict.fromkeys(vocabulary))}
    return CLIPTokenizer(vocab=ids, merges=list(merges), pad_token=pad_token, model_max_length=77)


def _clip_alphabet():
    """The letters that stand for bytes, printable ones first: "!" is token 0."""
    return sorted(ByteLevel.alphabet(), key=lambda letter: (ord(letter) > 255, letter))
