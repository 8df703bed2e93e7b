"""Models of this machine: whether their files are here, and what is to be fetched."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bot.doctor.asking import NoAnswer, ask
from bot.doctor.disk import existing
from bot.doctor.findings import Case, Finding, Status, gigabytes
from engine.composer.local.hub import wanted
from engine.composer.local.options import TransformersOptions
from engine.errors import Unavailable
from engine.hub import HubModel, cached, download_bytes
from engine.renderer.sdxl import layout
from engine.renderer.sdxl.options import SdxlOptions

_LLM_NEEDS: Final = ("torch", "transformers", "accelerate")
_SDXL_NEEDS: Final = ("torch", "diffusers", "transformers")


@dataclass(frozen=True, slots=True)
class _Files:
    """A model's files, wherever they come from."""

    name: str
    label: str
    model: HubModel
    choose: Callable[[Sequence[str]], Sequence[str]]
    severity: Status


def transformers_model(case: Case, options: TransformersOptions, severity: Status) -> Iterator[Finding]:
    """The language model of the composer `transformers`."""
    missing = [name for name in _LLM_NEEDS if find_spec(name) is None]
    missing += ["llguidance"] if options.grammar and find_spec("llguidance") is None else []
    missing += (
        ["bitsandbytes"] if options.quantisation != "none" and find_spec("bitsandbytes") is None else []
    )
    if missing:
        yield _missing(case, "composer", "transformers", missing, severity)
    folder = Path(options.model).expanduser()
    if folder.is_dir():
        reason = "" if any(folder.glob("*.safetensors")) else "model-without-safetensors"
        yield _own(case, "composer", options.model, reason, severity)
        return
    model = HubModel(options.model, options.revision, options.mirror, options.offline)
    yield from _hub(case, _Files("composer", options.model, model, wanted, severity))


def sdxl_model(case: Case, options: SdxlOptions, severity: Status) -> Iterator[Finding]:
    """The checkpoint of the renderer `sdxl`."""
    if missing := [name for name in _SDXL_NEEDS if find_spec(name) is None]:
        yield _missing(case, "renderer", "sdxl", missing, severity)
    if options.loras and not Path(options.loras).expanduser().is_dir():
        told = case.words.text("LoRA files: there is no folder {folder}.", folder=options.loras)
        advice = case.words.text("Make it, or empty loras under [sdxl] in the settings.")
        yield Finding("renderer.loras", "warning", told, advice)
    path = Path(options.model).expanduser()
    if path.exists() or options.model.endswith(".safetensors"):
        yield _own(case, "renderer", options.model, _why_not(path), severity)
        return
    half = options.dtype != "float32" and options.device != "cpu"
    model = HubModel(options.model, options.revision, options.mirror, options.offline)
    files = _Files("renderer", options.model, model, lambda names: layout.chosen(names, half=half), severity)
    yield from _hub(case, files)


def tiny_model(case: Case, severity: Status) -> Iterator[Finding]:
    """The small model that comes with the program."""
    if missing := [name for name in _SDXL_NEEDS if find_spec(name) is None]:
        yield _missing(case, "renderer", "tiny", missing, severity)
    else:
        yield Finding("renderer", "ok", case.words.text("Renderer: tiny, whose model comes along."))


def llm_folder(options: TransformersOptions) -> Path | None:
    """Where the language model's files are on this machine, if they are; nobody is asked."""
    folder = Path(options.model).expanduser()
    if folder.is_dir():
        return folder
    return cached(HubModel(options.model, options.revision, options.mirror, offline=True), wanted)


def _why_not(path: Path) -> str:
    """Why a file or folder is no checkpoint; empty where it may be one."""
    if not path.exists():
        return "model-unknown"
    try:
        if path.is_dir():
            names = layout.names_in(path)
            if not layout.is_folder_layout(names):
                layout.single_file(names)
            return ""
    except Unavailable as error:
        return error.reason
    pickled = "model-without-safetensors" if layout.is_pickle(path.name) else "model-unreadable"
    return "" if path.suffix == ".safetensors" else pickled


def _own(case: Case, name: str, label: str, reason: str, severity: Status) -> Finding:
    if not reason:
        return Finding(name, "ok", case.words.text("Model {model}: it is here.", model=label))
    return Finding(
        name,
        severity,
        case.words.text("Model {model}: {why}.", model=label, why=case.words.named(reason)),
        case.words.text("docs/models.md says what can be a model."),
    )


def _hub(case: Case, files: _Files) -> Iterator[Finding]:
    try:
        here = cached(files.model, files.choose)
        if here:
            yield _own(case, files.name, files.label, "", files.severity)
            yield from _unanswered(case, files)
        elif files.model.offline:
            yield _own(case, files.name, files.label, "model-offline", files.severity)
        else:
            yield _download(case, files, download_bytes(files.model, files.choose, files.name))
    except Unavailable as error:
        yield _own(case, files.name, files.label, error.reason, files.severity)


def _unanswered(case: Case, files: _Files) -> Iterator[Finding]:
    """A hub that does not answer keeps every start waiting, though nothing is to be fetched from it."""
    from huggingface_hub.constants import ENDPOINT  # noqa: PLC0415 - only for models of the hub

    if files.model.offline:
        return
    address = files.model.mirror or ENDPOINT
    try:
        ask(address, has_environment=True)
    except NoAnswer:
        told = case.words.text(
            "The hub {address} does not answer; the model is here, and is used.", address=address
        )
        advice = case.words.text(
            "Set offline = true beside model in the settings: then it is not waited for."
        )
        yield Finding(f"{files.name}.hub", "warning", told, advice)


def _download(case: Case, files: _Files, size_bytes: int) -> Finding:
    from huggingface_hub.constants import HF_HUB_CACHE  # noqa: PLC0415 - only for models of the hub

    words, cache = case.words, Path(HF_HUB_CACHE)
    free_bytes = shutil.disk_usage(existing(cache)).free
    told = words.text(
        "Model {model}: it is not here; {size} are to be fetched into {folder}, {free} free.",
        model=files.label,
        size=gigabytes(size_bytes),
        folder=cache,
        free=gigabytes(free_bytes),
    )
    if free_bytes < size_bytes:
        advice = words.text("Make room, or set HF_HOME in the environment to a folder on a larger disk.")
        return Finding(files.name, files.severity, told, advice)
    advice = words.text("The first request that needs it waits for that.")
    return Finding(files.name, "warning", told, advice)


def _missing(case: Case, name: str, backend: str, libraries: Sequence[str], severity: Status) -> Finding:
    told = case.words.text(
        "“{backend}”: libraries are missing here: {names}.", backend=backend, names=", ".join(libraries)
    )
    advice = case.words.text('Install them: pip install "omost-bot[gpu]"')
    return Finding(f"{name}.libraries", severity, told, advice)
