"""How the models that are configured will share the memory of their devices, before any of them is loaded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

from bot.doctor.devices import Device, Torch
from bot.doctor.findings import Case, Finding, Status, gigabytes
from bot.doctor.local_models import llm_folder
from engine.composer.local.footprint import footprint_bytes, known_weights_bytes
from engine.composer.local.options import TransformersOptions
from engine.errors import Unavailable
from engine.renderer.sdxl.options import SdxlOptions
from engine.renderer.sdxl.plan import SDXL_WEIGHTS, Plan, choose_plan

_BYTES: Final = {"float32": 4, "float16": 2, "bfloat16": 2}


def memory(
    case: Case, torch: Torch, llm: TransformersOptions | None, sdxl: SdxlOptions | None
) -> Iterator[Finding]:
    """Whether what one worker loads fits, one by one and together.

    Args:
        case: Which of them is the default.
        torch: The devices, with what is free on them.
        llm: The language model, if it is loaded here.
        sdxl: The checkpoint, if it is loaded here.
    """
    llm_device = torch.device(llm.device) if llm else None
    sdxl_device = torch.device(sdxl.device) if sdxl else None
    needed = _llm_bytes(llm, llm_device) if llm and llm_device else 0
    if llm:
        yield _llm_memory(case, llm, llm_device, needed)
    if sdxl:
        shared = needed if llm_device == sdxl_device else 0
        yield _sdxl_memory(case, sdxl, sdxl_device, shared)


def _llm_bytes(options: TransformersOptions, device: Device) -> int:
    """What it will take; 0 where nothing is known of it."""
    folder = llm_folder(options)
    weights = _weights_bytes(folder) if folder else known_weights_bytes(options.model)
    if not weights:
        return 0
    wide = device.kind == "cpu" and options.dtype == "auto"  # a CPU computes with 32 bits
    return footprint_bytes(options, weights * 2 if wide else weights, folder)


def _weights_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def _llm_memory(case: Case, options: TransformersOptions, device: Device | None, needed: int) -> Finding:
    words, is_default = case.words, case.settings.picture.composer == "transformers"
    if device is None:
        return _no_device(case, "memory.llm", options.device, is_default=is_default)
    if not needed:
        told = words.text("Memory: how much {model} takes is known when it is here.", model=options.model)
        return Finding("memory.llm", "ok", told)
    told = words.text(
        "Memory: {model} takes about {needed}; {free} are free on {device}.",
        model=options.model,
        needed=gigabytes(needed),
        free=gigabytes(device.free_bytes),
        device=device.name,
    )
    if needed <= device.free_bytes:
        return Finding("memory.llm", "ok", told)
    advice = words.text(
        "End what else uses it, or take less: "
        "see quantisation, conversations and context_tokens under [transformers]."
    )
    return Finding(
        "memory.llm", _too_little(needed <= device.total_bytes, is_default=is_default), told, advice
    )


def _sdxl_memory(case: Case, options: SdxlOptions, device: Device | None, beside: int) -> Finding:
    words, is_default = case.words, case.settings.picture.renderer == "sdxl"
    if device is None:
        return _no_device(case, "memory.sdxl", options.device, is_default=is_default)
    free = device.free_bytes - beside
    if plan := _plan(options, device, free):
        told = words.text(
            "Memory: SDXL stays on {device} by the plan “{plan}”; {free} are free for it.",
            device=device.name,
            plan=plan.layout,
            free=gigabytes(max(free, 0)),
        )
        return Finding("memory.sdxl", "ok", told)
    told = words.text(
        "Memory: SDXL does not fit into {free} on {device}.", free=gigabytes(max(free, 0)), device=device.name
    )
    if _plan(options, device, device.free_bytes):
        told = words.text(
            "Memory: the language model and SDXL do not fit on {device} together.", device=device.name
        )
        advice = words.text(
            'Give one of them another device, as "cuda:1", or the language model quantisation = "4bit".'
        )
        return Finding("memory.sdxl", "failure" if is_default else "warning", told, advice)
    advice = words.text("End what else uses the GPU, or take another one.")
    would_fit = _plan(options, device, device.total_bytes - beside) is not None
    return Finding("memory.sdxl", _too_little(would_fit, is_default=is_default), told, advice)


def _plan(options: SdxlOptions, device: Device, free: int) -> Plan | None:
    dtype = options.dtype if options.dtype != "auto" else "float32" if device.kind == "cpu" else "float16"
    vae = 4 if dtype == "float32" or (dtype == "float16" and not device.has_bfloat16) else 2
    sizes = {name: count * (vae if name == "vae" else _BYTES[dtype]) for name, count in SDXL_WEIGHTS.items()}
    if device.kind == "cpu":  # they lie in the memory that is counted as free
        free -= sum(sizes.values())
    if free <= 0:
        return None
    try:
        return choose_plan(device.kind, free, sizes, wanted=options.memory, vae_itemsize=vae)
    except Unavailable:
        return None


def _no_device(case: Case, name: str, wanted: str, *, is_default: bool) -> Finding:
    told = case.words.text("There is no device “{device}” here.", device=wanted)
    advice = case.words.text('Take another one as device in the settings, or "auto".')
    return Finding(name, "failure" if is_default else "warning", told, advice)


def _too_little(would_fit: bool, *, is_default: bool) -> Status:  # noqa: FBT001 - it is the question
    """Others may go, and a bot that runs has the memory that it needs already."""
    return cast("Status", "failure" if is_default and not would_fit else "warning")
