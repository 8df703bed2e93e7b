"""Passwords and keys in the settings: read, passed on, and never shown."""

import pytest

from bot.settings import SettingsError, load_settings

pytestmark = pytest.mark.usefixtures("place")

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
