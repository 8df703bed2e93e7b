"""The GPU: whether it is here, and whether torch sees it."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from bot.doctor.devices import Card, Torch, TorchBroken, cards, torch_here
from bot.doctor.findings import Case, Finding, gigabytes
from bot.doctor.memory import memory
from engine.composer.local.options import TransformersOptions
from engine.renderer.sdxl.options import SdxlOptions


def gpu(case: Case) -> Iterator[Finding]:
    """What there is, and whether it does for what this machine's worker is to compute."""
    llm, sdxl = _computed_here(case)
    found = cards()
    if llm is None and sdxl is None:
        yield _not_needed(case, found)
        return
    if find_spec("torch") is None:  # the looks at the models say what is missing
        told = case.words.text("GPU: {cards}; {torch}.", cards=_cards(case, found), torch=_torch(case))
        yield Finding("gpu", "warning", told, case.words.text('Install it: pip install "omost-bot[gpu]"'))
        return
    try:
        torch = torch_here()
    except TorchBroken as error:
        yield _broken(case, error)
        return
    yield _seen(case, found, torch)
    yield from memory(case, torch, llm, sdxl)


def _computed_here(case: Case) -> tuple[TransformersOptions | None, SdxlOptions | None]:
    """The models that this machine's worker loads."""
    backends, roles = case.settings.backends(), case.settings.worker.roles
    return backends.transformers if "llm" in roles else None, backends.sdxl if "image" in roles else None


def _not_needed(case: Case, found: tuple[Card, ...]) -> Finding:
    told = case.words.text(
        "GPU: {cards}; {torch}. Nothing that is configured here needs either.",
        cards=_cards(case, found),
        torch=_torch(case),
    )
    return Finding("gpu", "ok", told)


def _cards(case: Case, found: tuple[Card, ...]) -> str:
    named = [f"{card.label}, {gigabytes(card.total_bytes)}" for card in found]
    if not named:
        return case.words.text("none found")
    return f"{'; '.join(named)} ({case.words.text('driver {version}', version=found[0].driver)})"


def _torch(case: Case) -> str:
    try:
        return f"torch {version('torch')}"
    except PackageNotFoundError:
        return case.words.text("torch is not installed")


def _broken(case: Case, error: TorchBroken) -> Finding:
    if not error.detail:
        told = case.words.text("GPU: torch took too long to load.")
        return Finding("gpu", "warning", told, case.words.text("Ask again: the second time is sooner."))
    told = case.words.text("GPU: torch cannot be loaded: {why}.", why=error.detail.rstrip("."))
    advice = case.words.text("Install a torch that fits the driver: pytorch.org says how.")
    return Finding("gpu", "failure", told, advice)


def _seen(case: Case, found: tuple[Card, ...], torch: Torch) -> Finding:
    words = case.words
    named = [
        f"{device.name} {device.label}, {gigabytes(device.total_bytes)}"
        for device in torch.devices
        if device.kind != "cpu"
    ]
    library = f"torch {torch.version}" + (f", CUDA {torch.cuda}" if torch.cuda else "")
    if named:
        driver = f", {words.text('driver {version}', version=found[0].driver)}" if found else ""
        return Finding("gpu", "ok", f"GPU: {'; '.join(named)} ({library}{driver}).")
    if found:
        told = words.text(
            "GPU: {cards}, which {torch} does not see.", cards=_cards(case, found), torch=library
        )
        advice = words.text("Install a torch that fits the driver: pytorch.org says how.")
        return Finding("gpu", "warning", told, advice)
    told = words.text("GPU: none found ({torch}); models compute on the CPU.", torch=library)
    return Finding("gpu", "warning", told, words.text("That takes minutes for a scene or a picture."))
