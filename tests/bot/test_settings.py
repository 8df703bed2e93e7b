"""Settings: their sources, their order, and the sentences for whoever mistypes one."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, load_settings, read_settings, setting_names
from engine.composer.local.options import TransformersOptions
from engine.composer.server import ServerOptions
from engine.errors import Blocked
from engine.orders import Limits
from engine.people import Allowance, People
from engine.renderer.sdxl import SdxlOptions
from storage.scene import SceneSettings

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config.toml"
OPTION = re.compile(r"#(?=\w+ = )")


@pytest.fixture(autouse=True)
def _bare_surroundings(monkeypatch, tmp_path):
    for name in setting_names():
        monkeypatch.delenv("OMOST_" + name.upper().replace(".", "__"), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def config(tmp_path):
    """Writes a settings file and returns its path."""

    def write(text, name="config.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


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


MISTAKES = {
    "misspelt option": ("[web]\nprot = 1\n", ["config.toml", "web.prot", "web.port"]),
    "misspelt table": ("[pictures]\nsteps = 3\n", ["config.toml", "pictures", "picture"]),
    "option in no table": ("port = 1\n", ["config.toml", "port", "web.port"]),
    "option in the wrong table": ("[limits]\nwidth_px = 512\n", ["limits.width_px", "picture.width_px"]),
    "value out of range": ("[web]\nport = 99999\n", ["config.toml", "web.port", "99999", "65535"]),
    "value of another type": ("[limits]\ncount = 'many'\n", ["config.toml", "limits.count", "'many'"]),
    "unknown renderer": ("[picture]\nrenderer = 'oil'\n", ["picture.renderer", "'oil'", "tiny, sdxl"]),
    "strength of nothing": ("[picture]\nstrength = 0.1\n", ["picture.strength", "0.1", "0.5"]),
    "enlarged too much": ("[picture]\nhigh_resolution = 3.0\n", ["picture.high_resolution", "3.0", "2"]),
    "a LoRA by its path": ("[picture]\nloras = 'a/b'\n", ["picture.loras", "'a/b'"]),
    "unknown memory plan": ("[sdxl]\nmemory = 'low'\n", ["sdxl.memory", "'low'", "'all-move'"]),
    "unknown device of SDXL": ("[sdxl]\ndevice = 'gpu'\n", ["sdxl.device", "'gpu'", "cuda"]),
    "no checkpoint": ("[sdxl]\nmodel = ''\n", ["sdxl.model"]),
    "unknown language": ("language = 'fr'\n", ["language", "'fr'", "'en' or 'zh'"]),
    "limit of an older version": (
        "[limits]\nturns_per_conversation = 1\n",
        ["limits.turns_per_conversation", "limits"],
    ),
    "role without a platform": ("[roles.8812]\ncount = 2\n", ["roles.8812", "'8812'"]),
    "role's option misspelt": (
        "[roles.'web:1']\npictures_pr_day = 2\n",
        ["roles.web:1.pictures_pr_day", "is pictures_per_day."],
    ),
    "role's option out of range": ("[roles.'web:1']\ncount = 99\n", ["roles.web:1.count", "99", "16"]),
    "role that is no table": ("[roles]\n'web:1' = 3\n", ["[roles.web:1]"]),
    "person without a platform": ("[people]\nallow = ['8812']\n", ["people.allow", "'8812'"]),
    "person as a number": ("[people]\ndeny = ['web:1', 8812]\n", ["people.deny", "8812"]),
    "name with a space": ("[jobs]\nname = 'bot 1'\n", ["jobs.name", "'bot 1'"]),
    "worker without a role": ("[worker]\nroles = []\n", ["worker.roles", "[]"]),
    "unknown role": ("[worker]\nroles = ['llm', 'gpu']\n", ["worker.roles", "'gpu'", "'llm' or 'image'"]),
    "jobs kept not at all": ("[retention]\njobs_days = 0\n", ["retention.jobs_days", "1"]),
    "address that is none": ("[openai]\nbase_url = 'localhost:8000'\n", ["openai.base_url", "https://"]),
    "mirror that is none": ("[transformers]\nmirror = 'hub'\n", ["transformers.mirror", "'hub'", "https://"]),
    "unknown quantisation": (
        "[transformers]\nquantisation = 'q4'\n",
        ["transformers.quantisation", "'4bit'"],
    ),
    "unknown device": ("[transformers]\ndevice = 'gpu'\n", ["transformers.device", "'gpu'", "cuda"]),
    "classifier without a function": (
        "[safety]\nclassifier = 'filters'\n",
        ["safety.classifier", "'filters'"],
    ),
    "blank in the block list": ("[safety]\nblock = ['a', ' ']\n", ["safety.block", "' '"]),
    "table as a value": ("web = 3\n", ["config.toml", "web", "[web]"]),
    "no TOML": ("language = \n", ["config.toml", "TOML", "line 1"]),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_file_is_named(config, text, expected):
    """A mistake in the file is one sentence with the file, the name, and what is allowed or nearest."""
    config(text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    sentence = str(caught.value)
    assert all(part in sentence for part in expected), sentence
    assert "\n" not in sentence


def test_every_mistake_is_named(config):
    """Two mistakes are two sentences."""
    config("colour = 1\n[web]\nport = -1\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert len(str(caught.value).splitlines()) == 2


def test_what_can_be_read_beside_mistakes_is_read(config, monkeypatch):
    """Each mistake stands back for its default alone, in the file as in the environment."""
    config(
        "colour = 1\n[web]\nport = 9000\nprot = 1\n[people]\nallow = ['web:1', 8812]\n"
        "[roles.'web:1']\ncount = 99\n"
    )
    monkeypatch.setenv("OMOST_WEB__CALL_PAUSE_S", "long")
    monkeypatch.setenv("OMOST_WEB__HOST", "::1")
    settings, faults = read_settings()
    assert (settings.web.port, settings.web.host, settings.web.call_pause_s) == (9000, "::1", 0.25)
    assert settings.people.allow == ()
    assert settings.roles["web:1"].count is None
    assert len(faults) == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[worker]\nroles = ['a', 'b', 'c']\nllm_slots = 2\n", 4),  # and none is left
        ("[worker]\nllm_slots = 2\n[people]\nallow = [1, 2]\ndeny = [3]\n", 3),
        ("[worker]\nllm_slots = 2\n[roles]\nnobody = 3\n'web:1' = {count = 99, waiting = 1}\n", 4),
    ],
)
def test_many_mistakes_in_one_place_leave_the_rest_as_it_is(config, text, told):
    """Each is told, and what stands beside them in the file is read."""
    config(text)
    settings, faults = read_settings()
    assert settings.worker.llm_slots == 2
    assert len(faults) == told, faults


def test_a_source_that_cannot_be_read_gives_no_settings(monkeypatch):
    """A table in a variable that is no JSON is told, and nothing is guessed at."""
    monkeypatch.setenv("OMOST_WEB", "{port")
    settings, faults = read_settings()
    assert settings is None
    assert len(faults) == 1
    assert "web" in faults[0]


def test_a_mistake_in_the_environment_is_named(config, monkeypatch):
    """A bad value in a variable is blamed on the variable, not on the file."""
    config("[web]\nport = 9000\n")
    monkeypatch.setenv("OMOST_WEB__PORT", "many")
    with pytest.raises(SettingsError, match=r"^environment: OMOST_WEB__PORT is 'many'"):
        load_settings()


PASSWORDS = {
    "a key in the file": ("[openai]\napi_key = 's3cret'\n", "OMOST_OPENAI__API_KEY"),
    "Telegram's token in the file": ("[telegram]\ntoken = 's3cret'\n", "OMOST_TELEGRAM__TOKEN"),
    "a token in the file": ("[discord]\ntoken = 's3cret'\n", "OMOST_DISCORD__TOKEN"),
    "the page's password in the file": ("[web]\npassword = 's3cret'\n", "OMOST_WEB__PASSWORD"),
    "the page's password in a list": ("[web]\npassword = ['s3cret']\n", "OMOST_WEB__PASSWORD"),
    "a password in the place of the table": ("web = 's3cret'\n", "[web]"),
    "a proxy with a password": ("[discord]\nproxy = 'ftp://me:s3cret@host'\n", "discord.proxy"),
    "a key in a list": ("[openai]\napi_key = ['s3cret']\n", "OMOST_OPENAI__API_KEY"),
    "a key in the place of the table": ("openai = 's3cret'\n", "[openai]"),
    "a key in the wrong place": ("[openai]\nretries = 's3cret'\n", "openai.retries"),
    "a password in an address": ("[openai]\nbase_url = 'ftp://me:s3cret@host'\n", "openai.base_url"),
    "another database": ("[database]\nurl = 'mysql://bot:s3cret@host/bot'\n", "postgresql://"),
    "an option of the file itself": ("database = 'postgresql://bot:s3cret@host/bot'\n", "[database]"),
    "pictures elsewhere": ("[database]\npictures = 's3cret'\n", "'auto', 'files' or 'database'"),
}


@pytest.mark.parametrize(("text", "expected"), PASSWORDS.values(), ids=PASSWORDS)
def test_a_password_is_never_repeated(config, text, expected):
    """A mistake about the database or a server is told without what stands there."""
    config(text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert expected in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_password_is_not_shown(monkeypatch):
    """Settings that are printed or dumped do not show the password that they hold."""
    url = "postgresql://bot:s3cret@host/bot"
    monkeypatch.setenv("OMOST_DATABASE__URL", url)
    settings = load_settings()
    assert settings.database_url() == url
    assert "s3cret" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


def test_a_key_comes_from_the_environment_and_is_not_shown(config, monkeypatch):
    """The key of a server is read from its variable, reaches the composer, and is never printed."""
    config("[openai]\nbase_url = 'http://localhost:8000/v1'\nmodel = 'a-model'\n")
    monkeypatch.setenv("OMOST_OPENAI__API_KEY", "s3cret")
    settings = load_settings()
    backends = settings.backends()
    assert backends.openai.api_key.get_secret_value() == "s3cret"
    assert "s3cret" not in f"{settings} {settings!r} {settings.model_dump_json()} {backends!r}"


@pytest.mark.parametrize("key", ["s3cret\nline", "s3cret\x7f", "s3cret\tline"])
def test_a_key_with_control_characters_is_refused(monkeypatch, key):
    """A key that no header can carry is refused at the start, by name, and is not told."""
    monkeypatch.setenv("OMOST_OPENAI__API_KEY", key)
    with pytest.raises(SettingsError, match=r"OMOST_OPENAI__API_KEY.*control characters") as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)


def test_a_key_may_end_with_its_line(monkeypatch):
    """As one that was read from a file does."""
    monkeypatch.setenv("OMOST_OPENAI__API_KEY", "s3cret\n")
    assert load_settings().openai.api_key.get_secret_value().strip() == "s3cret"


def test_a_wrong_key_in_a_variable_is_not_told(monkeypatch):
    """A table in a variable that holds a key beside a mistake is blamed without its values."""
    monkeypatch.setenv("OMOST_OPENAI", '{"api_key": "s3cret", "retries": "s3cret"}')
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)


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


def test_a_misspelt_variable_is_refused(monkeypatch):
    """A variable with our prefix that is no setting is refused with the nearest one."""
    monkeypatch.setenv("OMOST_WEB__PROT", "9000")
    with pytest.raises(SettingsError, match=r"OMOST_WEB__PROT is no setting.*OMOST_WEB__PORT"):
        load_settings()


@pytest.mark.parametrize("variable", ["OMOST_WEB", "OMOST_PICTURE"])
def test_a_table_in_a_variable_must_be_json(monkeypatch, variable):
    """A variable that names a whole table and holds no JSON is a sentence, not a traceback."""
    monkeypatch.setenv(variable, "{not json")
    with pytest.raises(SettingsError, match="environment"):
        load_settings()


def test_a_missing_file_is_a_sentence(tmp_path):
    """A named file that is not there is refused by name."""
    with pytest.raises(SettingsError, match=r"absent\.toml: cannot be read"):
        load_settings(tmp_path / "absent.toml")


def test_a_binary_file_is_a_sentence(tmp_path):
    """A settings file that is no text is refused by name."""
    path = tmp_path / "picture.toml"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(SettingsError, match=r"picture\.toml: is not UTF-8"):
        load_settings(path)


def test_telegrams_token_may_stand_in_a_file_of_its_own(tmp_path, monkeypatch):
    """The file holds nothing else; the environment's token wins, and a file that is no use is named."""
    file = tmp_path / "token"
    file.write_text("42:s3cret\n")
    monkeypatch.setenv("OMOST_TELEGRAM__TOKEN_FILE", str(file))
    assert load_settings().telegram_token() == "42:s3cret"
    monkeypatch.setenv("OMOST_TELEGRAM__TOKEN", "43:other")
    assert load_settings().telegram_token() == "43:other"
    monkeypatch.delenv("OMOST_TELEGRAM__TOKEN")
    for useless in ("", "two\nlines"):
        file.write_text(useless)
        with pytest.raises(SettingsError, match=r"telegram\.token_file"):
            load_settings().telegram_token()
    file.unlink()
    with pytest.raises(SettingsError, match=r"telegram\.token_file"):
        load_settings().telegram_token()
