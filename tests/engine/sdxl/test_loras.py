"""LoRAs: which are there, that they act as they should, and that nothing of them stays."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file

from engine.errors import BadSetting, LoraDoesNotFit
from engine.renderer.sdxl.loading import Parts
from engine.renderer.sdxl.loras import Lora, LoraFolder, Loras, parse_loras

ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]
TEXT_ATTENTION = ["q_proj", "k_proj", "v_proj", "out_proj"]


@pytest.fixture
def mine(parts: Parts) -> Parts:
    """Networks that may be changed."""
    return replace(
        parts,
        unet=copy.deepcopy(parts.unet),
        text_encoder=copy.deepcopy(parts.text_encoder),
        text_encoder_2=copy.deepcopy(parts.text_encoder_2),
    )


@pytest.fixture
def folder(parts: Parts, tmp_path: Path) -> LoraFolder:
    """`ink` for the UNet, `paper` for the UNet and both text encoders, `kohya` in the other common layout."""
    save_file(layers(parts, "unet", 1), tmp_path / "ink.safetensors")
    both = layers(parts, "unet", 2) | layers(parts, "text_encoder", 3) | layers(parts, "text_encoder_2", 4)
    save_file(both, tmp_path / "paper.safetensors")
    save_file(kohya(layers(parts, "unet", 1)), tmp_path / "kohya.safetensors")
    return LoraFolder(tmp_path)


def layers(parts: Parts, part: str, seed: int) -> dict[str, torch.Tensor]:
    """A LoRA's weights, random."""
    network = copy.deepcopy(getattr(parts, part))
    targets = ATTENTION if part == "unet" else TEXT_ATTENTION
    network.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=targets), "made")
    torch.manual_seed(seed)
    weights = get_peft_model_state_dict(network, adapter_name="made")
    return {f"{part}.{name}": torch.randn_like(value) / 4 for name, value in weights.items()}


def kohya(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The names of the trainer that most people use."""
    named = {}
    for name, value in weights.items():
        layer, _, kind = name.removeprefix("unet.").removesuffix(".weight").rpartition(".")
        which = {"lora_A": "lora_down", "lora_B": "lora_up"}[kind]
        named[f"lora_unet_{layer.replace('.', '_')}.{which}.weight"] = value
        named[f"lora_unet_{layer.replace('.', '_')}.alpha"] = torch.tensor(2.0)
    return named


def predicted(parts: Parts) -> torch.Tensor:
    torch.manual_seed(0)
    ids = torch.tensor([parts.tokenizer("a red dragon", padding="max_length", max_length=77).input_ids])
    with torch.no_grad():
        first = parts.text_encoder(ids, output_hidden_states=True)
        second = parts.text_encoder_2(ids, output_hidden_states=True)
        text = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)
        added = {"text_embeds": second.text_embeds, "time_ids": torch.full((1, 6), 64.0)}
        return parts.unet(torch.randn(1, 4, 16, 16), 500, text, added_cond_kwargs=added).sample


def state(parts: Parts) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{key}": value.clone()
        for name, network in parts.networks().items()
        for key, value in network.state_dict().items()
    }


def assert_bare(parts: Parts, before: dict[str, torch.Tensor]) -> None:
    after = state(parts)
    assert after.keys() == before.keys()
    for key, value in before.items():
        assert torch.equal(after[key], value), key


@pytest.mark.parametrize("name", ["ink", "paper", "kohya"])
def test_a_lora_acts_and_leaves_no_trace(name: str, mine: Parts, folder: LoraFolder) -> None:
    """The picture changes with it; without it the weights and the picture are the same to the bit."""
    before, bare = state(mine), predicted(mine)
    loras = Loras(mine, folder)

    loras.wear([Lora(name)])
    assert loras.worn == (Lora(name),)
    assert (predicted(mine) - bare).abs().max() > 1e-3

    loras.wear([])
    assert_bare(mine, before)
    assert torch.equal(predicted(mine), bare)


def test_the_weight_scales_it(mine: Parts, folder: LoraFolder) -> None:
    """At 0 it does nothing, and at 1 exactly what was added to the layers by hand."""
    bare = predicted(mine)
    loras = Loras(mine, folder)
    loras.wear([Lora("ink", 0.0)])
    torch.testing.assert_close(predicted(mine), bare)

    for weight in (1.0, -0.5):
        loras.wear([Lora("ink", weight)])
        by_hand = replace(mine, unet=added_by_hand(mine, weight))
        torch.testing.assert_close(predicted(mine), predicted(by_hand), atol=1e-4, rtol=1e-4)


def added_by_hand(parts: Parts, weight: float):
    """The UNet with `ink` multiplied out into its weights."""
    bare = {name.replace(".base_layer", ""): value for name, value in parts.unet.state_dict().items()}
    bare = {name: value.clone() for name, value in bare.items() if "lora_" not in name}
    made = layers_of(parts)
    for name in [name for name in made if "lora_A" in name]:
        layer = name.removesuffix(".lora_A.weight").removeprefix("unet.")
        bare[f"{layer}.weight"] += weight * made[f"unet.{layer}.lora_B.weight"] @ made[name]
    unet = type(parts.unet).from_config(parts.unet.config).eval()
    unet.load_state_dict(bare)
    return unet


def layers_of(parts: Parts) -> dict[str, torch.Tensor]:
    bare = type(parts.unet).from_config(parts.unet.config)
    return layers(replace(parts, unet=bare), "unet", 1)


def test_both_layouts_mean_the_same(mine: Parts, folder: LoraFolder) -> None:
    """The same weights under other names paint the same picture."""
    loras = Loras(mine, folder)
    loras.wear([Lora("ink")])
    ink = predicted(mine)
    loras.wear([Lora("kohya")])

    torch.testing.assert_close(predicted(mine), ink)


def test_several_act_together(mine: Parts, folder: LoraFolder) -> None:
    """In any order, also when one has layers that the other has not."""
    loras = Loras(mine, folder)
    loras.wear([Lora("ink", 0.5), Lora("paper", 0.8)])
    together = predicted(mine)
    loras.wear([Lora("paper", 0.8), Lora("ink", 0.5)])
    torch.testing.assert_close(predicted(mine), together, atol=1e-4, rtol=1e-4)

    for alone in (Lora("ink", 0.5), Lora("paper", 0.8)):
        loras.wear([alone])
        assert (predicted(mine) - together).abs().max() > 1e-3


def test_only_those_asked_for_act(mine: Parts, folder: LoraFolder) -> None:
    """What acted before has no say in the next picture."""
    fresh = replace(mine, **{name: copy.deepcopy(getattr(mine, name)) for name in ("unet", "text_encoder")})
    loras = Loras(mine, folder)
    loras.wear([Lora("paper")])
    loras.wear([Lora("ink")])
    Loras(fresh, folder).wear([Lora("ink")])

    assert torch.equal(predicted(mine), predicted(fresh))


def test_a_lora_in_half_precision_fits_any_checkpoint(mine: Parts, parts: Parts, tmp_path: Path) -> None:
    """Files are float16 as a rule; the layers compute as the checkpoint does."""
    half = {name: value.half() for name, value in layers(parts, "unet", 1).items()}
    save_file(half, tmp_path / "half.safetensors")

    Loras(mine, LoraFolder(tmp_path)).wear([Lora("half")])
    assert {value.dtype for value in mine.unet.state_dict().values()} == {torch.float32}
    assert predicted(mine).dtype is torch.float32


def misshapen(parts: Parts) -> dict[str, torch.Tensor]:
    return {
        name: torch.randn(value.shape[0] + 1, value.shape[1] + 1)
        for name, value in layers(parts, "unet", 1).items()
    }


def with_strangers(parts: Parts) -> dict[str, torch.Tensor]:
    """A layer that SD 1.5 has and this one has not, beside all that fit."""
    stranger = {f"unet.down_blocks.0.attentions.0.to_q.lora_{each}.weight": torch.ones(2, 2) for each in "AB"}
    return layers(parts, "unet", 1) | stranger


def sd_15(_: Parts) -> dict[str, torch.Tensor]:
    layer = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    return {f"{layer}.lora_{each}.weight": torch.ones(2, 2) for each in ("down", "up")}


def text_of_another(parts: Parts) -> dict[str, torch.Tensor]:
    """The UNet's part fits, the second text encoder's does not: nothing of it may stay."""
    text = {name: torch.randn(9, 9) for name in layers(parts, "text_encoder_2", 1)}
    return layers(parts, "unet", 1) | text


@pytest.mark.parametrize(
    "make",
    [
        misshapen,
        with_strangers,
        sd_15,
        text_of_another,
        lambda _: {"model.diffusion_model.out.weight": torch.ones(2)},
        lambda _: {},
        lambda _: None,
    ],
    ids=["misshapen", "strangers", "sd15", "text", "checkpoint", "empty", "noise"],
)
def test_a_lora_that_does_not_fit_is_refused_by_name(
    make, mine: Parts, folder: LoraFolder, tmp_path: Path
) -> None:
    """And the checkpoint is bare afterwards, though another one fitted."""
    path, weights = tmp_path / "wrong one.safetensors", make(mine)
    path.write_bytes(b"\x00" * 99) if weights is None else save_file(weights, path)
    before, bare = state(mine), predicted(mine)
    loras = Loras(mine, folder)

    with pytest.raises(LoraDoesNotFit) as caught:
        loras.wear([Lora("ink"), Lora("wrong one")])

    assert caught.value.name == "wrong one"
    assert_bare(mine, before)
    assert torch.equal(predicted(mine), bare)
    loras.wear([Lora("ink")])
    assert not torch.equal(predicted(mine), bare)


@pytest.mark.parametrize(
    "name",
    ["", "..", ".hidden", "../ink", "sub/ink", "/etc/passwd", "ink.safetensors", "sub\\ink", "Ink", "ink\0"],
)
def test_a_name_is_never_a_path(name: str, mine: Parts, folder: LoraFolder, tmp_path: Path) -> None:
    """Only files in the folder itself have names; an unknown one is told which there are."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "ink.safetensors").write_bytes(b"")
    (tmp_path / ".hidden.safetensors").write_bytes(b"")

    with pytest.raises(BadSetting) as caught:
        Loras(mine, folder).wear([Lora(name)])
    assert (caught.value.name, caught.value.value) == ("loras", name)
    assert caught.value.allowed == "ink, kohya, paper"


def test_an_unknown_one_changes_nothing(mine: Parts, folder: LoraFolder) -> None:
    """What acted still does."""
    loras = Loras(mine, folder)
    loras.wear([Lora("ink")])
    inked = predicted(mine)

    with pytest.raises(BadSetting):
        loras.wear([Lora("ink"), Lora("nobody")])
    assert torch.equal(predicted(mine), inked)


def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    """Neither where none is set, nor where it is not there."""
    for folder in (LoraFolder(None), LoraFolder(tmp_path / "nowhere")):
        assert folder.names() == ()
        with pytest.raises(BadSetting):
            folder.path("ink")


def test_a_file_that_arrives_later_is_found(folder: LoraFolder, tmp_path: Path) -> None:
    """Nobody restarts for it; pickles do not count."""
    (tmp_path / "new.safetensors").write_bytes(b"")
    (tmp_path / "bad.ckpt").write_bytes(b"")

    assert folder.names() == ("ink", "kohya", "new", "paper")


@pytest.mark.parametrize(
    ("text", "loras"),
    [
        ("", ()),
        (" , ", ()),
        ("ink", (Lora("ink"),)),
        ("ink:0.8, paper one : -1", (Lora("ink", 0.8), Lora("paper one", -1.0))),
    ],
)
def test_loras_are_read_from_text(text: str, loras: tuple[Lora, ...]) -> None:
    """Names with weights, commas between."""
    assert parse_loras(text) == loras


@pytest.mark.parametrize(
    "text", ["ink:", "ink:much", "ink:nan", "ink:inf", "ink:99", "ink:-2.1", "ink, ink:0.5"]
)
def test_weights_that_make_no_sense_are_refused(text: str) -> None:
    """Beyond 2 a LoRA only breaks pictures."""
    with pytest.raises(BadSetting) as caught:
        parse_loras(text)
    assert caught.value.name == "loras"
