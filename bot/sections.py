"""The tables of `config.toml`: their options, with defaults and what is allowed.

What each option means stands in `config.toml`, once.
"""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from engine.backends import COMPOSERS, RENDERERS
from engine.orders import (
    LORAS,
    MAX_GUIDANCE,
    MAX_HIGH_RESOLUTION,
    MAX_STEPS,
    MAX_TEXT_CHARS,
    MIN_STRENGTH,
    NAME,
)
from engine.renderer.sdxl.options import SDXL_MODEL, Compile, Dtype, Memory
from storage.scene import MAX_SIDE_PX, MIN_SIDE_PX, NEGATIVE_PROMPT

POSTGRES = ("postgresql://", "postgresql+psycopg://")
"""How the URL of a database begins."""


def _device(name: str) -> str:
    if not re.fullmatch("auto|cpu|mps|cuda(:[0-9]+)?", name):
        raise PydanticCustomError("device", "input should be auto, cpu, mps, cuda, or cuda: and a number")
    return name


def _address(address: str) -> str:
    if address and not address.startswith(("http://", "https://")):
        raise PydanticCustomError("address", "input should be empty or begin with http:// or https://")
    return address


def _on_one_line(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip().isprintable():
        raise PydanticCustomError("key", "input should have no line breaks or other control characters")
    return secret


def _platform_and_id(name: str) -> str:
    if not re.fullmatch(r"[a-z]+:\S+", name):
        raise PydanticCustomError("platform", "input should be a platform and an id, as in telegram:8812")
    return name


def _with_a_word(phrase: str) -> str:
    if not re.search(r"\w", phrase):
        raise PydanticCustomError("phrase", "input should have a letter or a digit")
    return phrase


DeviceName = Annotated[str, AfterValidator(_device)]
WebAddress = Annotated[str, AfterValidator(_address)]
Secret = Annotated[SecretStr, AfterValidator(_on_one_line)]


class _Section(BaseModel):
    """A table of `config.toml`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class PictureSettings(_Section):
    """What a picture is made with unless the request says otherwise."""

    width_px: int = Field(default=896, ge=MIN_SIDE_PX, le=MAX_SIDE_PX)
    height_px: int = Field(default=1152, ge=MIN_SIDE_PX, le=MAX_SIDE_PX)
    steps: int = Field(default=25, ge=1, le=MAX_STEPS)
    guidance: float = Field(default=5.0, ge=0, le=MAX_GUIDANCE)
    negative_prompt: str = Field(default=NEGATIVE_PROMPT, max_length=MAX_TEXT_CHARS)
    sampler: str = Field(default="", pattern=f"^{NAME}$")
    strength: float = Field(default=1.0, ge=MIN_STRENGTH, le=1)
    high_resolution: float = Field(default=1.0, ge=1, le=MAX_HIGH_RESOLUTION)
    steady: bool = True
    depth: bool = False
    preset: str = Field(default="", pattern=f"^{NAME}$")
    loras: str = Field(default="", pattern=f"^{LORAS}$")
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


class TransformersSettings(_Section):
    """The language model of the composer `transformers`, as `engine.composer.local.TransformersOptions`."""

    model: str = ""
    revision: str = ""
    offline: bool = False
    mirror: WebAddress = ""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    quantisation: Literal["none", "4bit", "8bit"] = "none"
    device: DeviceName = "auto"
    context_tokens: int = Field(default=8192, ge=2048)
    conversations: int = Field(default=4, ge=1, le=64)
    max_new_tokens: int = Field(default=4096, ge=256)
    temperature: float = Field(default=0.6, ge=0, le=2)
    top_p: float = Field(default=0.9, gt=0, le=1)
    grammar: bool = True
    drafts: bool = True
    compile: Literal["auto", "on", "off"] = "auto"
    template: Literal["auto", "llama-3", "chatml", "phi-3"] = "auto"
    example: Literal["auto", "on", "off"] = "auto"


class SdxlSettings(_Section):
    """The checkpoint of the renderer `sdxl`, as `engine.renderer.sdxl.SdxlOptions`."""

    model: str = Field(default=SDXL_MODEL, min_length=1)
    config: str = ""
    revision: str = ""
    offline: bool = False
    mirror: WebAddress = ""
    dtype: Dtype = "auto"
    device: DeviceName = "auto"
    memory: Memory = "auto"
    loras: str = ""
    projected_pooled: bool = True
    compile: Compile = "auto"
    previews: str = ""


class OpenAISettings(_Section):
    """The server of the composer `openai`, as `engine.composer.server.ServerOptions`."""

    base_url: WebAddress = ""
    api_key: Secret = SecretStr("")
    model: str = ""
    temperature: float = Field(default=0.6, ge=0, le=2)
    top_p: float = Field(default=0.9, gt=0, le=1)
    max_tokens: int = Field(default=4096, ge=256)
    context_tokens: int = Field(default=0, ge=0)
    connect_timeout_s: float = Field(default=10, gt=0, le=600)
    first_token_timeout_s: float = Field(default=120, gt=0, le=3600)
    between_tokens_timeout_s: float = Field(default=30, gt=0, le=600)
    retries: int = Field(default=2, ge=0, le=10)
    grammar: Literal["none", "vllm", "llama.cpp"] = "none"
    example: bool = False


Phrase = Annotated[str, AfterValidator(_with_a_word)]


class SafetySettings(_Section):
    """What is not composed."""

    block: tuple[Phrase, ...] = ()
    classifier: str = ""
    timeout_s: float = Field(default=10, gt=0, le=600)

    @field_validator("classifier")
    @classmethod
    def _function_in_a_module(cls, name: str) -> str:
        if name and not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", name):
            raise PydanticCustomError("function", "input should be empty or package.module:function")
        return name


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


Person = Annotated[str, AfterValidator(_platform_and_id)]
"""A name in the lists: the platform and its id of a person, as in `telegram:8812`, or of a role."""


class RoleSettings(_Section):
    """What those of one name may ask for instead of what `LimitSettings` say."""

    count: int | None = Field(default=None, ge=1, le=16)
    running_per_person: int | None = Field(default=None, ge=1, le=64)
    waiting_per_person: int | None = Field(default=None, ge=0)
    pictures_per_day: int | None = Field(default=None, ge=0)
    gpu_s_per_day: int | None = Field(default=None, ge=0)


class PeopleSettings(_Section):
    """Who is served, and how."""

    allow: tuple[Person, ...] = ()
    deny: tuple[Person, ...] = ()
    moderators: tuple[Person, ...] = ()
    priority: tuple[Person, ...] = ()


ChatName = Annotated[str, AfterValidator(_platform_and_id)]
"""A chat's name in the lists: the platform and its id of the chat, or of what holds several chats."""


class ChatSettings(_Section):
    """In which chats people are served, and how."""

    allow: tuple[ChatName, ...] = ()
    deny: tuple[ChatName, ...] = ()
    branch: Literal["anyone", "author"] = "anyone"
    spoilers: Literal["off", "restricted", "always"] = "off"


class DiscordSettings(_Section):
    """The bot's account on Discord."""

    token: Secret = SecretStr("")
    proxy: WebAddress = ""
    api_base_url: WebAddress = ""


class TelegramSettings(_Section):
    """The bot's account on Telegram, and how updates come from there."""

    token: Secret = SecretStr("")
    token_file: str = ""
    proxy: str = ""
    api_base_url: WebAddress = "https://api.telegram.org"
    webhook_url: WebAddress = ""
    webhook_host: str = "127.0.0.1"
    webhook_port: int = Field(default=8443, ge=1, le=65535)

    @field_validator("proxy")
    @classmethod
    def _proxy_address(cls, address: str) -> str:
        if address and not address.startswith(("http://", "https://", "socks5://", "socks5h://")):
            raise PydanticCustomError(
                "address", "input should be empty or begin with http://, https:// or socks5://"
            )
        return address


class RetentionSettings(_Section):
    """How long things are kept."""

    pictures_days: int = Field(default=0, ge=0)
    conversations_days: int = Field(default=0, ge=0)
    jobs_days: int = Field(default=3, ge=1)


class WebSettings(_Section):
    """Where the chat page is served."""

    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    password: Secret = SecretStr("")
    password_file: str = ""
    open: bool = False
    call_pause_s: float = Field(default=0.25, ge=0, le=5)


class LogSettings(_Section):
    """What is written to the log, which goes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    prompts: bool = False


class MetricsSettings(_Section):
    """Where those who watch are answered."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    worker_port: int = Field(default=0, ge=0, le=65535)


def _one_of(name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        raise PydanticCustomError("name", "input should be one of {names}", {"names": ", ".join(names)})
    return name
