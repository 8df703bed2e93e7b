"""Settings: defaults, then `config.toml`, then the environment, the last of which wins.

What each setting means stands in `config.toml`, once. This module knows no command line and no chat platform;
its sentences are for the operator who edits the file, in English.
"""

import os
import tomllib
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.sections import (
    ChatSettings,
    DatabaseSettings,
    DiscordSettings,
    JobSettings,
    LimitSettings,
    LogSettings,
    OpenAISettings,
    PeopleSettings,
    PictureSettings,
    RetentionSettings,
    SafetySettings,
    SdxlSettings,
    TelegramSettings,
    TransformersSettings,
    WebSettings,
    WorkerSettings,
)
from engine.backends import Backends, finds_tiny
from engine.composer.local.options import is_unfiltered
from engine.composer.safety import ClassifierNotFound, Safety, load_classifier
from engine.orders import Limits
from engine.people import People
from storage.scene import SceneSettings

if TYPE_CHECKING:
    from engine.composer.local.options import TransformersOptions
    from engine.composer.server import ServerOptions
    from engine.renderer.sdxl import SdxlOptions

CONFIG_FILE = "config.toml"
ENVIRONMENT_PREFIX = "OMOST_"
_NESTED = "__"
_SECRETS = {"openai": "api_key", "discord": "token", "telegram": "token"}
"""Keys by their tables; they are taken from the environment alone."""
_UNTOLD = ("database", *_SECRETS)
"""Nothing that stands in these is ever repeated: a password or a key may be among it."""


class SettingsError(Exception):
    """The settings cannot be used; the message says where they stand and what is allowed."""


class Settings(BaseSettings):
    """All settings; `load_settings` reads them, and `Settings()` is the defaults under the environment."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter=_NESTED, extra="forbid", frozen=True
    )

    data_dir: Path = Path("data")
    language: Literal["en", "zh"] = "en"
    picture: PictureSettings = PictureSettings()
    transformers: TransformersSettings = TransformersSettings()
    openai: OpenAISettings = OpenAISettings()
    sdxl: SdxlSettings = SdxlSettings()
    safety: SafetySettings = SafetySettings()
    database: DatabaseSettings = DatabaseSettings()
    jobs: JobSettings = JobSettings()
    worker: WorkerSettings = WorkerSettings()
    limits: LimitSettings = LimitSettings()
    people: PeopleSettings = PeopleSettings()
    chats: ChatSettings = ChatSettings()
    discord: DiscordSettings = DiscordSettings()
    telegram: TelegramSettings = TelegramSettings()
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

    def backends(self) -> Backends:
        """The composers and renderers that are configured.

        A model or server that nobody has named costs nothing: its options' module is not imported.
        """
        return Backends(
            transformers=self._transformers(),
            openai=self._openai(),
            sdxl=self._sdxl(),
            has_tiny=self.picture.renderer == "tiny" or finds_tiny(),
            call_pause_s=self.web.call_pause_s,
        )

    def studio_safety(self) -> Safety:
        """What looks at requests before they are composed.

        Raises:
            SettingsError: The classifier cannot be loaded.
        """
        name = self.safety.classifier
        try:
            classifier = load_classifier(name) if name else None
        except ClassifierNotFound as error:
            raise SettingsError(f"safety.classifier is {name!r}: {error.detail}.") from error
        return Safety(self.safety.block, classifier, timeout_s=self.safety.timeout_s)

    def _transformers(self) -> "TransformersOptions | None":
        if not self.transformers.model:
            return None
        from engine.composer.local.options import TransformersOptions  # noqa: PLC0415 - only where it is used

        return TransformersOptions(**self.transformers.model_dump())

    def _openai(self) -> "ServerOptions | None":
        if not (self.openai.base_url and self.openai.model):
            return None
        from engine.composer.server import ServerOptions  # noqa: PLC0415 - only where it is used

        named = self.openai.model_dump()
        for name in ("api_key", "context_tokens"):
            named[name] = named[name] or None
        return ServerOptions(**named)

    def _sdxl(self) -> "SdxlOptions | None":
        """Of a checkpoint that is the default, or was said anything about."""
        if self.picture.renderer != "sdxl" and not self.sdxl.model_fields_set:
            return None
        from engine.renderer.sdxl import SdxlOptions  # noqa: PLC0415 - only where it is used

        return SdxlOptions(**self.sdxl.model_dump())

    def telegram_token(self) -> str:
        """The token of the bot's account on Telegram, itself or from its file; empty where there is none.

        Raises:
            SettingsError: The file cannot be read, or holds something else.
        """
        path = self.telegram.token_file
        if token := self.telegram.token.get_secret_value().strip():
            return token
        try:
            token = Path(path).read_text("utf-8").strip() if path else ""
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"telegram.token_file is {path!r}: it cannot be read.") from error
        if path and not (token and token.isprintable()):
            raise SettingsError(f"telegram.token_file is {path!r}: there is no token in it.")
        return token

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
    _refuse_key_in_file(values, source)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        problems = (_sentence(problem, source) for problem in error.errors())
        raise SettingsError("\n".join(problems)) from error
    except ValueError as error:  # pydantic-settings: a table given as text that is no JSON
        raise SettingsError(f"environment: {error}") from error
    _refuse_unfiltered(settings, source)
    return settings


def setting_names() -> tuple[str, ...]:
    """Every setting's name, dotted as in `web.port`."""
    return tuple(_names(Settings))


def _names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _names(info.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


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


def _refuse_key_in_file(values: dict[str, Any], source: str) -> None:
    """Files are copied, shown and committed; a key is not for that."""
    for table, key in _SECRETS.items():
        section: Any = values.get(table)
        if isinstance(section, dict) and cast("dict[str, Any]", section).get(key):
            name = f"{table}.{key}"
            raise SettingsError(
                f"{source}: {name}: a key is taken from the environment alone: set {_variable(name)}, "
                "and remove it from the file."
            )


def _refuse_unfiltered(settings: Settings, source: str) -> None:
    if settings.safety.block or settings.safety.classifier:
        return
    for name, model in {
        "transformers.model": settings.transformers.model,
        "openai.model": settings.openai.model,
    }.items():
        if is_unfiltered(model):
            place, shown = _place(name, source)
            raise SettingsError(
                f"{place}: {shown} is {model!r}, a model that refuses nothing: "
                "say under [safety] what is not composed, as block or classifier."
            )


def _place(name: str, source: str) -> tuple[str, str]:
    """Where a setting was set, and what it is called there."""
    if _variable(name) in {found.upper() for found in os.environ}:
        return "environment", _variable(name)
    return source, name


def _sentence(problem: ErrorDetails, source: str) -> str:
    name = ".".join(part for part in problem["loc"] if isinstance(part, str))  # no places in lists
    place, shown = _place(name, source)
    if problem["type"] == "extra_forbidden":
        return f"{place}: {shown} is no setting. The nearest is {_nearest(name)}."
    found = "" if name.partition(".")[0] in _UNTOLD else f" is {problem['input']!r}"
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
