"""Settings: defaults, then `config.toml`, then the environment, the last of which wins.

What each setting means stands in `config.toml`, once. This module knows no command line and no chat platform;
its sentences are for the operator who edits the file, in English.
"""

import os
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.resources import files
from ipaddress import ip_address
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bot.replies import Language
from bot.sections import (
    ChatSettings,
    DatabaseSettings,
    DiscordSettings,
    JobSettings,
    LimitSettings,
    LogSettings,
    MetricsSettings,
    OpenAISettings,
    PeopleSettings,
    Person,
    PictureSettings,
    RetentionSettings,
    RoleSettings,
    SafetySettings,
    SdxlSettings,
    TelegramSettings,
    TransformersSettings,
    WebSettings,
    WorkerSettings,
)
from bot.settings_faults import ENVIRONMENT_PREFIX, NESTED, Faults, names_of, of_unreadable, variable
from engine.backends import Backends, finds_tiny
from engine.composer.local.options import is_unfiltered
from engine.composer.safety import ClassifierNotFound, Safety, load_classifier
from engine.orders import Limits
from engine.people import Allowance, People
from storage.scene import SceneSettings

if TYPE_CHECKING:
    from engine.composer.local.options import TransformersOptions
    from engine.composer.server import ServerOptions
    from engine.renderer.sdxl import SdxlOptions

CONFIG_FILE = "config.toml"
MIN_PASSWORD_CHARS = 8


class SettingsError(Exception):
    """The settings cannot be used; the message says where they stand and what is allowed."""


class Settings(BaseSettings):
    """All settings; `load_settings` reads them, and `Settings()` is the defaults.

    A process has one object of them, which everybody asks: `bot.reloading` may replace tables of it at any
    time. Each table by itself never changes.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter=NESTED, extra="forbid"
    )

    data_dir: Path = Path("data")
    language: Language = "en"
    picture: PictureSettings = PictureSettings()
    transformers: TransformersSettings = TransformersSettings()
    openai: OpenAISettings = OpenAISettings()
    sdxl: SdxlSettings = SdxlSettings()
    safety: SafetySettings = SafetySettings()
    database: DatabaseSettings = DatabaseSettings()
    jobs: JobSettings = JobSettings()
    worker: WorkerSettings = WorkerSettings()
    limits: LimitSettings = LimitSettings()
    roles: dict[Person, RoleSettings] = Field(default_factory=dict[Person, RoleSettings])
    people: PeopleSettings = PeopleSettings()
    chats: ChatSettings = ChatSettings()
    discord: DiscordSettings = DiscordSettings()
    telegram: TelegramSettings = TelegramSettings()
    retention: RetentionSettings = RetentionSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is passed in and nothing else: `read_settings` has put the environment into it."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

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
        """The lists of people as the studio takes them, with what each role may have."""
        lists = {name: frozenset(people) for name, people in self.people.model_dump().items()}
        allowances = {name: Allowance(**role.model_dump()) for name, role in self.roles.items()}
        return People(**lists, allowances=allowances)

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
        return _secret("telegram.token", self.telegram.token, self.telegram.token_file)

    def page_password(self) -> str:
        """The password of the page, itself or from its file; empty where it asks for none.

        Raises:
            SettingsError: The file cannot be read, or holds something else; the password is too short; or
                there is none, other machines reach the page, and nobody has said that it is open.
        """
        web = self.web
        password = _secret("web.password", web.password, web.password_file)
        if password and len(password) < MIN_PASSWORD_CHARS:
            raise SettingsError(f"web.password: it must have {MIN_PASSWORD_CHARS} characters at least.")
        if not (password or web.open or is_loopback(web.host)):
            raise SettingsError(
                f"web.host is {web.host!r}, where other machines reach the page: set a password in the "
                f"environment, as {variable('web.password')}, or say open = true under [web] if something "
                "before it asks who comes."
            )
        return password

    def secrets(self) -> tuple[str, ...]:
        """All that must stand in no log: keys, tokens and passwords, from wherever this process has them."""
        values = (attrgetter(name)(self) for name in setting_names())
        found = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        with suppress(SettingsError):  # who needs it says that it cannot be read
            found.append(self.telegram_token())
        with suppress(SettingsError):
            found.append(_secret("web.password", self.web.password, self.web.password_file))
        password = urlsplit(self.database_url() or "").password or ""
        found += [password, unquote(password), os.environ.get("HF_TOKEN", "")]
        return tuple({secret.strip() for secret in found} - {""})

    def database_url(self) -> str | None:
        """Of PostgreSQL, perhaps with a password in it; None for files in `data_dir`."""
        return self.database.url.get_secret_value() or None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there, by the name or address alone."""
    name = host.rpartition("%")[0] or host
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def settings_file(path: Path | None) -> Path | None:
    """The file that is read: the one that is named, or `config.toml` in the working directory, if any."""
    return path or (Path(CONFIG_FILE) if Path(CONFIG_FILE).is_file() else None)


def load_settings(path: Path | None = None) -> Settings:
    """Reads the settings.

    Args:
        path: The settings file; None means as `settings_file` says.

    Raises:
        SettingsError: The file is missing or unreadable, a name is unknown, or a value is not allowed.
    """
    settings, faults = read_settings(path)
    if settings is None or faults:
        raise SettingsError("\n".join(faults))
    return settings


def read_settings(path: Path | None = None) -> tuple[Settings | None, tuple[str, ...]]:
    """Reads what can be read: where something is wrong, the default stands.

    Args:
        path: As `load_settings` takes it.

    Returns:
        The settings, or None where a source cannot be read at all; and a sentence for all that is wrong.
    """
    path = settings_file(path)
    try:
        values = _read_toml(path) if path else {}
        environment = EnvSettingsSource(Settings)()
    except SettingsError as error:
        return None, (str(error),)
    except ValueError as error:
        return None, (of_unreadable(error),)
    faults = Faults(Settings, str(path or CONFIG_FILE), environment)
    told = faults.of_variables() + faults.of_keys(values)
    said = _merged(values, environment)
    while True:
        try:
            settings = Settings(**said)
        except ValidationError as error:
            told += faults.of_values(error)
            _drop(said, (problem["loc"] for problem in error.errors()))
        else:
            return settings, (*told, *_unfiltered(settings, faults))


def _merged(values: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """The values of both; where both say something, the second one's."""
    merged = dict(values)
    for name, value in over.items():
        under: Any = merged.get(name)
        if isinstance(under, dict) and isinstance(value, dict):
            merged[name] = _merged(cast("dict[str, Any]", under), cast("dict[str, Any]", value))
        else:
            merged[name] = value
    return merged


def _drop(values: dict[str, Any], places: Iterable[tuple[int | str, ...]]) -> None:
    """Takes out what stands at the places, as far as each is one of tables: of a list, all."""
    found = {_within_tables(values, place) for place in places}
    for *way, name in sorted(found, key=len, reverse=True):  # the innermost first, while its table is there
        table = values
        for part in way:
            table = cast("dict[str, Any]", table[cast("str", part)])
        del table[cast("str", name)]


def _within_tables(values: dict[str, Any], place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    inner: Any = values
    for depth, part in enumerate(place):
        if not isinstance(inner, dict) or part not in inner:
            return place[:depth]
        inner = cast("dict[int | str, Any]", inner)[part]
    return place


def _unfiltered(settings: Settings, faults: Faults) -> Iterator[str]:
    if settings.safety.block or settings.safety.classifier:
        return
    models = {"transformers.model": settings.transformers.model, "openai.model": settings.openai.model}
    for name, model in models.items():
        if is_unfiltered(model):
            yield faults.of_unfiltered(name, model)


def sample_config() -> str:
    """A `config.toml` that says nothing but what can be said, and what it means."""
    return (files("bot") / CONFIG_FILE).read_text(encoding="utf-8")


def setting_names() -> tuple[str, ...]:
    """Every setting's name, dotted as in `web.port`; those of `roles` are the operator's to choose."""
    return names_of(Settings)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from error


def _secret(name: str, secret: SecretStr, path: str) -> str:
    """A secret, itself or from its file; empty where there is none."""
    if value := secret.get_secret_value().strip():
        return value
    try:
        value = Path(path).read_text("utf-8").strip() if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_file is {path!r}: it cannot be read.") from error
    if path and not (value and value.isprintable()):
        raise SettingsError(f"{name}_file is {path!r}: there is no {name.rpartition('.')[2]} in it.")
    return value
