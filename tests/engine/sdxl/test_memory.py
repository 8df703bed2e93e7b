"""What stays on the device, and that what comes and goes is not changed by it."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from engine.devices import empty_caches
from engine.errors import Unavailable
from engine.renderer.sdxl.memory import Masters, Residence, plan_for
from engine.renderer.sdxl.plan import DECODED_PX, choose_plan

GB = 10**9
SDXL = {
    "unet": 5_130_000_000,
    "text_encoder": 250_000_000,
    "text_encoder_2": 1_390_000_000,
    "vae": 170_000_000,
}
ELSEWHERE = torch.device("meta")  # a device that is always there, and is not the CPU


def plan(free_gb: float, kind: str = "cuda", **changed):
    return choose_plan(kind, int(free_gb * GB), SDXL, **changed)


@pytest.mark.parametrize(
    ("free_gb", "layout", "resident"),
    [
        (7.4, "all-move", set()),
        (9.5, "encoders-move", {"unet"}),
        (11.4, "resident", set(SDXL)),
        (23.0, "resident", set(SDXL)),
        (79.0, "resident", set(SDXL)),
    ],
)
def test_cards_have_their_plans(free_gb: float, layout: str, resident: set[str]) -> None:
    """8 GB swap everything, 10 GB keep the UNet, 12 GB and more keep it all; none tiles a usual picture."""
    chosen = plan(free_gb)

    assert (chosen.layout, set(chosen.resident)) == (layout, resident)
    assert chosen.pinned == (layout != "resident")
    assert not chosen.tiles(896, 1152)


def test_a_second_model_on_the_card_leaves_less() -> None:
    """Of 12 GB of which a language model has four, the plan is that of an 8 GB card."""
    assert plan(11.4 - 4.0).layout == "all-move"


def test_large_pictures_are_tiled_where_memory_is_short() -> None:
    """Twice the size has four times the pixels."""
    assert plan(11.4).tiles(1792, 2304)
    assert not plan(79.0).tiles(1792, 2304)


def test_a_card_that_is_too_small_is_said_to_be() -> None:
    """4 GB do not hold the UNet, whatever moves."""
    with pytest.raises(Unavailable) as caught:
        plan(3.6)
    assert (caught.value.backend, caught.value.reason) == ("sdxl", "not-enough-memory")


@given(st.floats(0, 100))
def test_more_memory_is_never_worse(free_gb: float) -> None:
    """Each layout needs less than the one before it, and what is promised fits."""
    try:
        chosen = plan(free_gb)
    except Unavailable:
        return
    held = sum(SDXL[name] for name in chosen.resident | {"vae"})
    assert held + min(chosen.untiled_px, 512 * 512) * 3400 <= free_gb * GB
    assert len(plan(free_gb + 1).resident) >= len(chosen.resident)


@pytest.mark.parametrize("wanted", ["resident", "encoders-move", "all-move"])
def test_the_operator_may_decide(wanted: str) -> None:
    """For example to leave the card to a language model between pictures."""
    assert plan(79, wanted=wanted).layout == wanted


def test_the_operator_cannot_have_the_impossible() -> None:
    """Everything resident does not fit into 8 GB."""
    with pytest.raises(Unavailable):
        plan(7.4, wanted="resident")


@pytest.mark.parametrize("free_gb", [0.1, 60])
def test_on_a_cpu_everything_is_where_it_is(free_gb: float) -> None:
    """Nothing moves and nothing is pinned; large pictures are tiled when memory is short."""
    chosen = plan(free_gb, "cpu", vae_itemsize=4)

    assert chosen.resident == set(SDXL)
    assert not chosen.pinned
    assert chosen.tiles(1024, 1152) == (free_gb < 1)


def test_shared_memory_is_not_pinned() -> None:
    """On Apple's chips the device's memory is the host's."""
    assert not plan(7.4, "mps").pinned


def test_full_precision_of_the_vae_costs_twice() -> None:
    """Where it is float32, half as many pixels are decoded at once."""
    assert plan(30).untiled_px == pytest.approx(2 * plan(30, vae_itemsize=4).untiled_px, rel=0.01)
    assert plan(30).untiled_px > DECODED_PX


def test_a_plan_says_what_it_is() -> None:
    """As plain values."""
    assert plan(9.5).describe() == {
        "layout": "encoders-move",
        "resident": "unet",
        "pinned": True,
        "untiled_px": 1235294,
        "free_bytes": 9_500_000_000,
    }


def test_the_plan_for_what_is_loaded(parts) -> None:
    """The tiny checkpoint on a CPU stays where it is."""
    chosen = plan_for(parts)

    assert chosen.layout == "resident"
    assert 0 < chosen.free_bytes < 2**50


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)).eval()


def where(network: nn.Module) -> set[str]:
    return {tensor.device.type for tensor in (*network.parameters(), *network.buffers())}


def test_weights_are_on_the_device_while_they_are_used(network: nn.Module) -> None:
    """And afterwards they are the very masters again, not a copy of them."""
    before = {name: (value.data_ptr(), value.clone()) for name, value in network.state_dict().items()}
    masters = Masters(network, ELSEWHERE, pinned=False)

    with masters.on_device():
        assert where(network) == {"meta"}
        with masters.on_device():
            assert where(network) == {"meta"}
        assert where(network) == {"meta"}

    assert where(network) == {"cpu"}
    for name, value in network.state_dict().items():
        assert value.data_ptr() == before[name][0]
        assert torch.equal(value, before[name][1])


def test_what_goes_wrong_on_the_device_leaves_the_masters(network: nn.Module) -> None:
    """Out of memory, a cancelled picture: the weights come back."""
    masters = Masters(network, ELSEWHERE, pinned=False)
    with pytest.raises(RuntimeError, match="full"), masters.on_device():
        raise RuntimeError("full")

    assert where(network) == {"cpu"}
    with masters.on_device():
        assert where(network) == {"meta"}


def test_a_copy_that_fails_halfway_is_undone(network: nn.Module) -> None:
    """No network is left with one foot on the device."""
    masters = Masters(network, torch.device("cuda:99"), pinned=False)
    with pytest.raises((RuntimeError, AssertionError)), masters.on_device():
        pytest.fail("there is no such device")

    assert where(network) == {"cpu"}


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_what_is_kept_ready_is_given_back(kind, monkeypatch):
    """Of each kind of device that is here; none is asked that is not."""
    emptied: list[str] = []
    for each, known in (("cuda", torch.cuda), ("mps", torch.backends.mps)):
        monkeypatch.setattr(known, "is_available", lambda each=each: each == kind)
        monkeypatch.setattr(getattr(torch, each), "empty_cache", lambda each=each: emptied.append(each))
    empty_caches()
    assert emptied == [kind]


def test_what_was_added_meanwhile_moves_too(network: nn.Module) -> None:
    """LoRAs come after the plan was made."""
    masters = Masters(network, ELSEWHERE, pinned=False)
    network.add_module("lora", nn.Linear(3, 3))

    with masters.on_device():
        assert where(network) == {"meta"}


def test_only_those_asked_for_are_on_the_device(parts) -> None:
    """One after the other, each leaves room for the next."""
    moving = replace(parts, device=ELSEWHERE)
    residence = Residence(moving, plan(7.4, "mps"))

    with residence.on_device("text_encoder", "text_encoder_2"):
        assert where(parts.text_encoder) == where(parts.text_encoder_2) == {"meta"}
        assert where(parts.unet) == {"cpu"}
    with residence.on_device("unet"):
        assert where(parts.unet) == {"meta"}
        assert where(parts.text_encoder) == {"cpu"}
    assert where(parts.unet) == {"cpu"}


def test_what_is_resident_stays(parts) -> None:
    """On the CPU nothing moves at all."""
    pointer = parts.unet.conv_in.weight.data_ptr()
    residence = Residence(parts, plan(60, "cpu"))

    with residence.on_device("unet", "vae"):
        assert parts.unet.conv_in.weight.data_ptr() == pointer
