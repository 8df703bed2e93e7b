"""The composers and renderers that are configured, wherever their models run."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.doctor.asking import TIMEOUT_S
from bot.doctor.findings import Case, Finding, Status
from engine.backends import Backend

if TYPE_CHECKING:
    from engine.composer.server import ServerOptions


def composers(case: Case) -> Iterator[Finding]:
    """Those that can be chosen, and the default one."""
    settings, words = case.settings, case.words
    backends, default = settings.backends(), settings.picture.composer
    if default == "embedded":
        yield Finding("composer", "ok", words.text("Composer: embedded, which needs no model."))
    yield from _unusable(case, "composer", backends.composers, default)
    if backends.transformers:
        severity = _severity("transformers", default)
        if "llm" not in settings.worker.roles:
            yield _elsewhere(case, "composer", "transformers")
        else:
            from bot.doctor.local_models import transformers_model  # noqa: PLC0415 - only where it is used

            yield from transformers_model(case, backends.transformers, severity)
    if backends.openai:
        yield _server(case, backends.openai, _severity("openai", default))


def renderers(case: Case) -> Iterator[Finding]:
    """As `composers`."""
    settings, words = case.settings, case.words
    backends, default = settings.backends(), settings.picture.renderer
    if default == "storyboard":
        yield Finding("renderer", "ok", words.text("Renderer: storyboard, which needs no model."))
    yield from _unusable(case, "renderer", backends.renderers, default)
    if not (backends.sdxl or default == "tiny"):
        return
    if "image" not in settings.worker.roles:
        yield _elsewhere(case, "renderer", "sdxl" if backends.sdxl else "tiny")
        return
    from bot.doctor.local_models import sdxl_model, tiny_model  # noqa: PLC0415 - only where they are used

    if default == "tiny":
        yield from tiny_model(case, "failure")
    if backends.sdxl:
        yield from sdxl_model(case, backends.sdxl, _severity("sdxl", default))


def _severity(name: str, default: str) -> Status:
    """What is wrong with the default keeps all from working."""
    return "failure" if name == default else "warning"


def _unusable(case: Case, name: str, known: tuple[Backend, ...], default: str) -> Iterator[Finding]:
    """The default, where the settings say too little of it."""
    words = case.words
    for backend in known:
        if backend.name == default and backend.reason:
            told = words.text(
                "“{backend}” is the default and cannot be used: {why}.",
                backend=default,
                why=words.named(backend.reason),
            )
            yield Finding(name, "failure", told)


def _elsewhere(case: Case, name: str, backend: str) -> Finding:
    told = case.words.text("“{backend}” is for another worker, by roles under [worker].", backend=backend)
    return Finding(name, "ok", told)


def _server(case: Case, options: "ServerOptions", severity: Status) -> Finding:
    words, place = case.words, urlsplit(options.base_url).netloc.rpartition("@")[2]
    patient = replace(options, connect_timeout_s=min(options.connect_timeout_s, TIMEOUT_S))
    reason = asyncio.run(_health(patient))
    if not reason:
        told = words.text("Composer: {server} answers and has {model}.", server=place, model=options.model)
        return Finding("composer", "ok", told)
    told = words.text("Composer: {server} cannot be used: {why}.", server=place, why=words.named(reason))
    advice = words.text("See [openai] in the settings; docs/models.md says what each fault is.")
    return Finding("composer", severity, told, advice)


async def _health(options: "ServerOptions") -> str:
    from engine.composer.server import OpenAIComposer  # noqa: PLC0415 - only where it is used

    async with aclosing(OpenAIComposer(options)) as composer:
        try:
            async with asyncio.timeout(2 * TIMEOUT_S):
                return await composer.health()
        except TimeoutError:
            return "silent"
