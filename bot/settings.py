"""Settings: defaults, then `config.toml`, then the environment, the last of which wins.

What each setting means stands in `config.toml`, once. This module knows no command line and no chat platform;
its sentences are for the operator who edits the file, in English.
"""

import os
import tomllib
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from engine.backends import COMPOSERS, RENDERERS
from engine.orders import MAX_GUIDANCE, MAX_STEPS, Limits
from storage.scene import MAX_SIDE_PX, MIN_SIDE_PX, NEGATIVE_PROMPT, SceneSettings

CONFIG_FILE = "config.toml"
ENVIRONMENT_PREFIX = "OMOST_"
_NESTED = "__"


class SettingsError(Exception):
    """The settings cannot be used; the message says where they stand and what is allowed."""


class _Section(BaseModel):
    """A table of `config.toml`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class PictureSettings(_Section):
    """What a picture is made with unless the request says otherwise."""

    width_px: int = Field(default=896, ge=MIN_SIDE_PX, le=MAX_SIDE_PX)
    height_px: int = Field(default=1152, ge=MIN_SIDE_PX, le=MAX_SIDE_PX)
    steps: int = Field(default=25, ge=1, le=MAX_STEPS)
    guidance: float = Field(default=5.0, ge=0, le=MAX_GUIDANCE)
    negative_prompt: str = NEGATIVE_PROMPT
    composer: str = COMPOSERS[0]
    renderer: str = RENDERERS[0]

    @field_validator("composer")
    @classmethod
    def _known_composer(cls, name: str) -> str:
        return _one_of(name, COMPOSERS)

    @field_validator("renderer")
    @classmethod
    def _known_renderer(cls, name: str) -> str:
        return _one_of(name, RENDERERS)


class LimitSettings(_Section):
    """How much one request may ask for, and how much runs at once."""

    prompt_chars: int = Field(default=2000, ge=1)
    count: int = Field(default=4, ge=1, le=16)
    renders_at_once: int = Field(default=1, ge=1)
    turns_per_conversation: int = Field(default=1, ge=1)


class WebSettings(_Section):
    """Where the chat page is served."""

    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    call_pause_s: float = Field(default=0.25, ge=0, le=5)


class LogSettings(_Section):
    """What is written to the log, which goes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(BaseSettings):
    """All settings; `load_settings` reads them, and `Settings()` is the defaults under the environment."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter=_NESTED, extra="forbid", frozen=True
    )

    data_dir: Path = Path("data")
    language: Literal["en", "zh"] = "en"
    picture: PictureSettings = PictureSettings()
    limits: LimitSettings = LimitSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over what is passed in, which is what the file says."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    def scene_settings(self, **changes: float | str | None) -> SceneSettings:
        """The picture settings as one scene's settings.

        Args:
            **changes: Fields of `SceneSettings` that the request names; None leaves the setting as it is.
        """
        named = {name: value for name, value in changes.items() if value is not None}
        return SceneSettings.from_dict({**self.picture.model_dump(), **named})

    def studio_limits(self) -> Limits:
        """The limits as the studio takes them."""
        return Limits(**self.limits.model_dump())


def load_settings(path: Path | None = None) -> Settings:
    """Reads the settings.

    Args:
        path: The settings file; None means `config.toml` in the working directory, where there is one.

    Raises:
        SettingsError: The file is missing or unreadable, a name is unknown, or a value is not allowed.
    """
    if path is None and Path(CONFIG_FILE).is_file():
        path = Path(CONFIG_FILE)
    values = _read_toml(path) if path else {}
    source = str(path) if path else CONFIG_FILE
    _refuse_unknown_variables()
    try:
        return Settings(**values)
    except ValidationError as error:
        problems = (_sentence(problem, source) for problem in error.errors())
        raise SettingsError("\n".join(problems)) from error
    except ValueError as error:  # pydantic-settings: a table given as text that is no JSON
        raise SettingsError(f"environment: {error}") from error


def setting_names() -> tuple[str, ...]:
    """Every setting's name, dotted as in `web.port`."""
    return tuple(_names(Settings))


def _names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _names(info.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def _one_of(name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        raise PydanticCustomError("name", "input should be one of {names}", {"names": ", ".join(names)})
    return name


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from error


def _variable(name: str) -> str:
    """The environment variable of a setting: `OMOST_WEB__PORT` for `web.port`."""
    return ENVIRONMENT_PREFIX + name.upper().replace(".", _NESTED)


def _refuse_unknown_variables() -> None:
    """pydantic-settings passes over a variable that it does not know; a misspelt one must not be silent."""
    known = {_variable(name) for name in (*Settings.model_fields, *setting_names())}
    for found in os.environ:
        if found.upper().startswith(ENVIRONMENT_PREFIX) and found.upper() not in known:
            name = found[len(ENVIRONMENT_PREFIX) :].lower().replace(_NESTED, ".")
            raise SettingsError(
                f"environment: {found} is no setting. The nearest is {_variable(_nearest(name))}."
            )


def _sentence(problem: ErrorDetails, source: str) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    place, shown = source, name
    if _variable(name) in {found.upper() for found in os.environ}:
        place, shown = "environment", _variable(name)
    if problem["type"] == "extra_forbidden":
        return f"{place}: {shown} is no setting. The nearest is {_nearest(name)}."
    if problem["type"] in ("model_type", "model_attributes_type"):
        return f"{place}: {shown} is {problem['input']!r}: it must be a table, [{name}]."
    reason = problem["msg"][:1].lower() + problem["msg"][1:]
    return f"{place}: {shown} is {problem['input']!r}: {reason}."


def _nearest(wrong: str) -> str:
    """The setting that was most likely meant: misspelt, or in the wrong table."""

    def likeness(name: str) -> float:
        last, wrong_last = name.rpartition(".")[2], wrong.rpartition(".")[2]
        return SequenceMatcher(None, name, wrong).ratio() + SequenceMatcher(None, last, wrong_last).ratio()

    return max((*setting_names(), *Settings.model_fields), key=likeness)
