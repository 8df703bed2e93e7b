"""What a command prints, and the exit status it ends with.

Standard output carries the result and nothing else: text for people, or with `--json` one object on one line,
which in case of an error is `{"error": ...}`. Everything else goes to standard error.
"""

import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from bot.log import configure_log
from bot.replies import Words, words
from bot.scene_input import BadInput, FileTrouble
from bot.settings import Settings, SettingsError, load_settings
from canvas import CanvasError
from engine.errors import EngineError, Unavailable
from engine.events import Event, RegionFinished, Stepped
from storage.errors import StorageError, StorageFailed


class ExitStatus(IntEnum):
    """How a command ends; `omost-bot --help` says it to people."""

    REFUSED = 1
    USAGE = 2
    UNAVAILABLE = 3
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class Report:
    """Says to a person or a script what came of a command.

    Attributes:
        words: Of the language that the settings name, as soon as they are read.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.words: Words = words("en")

    def result(self, text: str, values: dict[str, object]) -> None:
        """The result: as text for people, or as values for scripts."""
        typer.echo(json.dumps(values) if self.as_json else text)

    def note(self, text: str) -> None:
        """Something beside the result, for people only."""
        if text and not self.as_json:
            typer.echo(text, err=True)

    def error(self, error: Exception) -> None:
        """Why there is no result."""
        if self.as_json:
            typer.echo(json.dumps({"error": self._error_object(error)}))
        else:
            typer.echo(self._sentence(error), err=True)

    @contextmanager
    def progress(self) -> Generator[Callable[[Event], None]]:
        """Shows events in one line of the terminal; shows nothing where standard error is none."""
        if not sys.stderr.isatty():
            yield _look_away
            return
        with Console(stderr=True).status(Text(self.words.text("Composing …"))) as status:

            def watch(event: Event) -> None:
                if line := self._line(event):
                    status.update(Text(line))

            yield watch

    def _line(self, event: Event) -> str:
        match event:
            case RegionFinished(canvas=canvas):
                count = len(canvas.local_descriptions)
                return self.words.count(
                    "Composing: {number} region …", "Composing: {number} regions …", count
                )
            case Stepped(step=step, steps=steps, index=index):
                return self.words.text(
                    "Painting picture {picture}: step {step} of {steps} …",
                    picture=index + 1,
                    step=step,
                    steps=steps,
                )
            case _:
                return ""

    def _sentence(self, error: Exception) -> str:
        match error:
            case BadInput(file=file, error=cause):
                return f"{_name(file, self.words)}: {self.words.error(cause)}"
            case FileTrouble(file=file, reason=reason):
                return self.words.text(
                    "{file}: this file cannot be read or written: {reason}.", file=file, reason=reason
                )
            case SettingsError():
                return str(error)
            case _:
                return self.words.error(error)

    def _error_object(self, error: Exception) -> dict[str, object]:
        cause = error.error if isinstance(error, BadInput) else error
        values: dict[str, object] = {"kind": type(cause).__name__, "message": self._sentence(error)}
        for name in ("file", "line", "column", "suggestion"):
            value = getattr(error, name, None) or getattr(cause, name, None)
            if value:
                values[name] = value
        return values


@contextmanager
def reporting(*, as_json: bool) -> Generator[Report]:
    """Turns whatever ends the command early into words and an exit status.

    An error that nobody foresaw is a fault of this program and keeps its traceback.
    """
    report = Report(as_json=as_json)
    try:
        yield report
        sys.stdout.flush()
    except (EngineError, StorageError, CanvasError, BadInput, FileTrouble, SettingsError) as error:
        report.error(error)
        raise typer.Exit(_status(error)) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(ExitStatus.INTERRUPTED) from error
    except BrokenPipeError as error:
        _forget_standard_output()
        raise typer.Exit(ExitStatus.BROKEN_PIPE) from error


@contextmanager
def configured(config: Path | None, *, as_json: bool) -> Generator[tuple[Report, Settings]]:
    """Like `reporting`, in the language of the settings, which come with it; the log has warnings alone."""
    with reporting(as_json=as_json) as report:
        settings = load_settings(config)
        report.words = words(settings.language)
        configure_log("warning", secrets=settings.secrets())
        yield report, settings


def _status(error: Exception) -> ExitStatus:
    match error:
        case SettingsError() | FileTrouble():
            return ExitStatus.USAGE
        case Unavailable() | StorageFailed():
            return ExitStatus.UNAVAILABLE
        case _:
            return ExitStatus.REFUSED


def _forget_standard_output() -> None:
    """What is still buffered must not be written when the interpreter ends: nobody reads it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _name(file: str, words: Words) -> str:
    return words.text("standard input") if file == "-" else file


def _look_away(event: Event) -> None:
    del event
