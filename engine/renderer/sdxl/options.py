"""What the SDXL renderer is told: which checkpoint, and how it is loaded. No torch."""

from dataclasses import dataclass
from typing import Final, Literal

from engine.renderer.sdxl.layout import BACKEND

Dtype = Literal["auto", "bfloat16", "float16", "float32"]
Layout = Literal["resident", "encoders-move", "all-move"]
Memory = Literal["auto", "resident", "encoders-move", "all-move"]
Compile = Literal["auto", "on", "off"]

SDXL_MODEL: Final = "SG161222/RealVisXL_V4.0"

SAMPLERS: Final = (
    "dpmpp_2m_karras",
    "dpmpp_sde",
    "euler",
    "euler_a",
    "unipc",
    "euler_trailing",
    "ddim_trailing",
    "lcm",
    "tcd",
)
"""Those of `sampling`, for whoever offers them without torch; the first is the default one."""


@dataclass(frozen=True, slots=True)
class SdxlOptions:
    """How an SDXL checkpoint is loaded and run by `diffusers`.

    Attributes:
        model: An id on the hub, a folder in diffusers' layout, or one `.safetensors` file.
        config: For one file that is not built as SDXL's base: a folder in diffusers' layout whose
            configuration and tokenizers go with it. Empty for SDXL's own.
        revision: A branch, tag or commit of the hub to stay with; empty for the newest.
        offline: Whether the network is never used; the model is then on this machine.
        mirror: The address of another hub, for example `https://hub.example.org`; empty for the default.
        dtype: Of the weights. `auto` is float16 on a GPU, float32 on a CPU. The VAE, which float16 breaks,
            is bfloat16 or float32 then.
        device: `cpu`, `cuda`, `cuda:1` and so on, `mps`; `auto` takes the first GPU where there is one.
        memory: What stays in the device's memory; `auto` goes by what is free. `all-move` leaves it to others
            between pictures.
        loras: The folder with LoRA files; empty for none.
        projected_pooled: Whether the pooled text vector goes through its projection, as SDXL was trained.
            Omost's reference leaves it out.
        compile: Whether the model is compiled; `auto` does so on a GPU.
        previews: A tiny autoencoder that draws previews (TAESDXL): an id on the hub, or a folder; empty for
            a linear map of the latents, which is coarser and costs nothing.
        backend: What the renderer is called in errors.
    """

    model: str = SDXL_MODEL
    config: str = ""
    revision: str = ""
    offline: bool = False
    mirror: str = ""
    dtype: Dtype = "auto"
    device: str = "auto"
    memory: Memory = "auto"
    loras: str = ""
    projected_pooled: bool = True
    compile: Compile = "auto"
    previews: str = ""
    backend: str = BACKEND
