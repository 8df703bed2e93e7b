"""Compiles the blocks that a UNet spends its time in.

The transformer blocks are compiled, alone and not the whole UNet: there are dozens of them, of few kinds, so
that it takes seconds. Sizes are symbols: one compiled kind serves pictures of all sizes and texts of
all lengths. What is compiled anew is another number of pictures at once, and a LoRA of another rank.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Final

import structlog
import torch
from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException

from engine.renderer.sdxl.options import Compile

MOST_GRAPHS: Final = 64
"""Of all kinds of blocks, numbers of pictures and LoRAs together; beyond it nothing is compiled any more."""

_FAILURES: Final = (TorchDynamoException, FailOnRecompileLimitHit)

_log = structlog.get_logger()


def compile_unet(
    unet: Any, device: torch.device, wanted: Compile, *, backend: str | Callable[..., Any] = "inductor"
) -> bool:
    """Has a UNet's blocks compiled, each kind when it first runs, which then takes seconds.

    A failure is logged; from then on, in the call that failed already, the UNet runs as it was.

    Args:
        unet: A `UNet2DConditionModel`. It is changed in place and stays usable as it was.
        device: Where it runs.
        wanted: `auto` compiles on CUDA only: elsewhere less is gained than compiling takes.
        backend: What compiles, as `torch.compile` takes it.

    Returns:
        Whether it will be compiled.
    """
    if wanted == "off" or (wanted == "auto" and device.type != "cuda"):
        return False
    unet.compile_repeated_blocks(fullgraph=True, dynamic=True, backend=backend, recompile_limit=MOST_GRAPHS)
    unet.forward = _Fallback(unet)
    _log.info("unet-to-be-compiled", device=str(device))
    return True


class _Fallback:
    """A UNet's `forward`, which leaves compiled code for good when it fails to compile."""

    def __init__(self, unet: Any) -> None:
        self._unet = unet
        self._forward = unet.forward
        update_wrapper(self, self._forward)

    def __call__(self, *args: Any, **named: Any) -> Any:
        try:
            return self._forward(*args, **named)
        except _FAILURES as error:
            _log.warning("compilation-failed", exc_info=error)
        self._unet.forward = self._forward
        for block in self._unet.modules():
            block._compiled_call_impl = None  # noqa: SLF001 - what `Module.compile` sets; there is no way back
        return self._forward(*args, **named)
