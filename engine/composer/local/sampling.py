"""Choosing the next tokens: greedy, or drawn with temperature and top-p.

Each place of a reply has one random number of its own, from the seed. A token depends therefore on the seed,
its place and its distribution alone, not on how many places one pass of the model decided: drafts change the
speed of a reply and not its words. In 16-bit types a pass of another width rounds differently, and where two
tokens are nearly as likely the other one may come.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

UNDECIDED = -1
"""Stands for a token where the model gave no usable distribution."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen.

    Attributes:
        temperature: Divides the logits; 0 takes the likeliest token.
        top_p: Only the likeliest tokens that together reach this probability are drawn.
        seed: Fixes the draw.

    Raises:
        ValueError: The temperature is negative or `top_p` not in (0, 1].
    """

    temperature: float = 0.6
    top_p: float = 0.9
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.temperature >= 0.0:
            raise ValueError(f"temperature {self.temperature} is not 0 or more")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p {self.top_p} is not in (0, 1]")

    @property
    def is_greedy(self) -> bool:
        """Whether the likeliest token is taken, without chance."""
        return self.temperature == 0.0


GREEDY = Sampling(temperature=0.0, top_p=1.0)


class Sampler:
    """Chooses the tokens of one reply, on the model's device and without waiting for it."""

    def __init__(self, sampling: Sampling, places: int, device: torch.device) -> None:
        self._sampling = sampling
        self._numbers = torch.empty(0)
        if not sampling.is_greedy:
            numbers = np.random.default_rng(abs(sampling.seed)).random(places)
            home = torch.device("cpu") if device.type == "mps" else device  # which has no 64-bit numbers
            self._numbers = torch.from_numpy(numbers).to(home)  # pyright: ignore[reportUnknownMemberType]

    def choose(self, logits: Tensor, place: int, allowed: Tensor | None = None) -> Tensor:
        """The tokens at places that follow each other.

        Args:
            logits: Of each place, "N V".
            place: Where in the reply the first one stands, from 0.
            allowed: The tokens that may stand there, "N V"; all when None.

        Returns:
            The ids, "N"; `UNDECIDED` where the logits are not finite or nothing is allowed.
        """
        logits = logits.float()
        is_sound = logits.amax(-1).isfinite()  # the maximum hands on a NaN wherever it is
        if allowed is not None:
            logits = logits.masked_fill(~allowed, float("-inf"))
            is_sound &= logits.amax(-1).isfinite()
        if self._sampling.is_greedy:
            ids = logits.argmax(-1)
        else:
            numbers = self._numbers[place : place + len(logits), None]
            ids = _drawn(probabilities(logits, self._sampling), numbers).to(logits.device)
        return ids.where(is_sound, UNDECIDED)


def probabilities(logits: Tensor, sampling: Sampling) -> Tensor:
    """The distribution over the tokens that a temperature and a top-p leave of logits, "N V".

    The likeliest tokens are kept until they reach top-p together; the one that reaches it is kept as well.
    """
    likely = torch.softmax(logits / sampling.temperature, -1)
    if sampling.top_p >= 1.0:
        return likely
    descending, order = likely.sort(-1, descending=True)
    is_kept = descending.cumsum(-1) - descending < sampling.top_p
    kept = torch.zeros_like(likely).scatter(-1, order, descending * is_kept)
    return kept / kept.sum(-1, keepdim=True)


def _drawn(likely: Tensor, numbers: Tensor) -> Tensor:
    """Inverse transform sampling: where the distribution function passes each number.

    In the order of the ids: sorted by probability, two tokens that are almost as likely could change places
    between passes of different widths.
    """
    heights = likely.to(numbers.device).double().cumsum(-1)
    ids = torch.searchsorted(heights, numbers * heights[:, -1:], right=True)
    return ids.squeeze(-1)
