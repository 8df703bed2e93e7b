"""Stable Diffusion XL on this machine, run by `diffusers`' models.

Importing this package needs no torch; painting does.
"""

from engine.renderer.sdxl.options import SdxlOptions

__all__ = ["SdxlOptions"]
