"""The sentences of what goes wrong, and the words for what canvas, storage and engine name by a key.

English stands here and is the key of the other languages' catalogues. Nothing here knows how a sentence is
filled or translated: that is `bot.replies`.
"""

from collections.abc import Mapping
from typing import Final

from canvas.errors import CanvasError
from engine.errors import (
    BadSetting,
    Blocked,
    Busy,
    ComposeFailed,
    EmptyPrompt,
    GaveUp,
    Internal,
    Interrupted,
    LoraDoesNotFit,
    NoPictureYet,
    NotAllowed,
    NotChecked,
    NotModerator,
    NotUnderstood,
    NotYours,
    OutOfMemory,
    PromptTooLong,
    QueueFull,
    QuotaUsedUp,
    SceneTooLong,
    TooManyWaiting,
    Unavailable,
)
from storage.errors import DatabaseAway, NotAScene, NotFound, StorageFailed


def later(english: str) -> str:
    """Marks a sentence of a table that is looked up later, so that the catalogues are checked for it."""
    return english


# The braces name attributes of the error, or values that `bot.replies` makes of them.
ERRORS: Final[Mapping[type[BaseException], str]] = {
    EmptyPrompt: later("There is nothing to paint yet. Say in a few words what the picture should show."),
    NoPictureYet: later("No picture here yet: begin with /omost and say what you want to see."),
    PromptTooLong: later(
        "That is {found_chars} characters, and {allowed_chars} are allowed. Say it in fewer words."
    ),
    SceneTooLong: later(
        "The scene has become too long for the composer. Remove regions, or start a new scene."
    ),
    LoraDoesNotFit: later(
        "The LoRA “{name}” is made for another kind of model, or its file is broken. "
        "Leave it out, or name another."
    ),
    NotUnderstood: later("I could not make anything of “{text}”. {advice}"),
    BadSetting: later("{name} cannot be {value}. Allowed: {allowed}."),
    Blocked: later("Nothing of that kind is painted here. Say it in other words, or ask for something else."),
    Busy: later("Your picture is still being worked on. Wait until it is done, or cancel it."),
    NotAllowed: later("You cannot ask for pictures here. Ask whoever runs this service to let you in."),
    NotYours: later(
        "Only the person who asked for this, and moderators, can do that. Ask for one of your own."
    ),
    NotModerator: later("Only moderators can do that here. Ask one of them."),
    TooManyWaiting: later(
        "You have as many requests open as one person may have: {limit}. "
        "Ask again {free_in}, when one of them is done, or cancel one."
    ),
    QueueFull: later("So many requests are waiting that no more can be taken. Ask again {free_in}."),
    QuotaUsedUp: later("That is more than one person may have in a day: {allowance}. Ask again {back_in}."),
    NotChecked: later(
        "It could not be checked whether this may be painted, so it is not. Try again in a moment; "
        "if it stays so, tell whoever runs this service."
    ),
    Unavailable: later("“{backend}” cannot be used here: {reason}. {advice}"),
    ComposeFailed: later(
        "The composer's answer could not be read as a scene, and neither could a second one: "
        "line {line}, column {column}: {detail}. {advice}"
    ),
    CanvasError: later("This is no Canvas code: line {line}, column {column}: {message}. {advice}"),
    OutOfMemory: later(
        "This picture does not fit into the memory here, however thriftily it is painted. "
        "Ask for a smaller one, or for fewer at once."
    ),
    GaveUp: later(
        "Sorry: the work on this broke off {attempts} times, so it has been given up. "
        "Ask again later, or for a smaller picture."
    ),
    Interrupted: later("The service was stopped while it worked on this. Ask again."),
    Internal: later("Something unexpected went wrong, and it is not your doing. Try again in a moment."),
    NotFound: later("I don't find that {what} any more. Choose another one, or start a new scene."),
    NotAScene: later(
        "No scene can be read from this file: {reason}. "
        "Take a picture that was made here, or Canvas code as text."
    ),
    StorageFailed: later(
        "Nothing can be stored or read just now: {detail}. Check the disk and the database."
    ),
    DatabaseAway: later(
        "The database does not answer just now. What you have asked for is not lost; try again in a moment."
    ),
}
"""What happened, and what the person can do."""
MISSING: Final[Mapping[object, str]] = {
    "": later("{name} is missing: fill it in."),
    "—": later("{name} is missing. Allowed: {allowed}."),
}
"""For a `BadSetting` without a value, by how forms tell that a text or a number is none."""

NAMES: Final[Mapping[str, str]] = {
    # settings
    "width_px": later("The width in pixels"),
    "height_px": later("The height in pixels"),
    "count": later("The number of pictures"),
    "seed": later("The seed"),
    "steps": later("The number of steps"),
    "guidance": later("The guidance"),
    "negative_prompt": later("The length of what to avoid"),
    "sampler": later("The sampler"),
    "strength": later("The strength"),
    "high_resolution": later("The enlargement"),
    "locked": later("The length of the list of locked regions"),
    "preset": later("The preset"),
    "loras": later("The LoRA"),
    "composer": later("The composer"),
    "renderer": later("The renderer"),
    "regions": later("The number of regions"),
    "size": later("The size"),
    "language": later("The language"),
    "whose": later("The kind of settings"),
    # a region's fields
    "description": later("The description"),
    "description_chars": later("The length of the description"),
    "location": later("The location"),
    "offset": later("The offset"),
    "area": later("The area"),
    "color": later("The colour"),
    "distance_to_viewer": later("The distance to the viewer"),
    # what can be missing
    "turn": later("request"),
    "revision": later("picture"),
    "image": later("picture"),
    "region": later("region"),
    "file": later("file"),
    # why a backend cannot be used
    "needs-gpu-extra": later(
        'libraries are missing where it runs; install them: pip install "omost-bot[gpu]"'
    ),
    "no-model-named": later("no model is named; name one as model under [transformers] in the settings"),
    "no-server-named": later(
        "no server is named; name one as base_url and model under [openai] in the settings"
    ),
    "no-sdxl-set-up": later(
        'it is not set up; set renderer = "sdxl" under [picture], or model under [sdxl], in the settings'
    ),
    # why a model on a server does not answer
    "unreachable": later("its server cannot be reached"),
    "cut-off": later("its server hung up before it answered"),
    "silent": later("its server said nothing in time"),
    "overloaded": later("its server has too much to do, or is still starting"),
    "server-error": later("its server broke while answering"),
    "empty-reply": later("its server answered without a word"),
    "no-credit": later("the credit or quota of its account is used up"),
    "refused-key": later("its server does not take the key; put another one into OMOST_OPENAI__API_KEY"),
    "no-such-model": later("its server does not have the model; see model under [openai] in the settings"),
    "wrong-address": later("something else answers at its address; base_url usually ends in /v1"),
    "bad-request": later("its server does not take the request; see grammar under [openai], and the log"),
    "not-understood": later("what its server sends is not OpenAI's protocol; see base_url under [openai]"),
    "too-long": later(
        "the scene, the request and the answer together are longer than it can read; "
        "see max_tokens and context_tokens under [openai]"
    ),
    # why a model of our own cannot be loaded or does not go on
    "needs-bitsandbytes": later(
        "quantised weights need bitsandbytes: pip install bitsandbytes, or see model and quantisation"
    ),
    "model-unknown": later(
        "there is no folder and no model on the hub of that name; see model in the settings"
    ),
    "revision-unknown": later("the hub has the model, but not that revision; see revision in the settings"),
    "model-gated": later("the hub wants its licence accepted there, and your token in HF_TOKEN"),
    "model-offline": later("offline is set, and the model is not wholly on this machine"),
    "hub-unreachable": later("the hub cannot be reached; see mirror and offline in the settings"),
    "disk-full": later("the disk has no room for its weights"),
    "model-without-safetensors": later("its weights are there as pickles only, and those are never loaded"),
    "model-needs-code": later("it wants program code of its own run, and that is never done"),
    "model-unreadable": later("its files are broken, or of a kind that is not known here"),
    "model-not-sdxl": later(
        "it is no base model of SDXL; name one as model under [sdxl] in the settings, for example "
        "SG161222/RealVisXL_V4.0"
    ),
    "model-incomplete": later("parts of it are missing; fetch it anew, or take another"),
    "model-several-files": later("it consists of several checkpoints; name one of the files"),
    "model-no-template": later("it is not known how to talk to it; set template in the settings"),
    "no-such-device": later("there is no such device; see device in the settings"),
    "not-enough-memory": later(
        "it does not fit into the memory; see quantisation and context_tokens, or memory, in the settings"
    ),
    "model-failed": later("it broke at work; the log says why"),
    # what the bot may not do in a chat
    "view-channel": later("to see this channel"),
    "send-messages": later("to write here"),
    "attach-files": later("to send files"),
    "read-history": later("to read the history of messages"),
    "send-pictures": later("to send pictures"),
    "write-in-topic": later("to write in this topic, which is closed"),
    "post-in-channel": later("to post in this channel, as one of its administrators"),
    # why a platform does not let the bot in
    "token-refused": later("it does not take the token; put the right one into the environment"),
    "token-revoked": later("it takes the token no more"),
    "intents-refused": later("it does not allow what the bot wants to see; see its developer portal"),
    "another-poller": later("another process uses the same token; end one of the two"),
    "webhook-address-taken": later(
        "its webhook cannot listen; see webhook_host and webhook_port under [telegram] in the settings"
    ),
    # why a file holds no scene
    "not-an-image": later("it is neither a picture nor text"),
    "no-scene-inside": later("there is none in it"),
    "damaged": later("it is damaged or cut off"),
    "too-large": later("it is too large"),
    "newer-version": later("a newer version of omost-bot made it"),
}
"""What canvas, storage and engine name by a key."""

PASSING: Final = frozenset(
    ("unreachable", "cut-off", "silent", "overloaded", "server-error", "empty-reply", "hub-unreachable")
)
"""Reasons that may be gone in a moment."""
