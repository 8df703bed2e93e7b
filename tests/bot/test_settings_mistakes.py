"""Mistakes in the settings: the sentences for whoever mistypes one."""

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from bot.sections import Secret
from bot.settings import SettingsError, load_settings, read_settings
from bot.settings_faults import Faults

pytestmark = pytest.mark.usefixtures("place")

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
    "person without a platform": (
        "[people]\nallow = ['8812']\n",
        ["people.allow", "'8812'", "as in telegram:8812"],
    ),
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
    "blank in the block list": ("[safety]\nblock = ['a', ' ']\n", ["safety.block", "' '", "a letter"]),
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
        ("[worker]\nroles = ['a', 'b', 'c']\nllm_slots = 2\n", 3),  # not that none is left
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
    assert "OMOST_WEB " in faults[0]


def test_a_mistake_in_the_environment_is_named(config, monkeypatch):
    """A bad value in a variable is blamed on the variable, not on the file."""
    config("[web]\nport = 9000\n")
    monkeypatch.setenv("OMOST_WEB__PORT", "many")
    with pytest.raises(SettingsError, match=r"^environment: OMOST_WEB__PORT is 'many'"):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "table", "told"),
    [
        ("OMOST_WEB", '{"port": 99999}', "port in OMOST_WEB is 99999"),
        ("OMOST_WEB", '{"prot": 1}', "prot in OMOST_WEB is no setting. The nearest is web.port"),
        ("OMOST_ROLES", '{"web:1": {"count": 99}}', "web:1.count in OMOST_ROLES is 99"),
        ("OMOST_WEB", "3", "OMOST_WEB: it must be a table"),
        ("OMOST_TRANSFORMERS", '{"model": "a/dolphin"}', "model in OMOST_TRANSFORMERS is 'a/dolphin'"),
    ],
)
def test_a_mistake_in_a_table_in_a_variable_is_named(config, monkeypatch, variable, table, told):
    """Where a variable holds a whole table, what is wrong in it is blamed on the variable."""
    config("[limits]\ncount = 2\n")
    monkeypatch.setenv(variable, table)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"environment: {told}"), caught.value


def test_a_mistake_in_the_file_stays_the_files(config, monkeypatch):
    """Also where the rest of its table stands in a variable."""
    config("[web]\nport = 99999\n")
    monkeypatch.setenv("OMOST_WEB", '{"host": "::1"}')
    with pytest.raises(SettingsError, match=r"^config\.toml: web\.port is 99999"):
        load_settings()


@pytest.mark.parametrize("variable", ["OMOST_WEB__PROT", "OMOST_WEB__PROT__X"])
def test_a_misspelt_variable_is_refused(monkeypatch, variable):
    """A variable with our prefix that is no setting is refused with the nearest one, once."""
    monkeypatch.setenv(variable, "9000")
    told = rf"^environment: {variable} is no setting\. The nearest is OMOST_\w+\.$"
    with pytest.raises(SettingsError, match=told):
        load_settings()


@pytest.mark.parametrize("variable", ["OMOST_WEB", "OMOST_PICTURE", "OMOST_WORKER__ROLES"])
def test_a_table_in_a_variable_must_be_json(monkeypatch, variable):
    """A variable that holds a whole table or a list and is no JSON is named in a sentence."""
    monkeypatch.setenv(variable, "{not json")
    monkeypatch.setenv("OMOST_LANGUAGE", "zh")
    with pytest.raises(SettingsError, match=rf"^environment: {variable} cannot be read: .*JSON"):
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


class Poet(BaseModel):
    """A table of somebody else's, with a key."""

    api_key: Secret = SecretStr("")
    lines: int = 3


class Wanted(BaseModel):
    """Settings with one more table than ours."""

    poet: Poet = Poet()


def test_a_new_secret_is_kept_as_one():
    """Whatever is declared a secret is taken from the environment alone, and never repeated."""
    faults = Faults(Wanted, "config.toml", {})
    values = {"poet": {"api_key": "s3cret", "lines": 4}}
    (told,) = faults.of_keys(values)
    assert "set OMOST_POET__API_KEY" in told
    assert values == {"poet": {"lines": 4}}
    with pytest.raises(ValidationError) as caught:
        Wanted.model_validate({"poet": {"api_key": "s3cret\nx", "lines": "many"}})
    of_key, of_lines = sorted(faults.of_values(caught.value))
    assert of_key.startswith("config.toml: poet.api_key: ")
    assert "s3cret" not in of_key
    assert "'many'" in of_lines
