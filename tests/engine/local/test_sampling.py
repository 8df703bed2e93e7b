"""Choosing tokens: exact distributions, and a random number for each place."""

import numpy as np
import pytest
import torch

from engine.composer.local.sampling import GREEDY, UNDECIDED, Sampler, Sampling, probabilities

CPU = torch.device("cpu")
LOGITS = torch.tensor([2.0, 1.5, 1.0, 0.0, -1.0, -3.0])


def reference(logits, temperature, top_p):
    """The same distribution in a loop over the sorted tokens."""
    scaled = np.exp(logits.numpy().astype(np.float64) / temperature)
    scaled /= scaled.sum()
    kept, reached = np.zeros_like(scaled), 0.0
    for token in np.argsort(-scaled):
        if reached >= top_p:
            break
        kept[token] = scaled[token]
        reached += scaled[token]
    return kept / kept.sum()


@pytest.mark.parametrize("temperature", [0.3, 0.6, 1.0, 2.5])
@pytest.mark.parametrize("top_p", [0.05, 0.5, 0.9, 1.0])
def test_distribution_is_exact(temperature, top_p):
    """Temperature and top-p leave exactly the tokens and the shares that they are defined by."""
    found = probabilities(LOGITS[None], Sampling(temperature, top_p))[0]
    np.testing.assert_allclose(found.numpy(), reference(LOGITS, temperature, top_p), atol=1e-6)


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.8, 0.9)])
def test_drawn_tokens_follow_the_distribution(temperature, top_p):
    """Chi-squared over 20,000 places: the frequencies are those of the distribution."""
    places = 20_000
    ids = Sampler(Sampling(temperature, top_p, seed=7), places, CPU).choose(LOGITS.expand(places, -1), 0)
    expected = reference(LOGITS, temperature, top_p) * places
    found = np.bincount(ids.numpy(), minlength=len(LOGITS))
    assert found[expected == 0].sum() == 0
    possible = expected > 0
    chi_squared = ((found - expected)[possible] ** 2 / expected[possible]).sum()
    assert chi_squared < 20.5  # p = 0.001 at 5 degrees of freedom


def test_place_and_seed_decide():
    """The same places give the same tokens however many are chosen at once; another seed gives others."""
    logits = torch.randn(40, 50, generator=torch.Generator().manual_seed(0))
    sampler = Sampler(Sampling(1.0, 0.95, seed=3), 40, CPU)
    at_once = sampler.choose(logits, 0)
    one_by_one = torch.cat([sampler.choose(logits[place : place + 1], place) for place in range(40)])
    assert at_once.tolist() == one_by_one.tolist()
    assert Sampler(Sampling(1.0, 0.95, seed=4), 40, CPU).choose(logits, 0).tolist() != at_once.tolist()


def test_longer_limit_changes_nothing():
    """The numbers of the first places do not depend on how many places there may be."""
    short, long = (Sampler(Sampling(1.0, 1.0, seed=5), places, CPU) for places in (10, 4000))
    logits = torch.zeros(10, 100)
    assert short.choose(logits, 0).tolist() == long.choose(logits, 0).tolist()


@pytest.mark.parametrize("seed", [-1, 0, 2**31, 2**64 + 1])
def test_any_seed_is_taken(seed):
    """A seed is any whole number."""
    assert Sampler(Sampling(1.0, 1.0, seed=seed), 1, CPU).choose(LOGITS[None], 0).item() in range(6)


def test_greedy_takes_the_likeliest_allowed():
    """Temperature 0 takes the highest logit among the allowed tokens."""
    sampler = Sampler(GREEDY, 2, CPU)
    allowed = torch.tensor([[True] * 6, [False, False, True, True, False, False]])
    assert sampler.choose(LOGITS.expand(2, -1), 0, allowed).tolist() == [0, 2]


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(1.0, 1.0), Sampling(0.7, 0.9)])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_out_of_range_are_seen(sampling, value):
    """A NaN or an infinity among the logits gives no token, at that place only."""
    broken = LOGITS.clone()
    broken[3] = value
    ids = Sampler(sampling, 3, CPU).choose(torch.stack([LOGITS, broken, LOGITS]), 0)
    assert [token == UNDECIDED for token in ids.tolist()] == [False, True, False]


def test_forbidden_tokens_are_never_drawn():
    """However unlikely the allowed tokens are, only they are drawn; where none is, there is no token."""
    logits = torch.tensor([40.0, 0.0, 0.0]).expand(500, -1)
    allowed = torch.tensor([False, True, True]).expand(500, -1)
    sampler = Sampler(Sampling(0.5, 0.9, seed=1), 500, CPU)
    assert set(sampler.choose(logits, 0, allowed).tolist()) == {1, 2}
    assert sampler.choose(logits[:1], 0, torch.zeros(1, 3, dtype=torch.bool)).tolist() == [UNDECIDED]


def test_lowest_logits_are_forbidden_tokens():
    """A model that forbids tokens by minus infinity is taken as it is."""
    logits = torch.tensor([[float("-inf"), 0.0, float("-inf")]])
    sampler = Sampler(Sampling(1.0, 1.0), 1, CPU)
    assert sampler.choose(logits, 0).tolist() == [1]
    assert sampler.choose(logits, 0, torch.tensor([[True, False, True]])).tolist() == [UNDECIDED]


@pytest.mark.parametrize(("temperature", "top_p"), [(-0.1, 0.9), (float("nan"), 0.9), (1.0, 0.0), (1.0, 1.1)])
def test_impossible_settings(temperature, top_p):
    """What is no temperature or no probability is refused."""
    with pytest.raises(ValueError, match="is not"):
        Sampling(temperature, top_p)
