"""Settings: defaults, then `config.toml`, then the environment, the last of which wins.

What each setting means stands in `config.toml`, once. This module knows no command line and no chat platform;
its sentences are for the operator who edits the file, in English.
"""

import os
import tomllib
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from engine.backends import COMPOSERS, RENDERERS
from engine.orders import MAX_GUIDANCE, MAX_STEPS, Limits
from engine.people import People
from storage.scene import MAX_SIDE_PX, MIN_SIDE_PX, NEGATIVE_PROMPT, SceneSettings

CONFIG_FILE = "config.toml"
ENVIRONMENT_PREFIX = "OMOST_"
POSTGRES = ("postgresql://", "postgresql+psycopg://")
"""How the URL of a database begins."""
_NESTED = "__"
_UNTOLD = "database"
"""Nothing that stands in it is ever repeated: a password may be among it."""


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


class DatabaseSettings(_Section):
    """Where everything is remembered."""

    url: SecretStr = SecretStr("")
    pictures: Literal["auto", "files", "database"] = "auto"

    @field_validator("url")
    @classmethod
    def _known_database(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not url.get_secret_value().startswith(POSTGRES):
            raise PydanticCustomError("url", "input should be empty or begin with postgresql://")
        return url


class JobSettings(_Section):
    """How jobs are kept and tried."""

    name: str = Field(default="bot-1", pattern=r"^[A-Za-z0-9._-]{1,60}$")
    poll_s: float = Field(default=0.3, ge=0.05, le=10)
    attempts: int = Field(default=5, ge=1, le=100)


class WorkerSettings(_Section):
    """The process that composes and paints."""

    roles: Annotated[tuple[Literal["llm", "image"], ...], Field(min_length=1)] = ("llm", "image")
    llm_slots: int = Field(default=1, ge=1, le=64)
    image_slots: int = Field(default=1, ge=1, le=64)
    silence_s: int = Field(default=300, ge=30)


class LimitSettings(_Section):
    """How much one request, one person and everybody together may ask for."""

    prompt_chars: int = Field(default=2000, ge=1)
    count: int = Field(default=4, ge=1, le=16)
    running_per_person: int = Field(default=1, ge=1, le=64)
    waiting_per_person: int = Field(default=5, ge=0)
    waiting_total: int = Field(default=500, ge=1)
    pictures_per_day: int = Field(default=0, ge=0)
    gpu_s_per_day: int = Field(default=0, ge=0)


Person = Annotated[str, Field(pattern=r"^[a-z]+:\S+$")]
"""A person's name in the lists: the platform and its id of them, as in `telegram:8812`."""


class PeopleSettings(_Section):
    """Who is served, and how."""

    allow: tuple[Person, ...] = ()
    deny: tuple[Person, ...] = ()
    moderators: tuple[Person, ...] = ()
    priority: tuple[Person, ...] = ()


class RetentionSettings(_Section):
    """How long things are kept."""

    pictures_days: int = Field(default=0, ge=0)
    conversations_days: int = Field(default=0, ge=0)
    jobs_days: int = Field(default=3, ge=1)


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
    database: DatabaseSettings = DatabaseSettings()
    jobs: JobSettings = JobSettings()
    worker: WorkerSettings = WorkerSettings()
    limits: LimitSettings = LimitSettings()
    people: PeopleSettings = PeopleSettings()
    retention: RetentionSettings = RetentionSettings()
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

    def studio_people(self) -> People:
        """The lists of people as the studio takes them."""
        return People(**{name: frozenset(people) for name, people in self.people.model_dump().items()})

    def database_url(self) -> str | None:
        """Of PostgreSQL, perhaps with a password in it; None for files in `data_dir`."""
        return self.database.url.get_secret_value() or None


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
    name = ".".join(part for part in problem["loc"] if isinstance(part, str))  # no places in lists
    place, shown = source, name
    if _variable(name) in {found.upper() for found in os.environ}:
        place, shown = "environment", _variable(name)
    if problem["type"] == "extra_forbidden":
        return f"{place}: {shown} is no setting. The nearest is {_nearest(name)}."
    found = "" if name.partition(".")[0] == _UNTOLD else f" is {problem['input']!r}"
    if problem["type"] in ("model_type", "model_attributes_type"):
        return f"{place}: {shown}{found}: it must be a table, [{name}]."
    reason = problem["msg"][:1].lower() + problem["msg"][1:]
    return f"{place}: {shown}{found}: {reason}."


def _nearest(wrong: str) -> str:
    """The setting that was most likely meant: misspelt, or in the wrong table."""

    def likeness(name: str) -> float:
        last, wrong_last = name.rpartition(".")[2], wrong.rpartition(".")[2]
        return SequenceMatcher(None, name, wrong).ratio() + SequenceMatcher(None, last, wrong_last).ratio()

    return max((*setting_names(), *Settings.model_fields), key=likeness)
