"""The program itself and what it was installed with."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, version

from bot.doctor.findings import Case, Finding
from bot.replies import Words

_LIBRARIES = (
    "dbos",
    "SQLAlchemy",
    "psycopg",
    "gradio",
    "discord.py",
    "python-telegram-bot",
    "openai",
    "pillow",
    "torch",
    "transformers",
    "diffusers",
)
_PYTHON = "Programming Language :: Python :: "
_SEEN_IN_PICTURES = "A lamp, été, 灯笼与猫"


def program(words: Words) -> list[Finding]:
    """Which version this is, on what, and with what."""
    ours, python = version("omost-bot"), platform.python_version()
    tested = [line.removeprefix(_PYTHON) for line in _classifiers() if line.startswith(f"{_PYTHON}3.")]
    summary = words.text(
        "omost-bot {version}, Python {python}, {machine}.",
        version=ours,
        python=python,
        machine=f"{platform.system()} {platform.release()} {platform.machine()}",
    )
    libraries = ", ".join(f"{name} {found}" for name in _LIBRARIES if (found := _version(name)))
    if python.rpartition(".")[0] in tested:
        about = Finding("program", "ok", summary)
    else:
        advice = words.text("It was tested with Python {versions}: take that.", versions=", ".join(tested))
        about = Finding("program", "warning", summary, advice)
    return [about, Finding("libraries", "ok", words.text("Libraries: {names}.", names=libraries))]


def fonts(case: Case) -> Iterator[Finding]:
    """Whether the program's own fonts can be drawn with, in both languages; it uses no others."""
    from engine.renderer.storyboard.lettering import legible  # noqa: PLC0415 - loads the fonts

    try:
        shown = legible(_SEEN_IN_PICTURES)
    except (OSError, ImportError) as error:
        shown = f"{type(error).__name__}: {error}"
    if shown == _SEEN_IN_PICTURES:
        summary = case.words.text(
            "Captions in pictures: the fonts that come along have Latin and Chinese letters."
        )
        yield Finding("fonts", "ok", summary)
    else:
        yield Finding(
            "fonts",
            "failure",
            case.words.text("Captions in pictures cannot be drawn: {why}.", why=shown),
            case.words.text(
                "Install omost-bot and Pillow again: pip install --force-reinstall omost-bot pillow"
            ),
        )


def _classifiers() -> list[str]:
    return metadata("omost-bot").get_all("Classifier") or []


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
