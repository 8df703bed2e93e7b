"""Whether a server can be used, and what of it the log may have."""

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from engine.errors import Unavailable
from tests.engine.rig.llm_server import Act, LlmServer, answering, listing
from tests.engine.server.conftest import KEY, WISH, MakeComposer, reason, said


@pytest.mark.parametrize(
    ("models", "why"),
    [
        (listing("tiny", "big"), ""),
        (listing("tiny:latest"), ""),
        (listing("/models/some.gguf", owner="llamacpp"), ""),
        (listing("big"), "no-such-model"),
        (listing(), "no-such-model"),
        (answering(200, {"object": "list", "data": None}), "no-such-model"),
        (answering(200, {"data": [{"name": "tiny"}]}), "not-understood"),
        (answering(200, {"models": []}), "not-understood"),
        (answering(200, "<h1>Welcome</h1>"), "not-understood"),
        (answering(401, {"error": {"message": "no key"}}), "refused-key"),
        (answering(404, "404 page not found"), "wrong-address"),
        (answering(405), "wrong-address"),
        (answering(429), "overloaded"),
        (answering(500), "server-error"),
    ],
)
async def test_health(server: LlmServer, make: MakeComposer, models: Act, why: str):
    """The health of the server is nothing or the reason why it cannot be used."""
    server.models = models
    assert await make().health() == why
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/v1/models")
    assert asked.headers["authorization"] == f"Bearer {KEY}"


async def test_lists_models(server: LlmServer, make: MakeComposer):
    """The models that a server has can be told to whoever named another."""
    server.models = listing("big", "small")
    assert await make().models() == ("big", "small")


async def test_an_address_without_its_path(server: LlmServer, make: MakeComposer):
    """An address that lacks its end is told as wrong, by health and by the first request."""
    composer = make(base_url=server.base_url.removesuffix("/v1"))
    assert await composer.health() == "wrong-address"
    assert await reason(composer) == "wrong-address"


@pytest.mark.parametrize("key", ["schlüssel", "钥匙", "one\ntwo", "one\r\ntwo", "one\0two"])
async def test_keys_that_no_header_carries(make: MakeComposer, key: str):
    """A key of characters that no server can be told is a key that is refused."""
    composer = make(api_key=SecretStr(key))
    assert await composer.health() == "refused-key"
    assert await reason(composer) == "refused-key"


async def test_neither_key_nor_words_are_told(server: LlmServer, make: MakeComposer):
    """No error, no log and no repr has the key or what the person wrote, though the server repeats them."""
    told = [
        f"Incorrect API key provided: {KEY}",
        f"bad input: {WISH!r}",
        f"cannot parse ...{WISH[5:25]}... of it",
        "The seed is too large",
    ]
    server.acts = [answering(400, {"error": {"message": text}}) for text in told]
    composer = make()
    with capture_logs() as log:
        for _ in told:
            with pytest.raises(Unavailable) as unavailable:
                await said(composer)
            assert unavailable.value.__context__ is None
    assert [entry["detail"] for entry in log] == ["", "", "", "The seed is too large"]
    assert {entry["server"] for entry in log} == {server.base_url.removeprefix("http://").removesuffix("/v1")}
    assert not any(secret in repr(log) for secret in (KEY, WISH, "purple"))
    assert KEY not in repr(composer._options)


async def test_a_password_in_the_address_is_not_logged(server: LlmServer, make: MakeComposer):
    """Of the address the log has host and port."""
    server.models = answering(500)
    composer = make(base_url=server.base_url.replace("//", "//ann:hunter2@"))
    with capture_logs() as log:
        assert await composer.health() == "server-error"
    assert log
    assert "hunter2" not in repr(log)
