"""What stands in the log, and what never does."""

import json
import subprocess
import sys
from textwrap import dedent

import pytest

TOKEN = "123456789:AAEhBP0av28jL6xVq1abcdefghijklmnopq"
KEY = "k\"ey-with-'quotes"


def logged(code: str, **options: object) -> str:
    """What a process writes to standard error with the log set up so."""
    options = {"level": "debug", "secrets": (KEY,), **options}
    lines = (
        "import logging, structlog",
        "from bot.log import configure_log",
        f"configure_log(**{options!r})",
        f"TOKEN, KEY = {TOKEN!r}, {KEY!r}",
        "log = structlog.get_logger()",
        dedent(code),
    )
    command = [sys.executable, "-P", "-c", "\n".join(lines)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120).stderr


@pytest.mark.parametrize("style", ["text", "json"])
def test_secrets_are_hidden_wherever_they_stand(style: str) -> None:
    """In values, lists and mappings, in errors with their causes, in libraries' records, in last words."""
    text = logged(
        """
        try:
            try:
                raise ValueError(f"https://api.telegram.org/bot{TOKEN}/getMe: {KEY}")
            except ValueError as error:
                raise RuntimeError("postgresql://bot:hunter2@db/omost is away") from error
        except RuntimeError as error:
            log.exception("one", url=f"/file/bot{TOKEN}/a.png", parts=[KEY, {"key": KEY}], object=error)
        logging.getLogger("httpx").warning("POST /bot%s/sendMessage", TOKEN)
        logging.getLogger("discord.http").warning("Authorization: Bot %s", "MTIz.abc-defghijklmnopqrstuv")
        logging.getLogger("httpx").info("told to nobody")

        def fail():
            raise LookupError(f"a thread knows {TOKEN} and {KEY}")

        import threading
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        raise SystemError(f"crashed with {TOKEN} and {KEY}")
        """,
        style=style,
    )
    assert "one" in text
    assert "httpx" in text
    assert "LookupError: a thread knows ***" in text
    assert "SystemError: crashed with ***" in text
    for secret in (TOKEN, TOKEN[10:], KEY, json.dumps(KEY)[1:-1], "hunter2", "MTIz.abc", "told to nobody"):
        assert secret not in text


def test_values_of_statements_are_left_out() -> None:
    """What databases repeat of rows and parameters may be what people asked for."""
    text = logged(
        r"""
        try:
            raise ValueError(
                "null value\nDETAIL:  Failing row (a xylo\nphone).\n"
                "[SQL: INSERT]\n[parameters: ('xylo',)]"
            )
        except ValueError:
            log.exception("failed")
        log.info("next")
        """
    )
    assert "null value" in text
    assert "[SQL: INSERT]" in text
    assert "next" in text
    assert "xylo" not in text
    assert "phone" not in text


def test_prompts_are_told_where_it_is_asked_for() -> None:
    """What people ask for is left out unless `[log] prompts` says otherwise."""
    code = 'log.info("request_taken", prompt="a xylophone", pictures=1)'
    usual, asked_for = (json.loads(logged(code, style="json", prompts=each)) for each in (False, True))
    assert "prompt" not in usual
    assert usual["pictures"] == 1
    assert asked_for["prompt"] == "a xylophone"


def test_json_is_one_object_a_line() -> None:
    """Whatever is logged: many lines, other writing, errors, strange values, records that do not fit."""
    text = logged(
        r"""
        log.info("a\nb", emoji="🎨\u2028", value=object())
        try:
            1 / 0
        except ZeroDivisionError:
            log.exception("failed")
        logging.getLogger("library").error("c\nd")
        logging.getLogger("library").error("%d apples", "many")
        """,
        style="json",
    )
    events = [json.loads(line) for line in text.split("\n") if line]
    assert [event["event"] for event in events] == ["a\nb", "failed", "library", "library"]
    assert "ZeroDivisionError" in events[1]["exception"]
    assert events[3]["detail"] == "%d apples ('many',)"
