"""Schedules and samplers, against the reference's formulas and against what every sampler must do."""

import pytest
import torch

from engine.renderer.sdxl.sampling import DEFAULT_SAMPLER, SAMPLERS, Kept, UnknownSampler, sample, schedule
from tests.engine.sdxl import naive_sampler as naive

# diffusers' schedulers make NumPy arrays of tensors in a way that NumPy 2 will not know for ever
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SHAPE = (1, 4, 6, 8)
STOCHASTIC = {"euler_a", "dpmpp_sde", "lcm", "tcd"}
BETAS = torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
SIGNAL = torch.cumprod(1 - BETAS, dim=0) ** 0.5
NOISE = (1 - SIGNAL**2) ** 0.5


def _predicts(latents, timestep):
    """A model: what it says depends on the latents, their neighbours and the time."""
    return torch.tanh(latents + latents.roll(1, -1) * 0.3) * (0.8 + timestep.float() / 5000)


def _generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def _silent(_step, _steps, _latents):
    return None


def _sample(
    name, seeds, steps=10, strength=1.0, *, initial=None, kept=None, on_step=_silent, denoise=_predicts
):
    initial = torch.zeros(SHAPE) if initial is None else initial
    plan = schedule(name, steps, strength, {})
    return sample(plan, initial, denoise, _generators(*seeds), on_step=on_step, kept=kept)


@pytest.mark.parametrize(
    ("steps", "strength"), [(25, 1.0), (20, 0.4), (25, 0.95), (60, 1.0), (10, 1.0), (2, 1.0)]
)
def test_the_default_is_the_references_sampler(steps, strength):
    """The whole way down, two images, from noise or from latents, is the reference's within 1e-4."""
    initial = torch.randn(SHAPE, generator=_generators(9)[0])
    ours = _sample(DEFAULT_SAMPLER, (3, 4), steps, strength, initial=initial)
    model = naive.NaiveModel(_predicts, lambda latents, time: _predicts(latents, time) * 0.5, 1.0)
    noise = naive.naive_noise(_generators(3, 4), *SHAPE[2:])
    theirs = naive.naive_sample(model, initial, noise, steps, strength)
    assert ours.std() > 0.1
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("steps", "strength"), [(25, 1.0), (20, 0.4), (25, 0.95), (60, 1.0)])
def test_timesteps_are_the_references(steps, strength):
    """The model is told the timestep that is nearest in log sigma."""
    model = naive.NaiveModel(_predicts, _predicts, 1.0)
    sigmas = naive.naive_sigmas(model, steps, strength)[:-1]
    theirs = [int(model.timestep(sigma)) for sigma in sigmas]
    assert schedule(DEFAULT_SAMPLER, steps, strength, {}).timesteps.tolist() == theirs


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("predicts", ["epsilon", "v_prediction"])
def test_every_sampler_finds_what_the_model_sees(name, strength, predicts):
    """A model that always sees one picture in the noise leads to it, whatever it predicts."""
    wanted = torch.randn(SHAPE, generator=_generators(1)[0])
    calls, told = [], []

    def sees_it(latents, timestep):
        calls.append(timestep)
        signal, noise = SIGNAL[timestep.round().long()], NOISE[timestep.round().long()]
        epsilon = (latents - wanted * signal) / noise
        velocity = signal * epsilon - noise * wanted
        return {"epsilon": epsilon, "v_prediction": velocity}[predicts]

    plan = schedule(name, 8, strength, {"prediction_type": predicts})
    latents = sample(plan, wanted, sees_it, _generators(1, 2), on_step=lambda *step: told.append(step[2]))
    assert len(calls) == 8
    # noise levels are rounded to the model's, and some samplers stop at the last one of these, .03
    for seen in (*told, latents):
        torch.testing.assert_close(seen, wanted.expand(2, -1, -1, -1), atol=0.15, rtol=0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_an_image_does_not_depend_on_its_batch(name):
    """The same seed gives the same latents alone, first and last."""
    alone = _sample(name, (5,))
    torch.testing.assert_close(_sample(name, (5, 6, 7))[:1], alone)
    torch.testing.assert_close(_sample(name, (6, 7, 5))[2:], alone)
    assert not torch.allclose(_sample(name, (6,)), alone, atol=0.1)


@pytest.mark.parametrize("name", SAMPLERS)
def test_generators_go_on(name):
    """What a second pass draws follows what the first one has drawn, image by image."""
    together, alone = _generators(5, 6), _generators(6)
    for generators in (together, alone):
        plan = schedule(name, 4, 1.0, {})
        sample(plan, torch.zeros(SHAPE), _predicts, generators, on_step=_silent)
    drawn = torch.randn(3, generator=together[1])
    assert torch.equal(drawn, torch.randn(3, generator=alone[0]))
    fresh = _generators(6)[0]
    torch.randn(SHAPE, generator=fresh)
    assert torch.equal(drawn, torch.randn(3, generator=fresh)) is (name not in STOCHASTIC)


def test_unknown_samplers_are_named_with_those_that_there_are():
    """The error carries what was asked for and what can be asked for."""
    with pytest.raises(UnknownSampler) as caught:
        schedule("ddpm9000", 10, 1.0, {})
    assert isinstance(caught.value, ValueError)
    assert caught.value.name == "ddpm9000"
    assert caught.value.known == SAMPLERS


@pytest.mark.parametrize("name", SAMPLERS)
def test_steps_are_told_and_the_last_one_is_the_result(name):
    """Each step is told with its number; the latents of the last are what is returned."""
    told = []
    latents = _sample(name, (1, 2), 6, on_step=lambda *step: told.append(step))
    assert [(step, steps) for step, steps, _ in told] == [(step, 6) for step in range(1, 7)]
    assert torch.equal(told[-1][2], latents)


def test_early_steps_show_what_is_to_come():
    """What is told of the first step is no noise: it is what the model sees in it."""
    told = []

    def sees_nothing(latents, _timestep):
        return latents

    _sample(DEFAULT_SAMPLER, (1,), 6, on_step=lambda *step: told.append(step[2]), denoise=sees_nothing)
    assert told[0].abs().max() < 0.2  # the noise is 14.6


def test_raising_in_a_step_stops_the_sampling():
    """The model is not asked again once a step has raised."""
    calls = []

    def counts(latents, timestep):
        calls.append(timestep)
        return latents

    def stop(step, _steps, _latents):
        if step == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        _sample(DEFAULT_SAMPLER, (1,), 9, on_step=stop, denoise=counts)
    assert len(calls) == 2


@pytest.mark.parametrize("name", SAMPLERS)
def test_what_is_kept_stays_to_the_last_bit(name):
    """Outside of the mask the latents are the kept ones; inside the model decides; seen at every step."""
    kept = torch.randn(SHAPE, generator=_generators(8)[0])
    mask = torch.zeros(1, 1, *SHAPE[2:])
    mask[..., :4] = 1
    told = []
    latents = _sample(name, (1, 2), 6, kept=Kept(kept, mask), on_step=lambda *step: told.append(step[2]))
    assert torch.equal(latents[..., 4:], kept[..., 4:].expand(2, -1, -1, -1))
    assert not torch.allclose(latents[..., :4], kept[..., :4].expand(2, -1, -1, -1), atol=0.1)
    assert all(torch.equal(step[..., 4:], kept[..., 4:].expand(2, -1, -1, -1)) for step in told)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_model_sees_kept_latents_with_the_noise_of_the_moment(name):
    """Everything kept, the model sees latents and noise in exactly the shares of its timestep."""
    kept = torch.full(SHAPE, 3.0)
    noise = naive.naive_noise(_generators(1), *SHAPE[2:])
    errors = []

    def compares(latents, timestep):
        level = timestep.round().long()
        errors.append((latents - kept * SIGNAL[level] - noise * NOISE[level]).abs().max().item())
        return latents

    _sample(name, (1,), 8, kept=Kept(kept, torch.zeros(1, 1, *SHAPE[2:])), denoise=compares)
    assert len(errors) == 8
    assert max(errors) < 0.05  # timesteps are whole numbers, noise levels are not


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("name", SAMPLERS)
def test_few_steps_are_enough_for_no_error(name, steps):
    """Even one step gives latents without infinities."""
    assert torch.isfinite(_sample(name, (1,), steps)).all()


@pytest.mark.parametrize("name", SAMPLERS)
def test_hardly_any_strength_is_no_error(name):
    """A strength that would need more noise levels than there are takes those that there are."""
    assert torch.isfinite(_sample(name, (1,), 25, 0.01)).all()
