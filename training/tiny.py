"""Trains the tiny pipeline and writes it in diffusers' folder layout.

    python -m training.tiny FOLDER [--minutes 55] [--vae-minutes 11] [--work FOLDER]

One thread of a CPU is enough. Whatever is in the work folder is not made again, so an interrupted training
goes on. Progress and measurements are printed.
"""

import argparse
import json
import logging
import shutil
import sys
import time
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any, Final, cast

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from training import probe
from training.autoencoder import FACTOR, new_vae, pixels, train_vae
from training.denoiser import SCHEDULER_CONFIG, Sample, Trainer, batches, new_unet
from training.scenes import NEGATIVES, all_texts, scene, told_in_regions, told_in_words
from training.texts import Told, bare, new_encoders, new_tokenizers, tokens

SCENES: Final = 7000
WORDS_SHARE: Final = 0.3
"""Of the second telling of each scene."""

CHECKPOINT_S: Final = 180.0
PROBE_S: Final = 480.0
_PROBE_LAYOUTS: Final = 16
_PROBE_SEED: Final = 5
_VARIANT: Final = "fp16"
_LOGGER: Final = logging.getLogger(__name__)
_INDEX: Final = {
    "_class_name": "StableDiffusionXLPipeline",
    "force_zeros_for_empty_prompt": False,
    "scheduler": ["diffusers", "EulerDiscreteScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "tokenizer_2": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def main() -> None:
    """Trains what is not trained yet, and writes the folder."""
    arguments = _arguments()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout
    )
    torch.set_num_threads(1)
    _ = cast("Any", torch).manual_seed(arguments.seed)
    arguments.work.mkdir(parents=True, exist_ok=True)
    vae = _vae(arguments.work / "vae", arguments.vae_minutes * 60, arguments.seed)
    tokenizers = new_tokenizers(all_texts())
    samples = _samples(vae, tokenizers[0], arguments.work / "latents.pt", arguments.scenes, arguments.seed)
    _log(f"{len(samples)} samples")
    nothing = [bare(text, tokenizers[0]) for text in NEGATIVES]
    pads = (tokenizers[0].pad_token_id, tokenizers[1].pad_token_id)
    trainer = Trainer(new_unet(), new_encoders(*tokenizers), pads, FACTOR, arguments.seed)
    training = _Training(trainer, vae, tokenizers, arguments.work)
    training.run(samples, nothing, arguments.minutes * 60)
    training.export(arguments.folder)


class _Training:
    """The loop: by the clock, with checkpoints and measurements on the way."""

    def __init__(self, trainer: Trainer, vae: Any, tokenizers: tuple[Any, Any], work: Path) -> None:
        self._trainer = trainer
        self._vae = vae
        self._tokenizers = tokenizers
        self._work = work
        self._spent_s = 0.0

    def run(self, samples: list[Sample], nothing: list[Told], seconds: float) -> None:
        checkpoint = self._work / "checkpoint.pt"
        if checkpoint.exists():
            state: dict[str, Any] = torch.load(checkpoint, weights_only=True)
            self._spent_s = state.pop("spent_s")
            self._trainer.resume(state)
        saved_s = probed_s = self._spent_s
        mean, order = 0.0, batches(samples, self._trainer.rng)
        while self._spent_s < seconds:
            began_s = time.monotonic()
            loss = self._trainer.train_step(next(order), nothing, self._spent_s / seconds)
            mean += (loss - mean) / min(self._trainer.step, 100)
            self._spent_s += time.monotonic() - began_s
            if self._trainer.step % 50 == 0:
                _log(f"step {self._trainer.step} spent {self._spent_s:.0f} s loss {mean:.4f}")
            if self._spent_s - saved_s > CHECKPOINT_S:
                saved_s = self._spent_s
                _save({**self._trainer.state(), "spent_s": self._spent_s}, checkpoint)
            if self._spent_s - probed_s > PROBE_S:
                probed_s = self._spent_s
                self._probe()

    def export(self, folder: Path) -> None:
        """Writes the averaged weights in half precision."""
        self._trainer.swap_average()
        networks: Any = self._trainer.networks
        for name, network in {**dict(networks.items()), "vae": self._vae}.items():
            half = deepcopy(network).half()
            half.save_pretrained(folder / name, variant=_VARIANT, safe_serialization=True)
        _forget_origin(folder / "vae" / "config.json")
        self._trainer.swap_average()
        for name, tokenizer in zip(("tokenizer", "tokenizer_2"), self._tokenizers, strict=True):
            tokenizer.save_pretrained(folder / name)
        (folder / "scheduler").mkdir(exist_ok=True)
        _write_json(SCHEDULER_CONFIG, folder / "scheduler" / "scheduler_config.json")
        _write_json(_INDEX, folder / "model_index.json")

    def _probe(self) -> None:
        folder = self._work / "probe"
        shutil.rmtree(folder, ignore_errors=True)
        self.export(folder)
        began_s, painter = time.monotonic(), probe.painter_of(folder)
        held_out = probe.layouts(_PROBE_LAYOUTS, _PROBE_SEED)
        found = probe.shares(painter, held_out, probe.SETTINGS, ("regions", "words"))
        for number, layout in enumerate(held_out[:8]):
            probe.painted(painter, layout.regions, probe.SETTINGS).save(folder / f"{number}.png")
        _log(f"shares of asked-for colours: {found} ({time.monotonic() - began_s:.0f} s)")


def _vae(folder: Path, seconds: float, seed: int) -> Any:
    if not folder.exists():
        vae = new_vae()
        train_vae(vae, seconds, seed, _log)
        vae.save_pretrained(folder)
    return cast("Any", AutoencoderKL).from_pretrained(folder).eval().requires_grad_(requires_grad=False)


def _samples(vae: Any, tokenizer: Any, kept: Path, count: int, seed: int) -> list[Sample]:
    """Every scene twice: in regions, and in regions again or in words. Its latents are made once."""
    rng = Random(seed)
    samples: list[Sample] = []
    latents: list[Tensor] = torch.load(kept, weights_only=True) if kept.exists() else []
    for number in range(count):
        one = scene(rng)
        picture = one.drawn(rng)
        if number == len(latents):
            latents.append(_latents(vae, pixels(picture)[None]))
        second = told_in_words if rng.random() < WORDS_SHARE else told_in_regions
        tellings = (told_in_regions(one, rng), second(one, rng))
        samples += [Sample(latents[number], tokens(told, tokenizer)) for told in tellings]
        if number % 1000 == 0:
            _log(f"scene {number}")
    _save(latents, kept)
    return samples


@torch.no_grad()
def _latents(vae: Any, picture: Tensor) -> Tensor:
    return vae.encode(picture).latent_dist.mode()[0].half()


def _save(value: object, path: Path) -> None:
    """Whole or not at all."""
    torch.save(value, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _forget_origin(config: Path) -> None:
    """Where the weights lay on this machine is nobody's business."""
    known: dict[str, object] = json.loads(config.read_bytes())
    known.pop("_name_or_path", None)
    _write_json(known, config)


def _write_json(value: object, path: Path) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _log(text: str) -> None:
    _LOGGER.info("%s", text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pipeline is written")
    parser.add_argument("--minutes", type=float, default=55.0, help="for the UNet and the text encoders")
    parser.add_argument("--vae-minutes", type=float, default=11.0)
    parser.add_argument("--work", type=Path, default=Path("data/training"), help="checkpoints")
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
