"""Language models on this machine, run by `transformers`.

Importing this package needs no torch; using its composer does.
"""

from engine.composer.local.composer import TransformersComposer
from engine.composer.local.options import TransformersOptions, is_unfiltered

__all__ = ["TransformersComposer", "TransformersOptions", "is_unfiltered"]
