"""Settings: their sources, their order, and what the rest of the program gets of them."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, load_settings, setting_names
from engine.composer.local.options import TransformersOptions
from engine.composer.server import ServerOptions
from engine.errors import Blocked
from engine.orders import Limits
from engine.people import Allowance, People
from engine.renderer.sdxl import SdxlOptions
from storage.scene import SceneSettings

pytestmark = pytest.mark.usefixtures("place")

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config.toml"
OPTION = re.compile(r"#(?=\w+ = )")


def test_defaults_are_the_engines():
    """Without a file and variables, scenes and limits are what the engine and storage take by themselves."""
    settings = load_settings()
    assert settings.scene_settings() == SceneSettings()
    assert settings.studio_limits() == Limits()
    assert settings.studio_people() == People()
    assert settings.database_url() is None


def test_config_file_documents_every_setting():
    """Taking every # away from config.toml gives all settings with their defaults, and nothing else."""
    text = CONFIG.read_text(encoding="utf-8")
    shown = tomllib.loads(OPTION.sub("", text))
    names = [f"{table}.{key}" for table, keys in shown.items() if isinstance(keys, dict) for key in keys]
    names += [key for key, value in shown.items() if not isinstance(value, dict)]
    assert sorted(names) == sorted(setting_names())
    assert shown == Settings().model_dump(mode="json")


def test_config_file_comments_every_setting_and_changes_none():
    """In config.toml every option has its own comment above it and is itself switched off."""
    text = CONFIG.read_text(encoding="utf-8")
    lines = text.splitlines()
    options = [number for number, line in enumerate(lines) if OPTION.match(line)]
    assert len(options) == len(setting_names())
    assert all(re.match(r"# \S", lines[number - 1]) for number in options)
    assert not any(tomllib.loads(text).values())


def test_file_in_the_working_directory_is_read(config):
    """A config.toml beside the process is read without being named."""
    config('language = "zh"\n[web]\nport = 9000\n')
    settings = load_settings()
    assert (settings.language, settings.web.port) == ("zh", 9000)


def test_named_file_is_read_instead(config):
    """A file that is named is read and the one in the working directory is not."""
    config("[web]\nport = 9000\n")
    other = config('data_dir = "elsewhere"\n', "other.toml")
    settings = load_settings(other)
    assert (settings.web.port, settings.data_dir) == (7860, Path("elsewhere"))


def test_environment_wins(config, monkeypatch):
    """A variable wins over the file, option by option."""
    config('[web]\nport = 9000\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("OMOST_WEB__PORT", "9001")
    monkeypatch.setenv("OMOST_LANGUAGE", "zh")
    settings = load_settings()
    assert (settings.web.port, settings.web.host, settings.language) == (9001, "0.0.0.0", "zh")


def test_a_request_changes_only_what_it_names():
    """Scene settings take what the request names and keep the rest of the picture settings."""
    settings = Settings.model_validate({"picture": {"width_px": 512, "steps": 9}})
    assert settings.scene_settings(width_px=640, seed=3, count=None) == SceneSettings(
        width_px=640, seed=3, steps=9
    )


def test_composers_take_the_defaults_of_their_options():
    """A model or server that is only named gets the options that the composers have by themselves."""
    named = {"transformers": {"model": "m"}, "openai": {"base_url": "http://localhost/v1", "model": "m"}}
    backends = Settings.model_validate(named).backends()
    assert backends.transformers == TransformersOptions(model="m")
    assert backends.openai == ServerOptions("http://localhost/v1", "m")


def test_composers_take_what_is_set():
    """Every option of a table reaches the composer's options under the same name."""
    transformers = {"model": "m", "offline": True, "device": "cuda:1", "grammar": False, "dtype": "float16"}
    openai = {"base_url": "http://localhost/v1", "model": "m", "context_tokens": 4096, "grammar": "vllm"}
    backends = Settings.model_validate({"transformers": transformers, "openai": openai}).backends()
    assert {name: getattr(backends.transformers, name) for name in transformers} == transformers
    assert {name: getattr(backends.openai, name) for name in openai} == openai


@pytest.mark.parametrize("openai", [{}, {"base_url": "http://localhost/v1"}, {"model": "m"}])
def test_what_is_not_named_is_not_configured(openai):
    """Without a model there is no model, and a server needs its address and its model's name."""
    backends = Settings.model_validate({"openai": openai}).backends()
    assert (backends.transformers, backends.openai) == (None, None)


def test_sdxl_is_set_up_where_it_is_chosen_or_something_is_said_of_it(config):
    """The table's heading alone, as it stands in config.toml, sets nothing up."""
    for text, options in (
        ("[sdxl]\n", None),
        ("[picture]\nrenderer = 'sdxl'\n", SdxlOptions()),
        ("[sdxl]\nmodel = '/m'\n", SdxlOptions(model="/m")),
        (
            "[sdxl]\nmemory = 'all-move'\noffline = true\ncompile = 'off'\n",
            SdxlOptions(memory="all-move", offline=True, compile="off"),
        ),
        ("[sdxl]\npreviews = 'some/taesdxl'\n", SdxlOptions(previews="some/taesdxl")),
    ):
        config(text)
        assert load_settings().backends().sdxl == options


def test_sdxl_is_set_up_by_a_variable(monkeypatch):
    """What is said in the environment counts as well."""
    monkeypatch.setenv("OMOST_SDXL__LORAS", "loras")
    assert load_settings().backends().sdxl == SdxlOptions(loras="loras")


def test_tiny_is_offered_where_it_is_asked_for():
    """A page without the libraries offers what its workers paint with; they say what they lack."""
    backends = Settings.model_validate({"picture": {"renderer": "tiny"}}).backends()
    assert backends.has_tiny


def test_settings_load_no_library_of_a_composer():
    """Reading settings that name no model imports neither torch nor a server's library."""
    code = (
        "import sys; from bot.settings import Settings; Settings().backends();"
        "print(*{'torch', 'transformers', 'openai'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.split() == []


UNFILTERED = "lllyasviel/omost-dolphin-2.9-llama3-8b"


@pytest.mark.parametrize("table", ["transformers", "openai"])
def test_an_unfiltered_model_needs_safety(config, table):
    """A model that refuses nothing is refused in one sentence, until something is said under [safety]."""
    unsafe = f"[{table}]\nmodel = '{UNFILTERED}'\n"
    config(unsafe)
    with pytest.raises(SettingsError, match=rf"^config\.toml: {table}\.model is '{UNFILTERED}'.*\[safety\]"):
        load_settings()
    config(unsafe + "[safety]\nblock = ['a word']\n")
    assert load_settings().safety.block == ("a word",)
    config(unsafe + "[safety]\nclassifier = 'json:loads'\n")
    assert load_settings().safety.classifier == "json:loads"


async def test_safety_refuses_what_is_listed(config):
    """The list and the classifier of the settings are those that the studio asks."""
    config("[safety]\nblock = ['炸弹']\nclassifier = 'builtins:bool'\n")
    safety = load_settings().studio_safety()
    with pytest.raises(Blocked):
        safety.check_words("一颗炸弹")
    with pytest.raises(Blocked):
        await safety.check("anything")


def test_a_classifier_that_is_not_there_is_named(config):
    """A classifier that cannot be loaded is a sentence with its name."""
    config("[safety]\nclassifier = 'no_such_module:f'\n")
    with pytest.raises(SettingsError, match=r"safety\.classifier is 'no_such_module:f'.*No module named"):
        load_settings().studio_safety()


def test_lists_of_people(config, monkeypatch):
    """People are listed in the file, or as JSON in a variable."""
    config("[people]\nmoderators = ['discord:30129', 'web:a']\n")
    monkeypatch.setenv("OMOST_PEOPLE__DENY", '["telegram:8812"]')
    assert load_settings().studio_people() == People(
        moderators=frozenset({"discord:30129", "web:a"}), deny=frozenset({"telegram:8812"})
    )


def test_roles_have_limits(config):
    """Each with what is said of it; what is not said is left to the limits."""
    config("[roles.'discord:role/71']\npictures_per_day = 0\n[roles.'telegram:8812']\ncount = 9\n")
    assert load_settings().studio_people().allowances == {
        "discord:role/71": Allowance(pictures_per_day=0),
        "telegram:8812": Allowance(count=9),
    }
