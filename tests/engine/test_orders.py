"""Orders as they are remembered: whatever was asked for is read back, by any process."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas import Canvas, GlobalDescription, LocalDescription, Repair
from engine.errors import BadSetting
from engine.orders import Adopt, Compose, Limits, Repaint, check, composes, from_turn, to_turn
from storage.records import ConversationKey, PersonKey, Place, Turn, TurnStage, TurnStatus
from storage.scene import SceneSettings

TAB, ANN = ConversationKey("web", "tab"), PersonKey("web", "ann")
SETTINGS = SceneSettings(width_px=640, height_px=512, seed=2**32 - 1, count=3, guidance=3.5, steps=9)
POND = Canvas(
    GlobalDescription("A pond 苍鹭.", tags="pond"),
    (LocalDescription('A "frog".', location="on the left", distance_to_viewer=2.5),),
    repairs=(Repair(4, "location", "at the left", "on the left"),),
)


def stored(order):
    """The turn that the store gives back for an order."""
    new = to_turn(order)
    return Turn(
        id=new.id,
        conversation=new.conversation,
        person=new.person,
        prompt=new.prompt,
        parent_id=new.parent_id,
        request=json.loads(json.dumps(new.request)),
        pictures=new.pictures,
        place=Place(0, 1),
        status=TurnStatus.RUNNING,
        stage=TurnStage.WAITING,
        attempts=0,
        economy=0,
        revision_id=None,
        remark="",
        error="",
        created_at=datetime.now(UTC),
    )


@pytest.mark.parametrize(
    "order",
    [
        Compose("t", TAB, ANN, "a pond", SETTINGS),
        Compose("t", TAB, ANN, "a pond", SETTINGS, "parent", "zh"),
        Compose("t", TAB, ANN, "make it dusk", SETTINGS, canvas=POND),
        Repaint("t", TAB, ANN, "parent", SETTINGS, "zh"),
        Adopt("t", TAB, ANN, POND, SETTINGS),
        Adopt("t", TAB, ANN, POND, SETTINGS, "parent", "from a file", "zh"),
    ],
)
def test_an_order_survives_its_storing(order):
    """Kind, words, canvas with its repairs, settings, parent and language come back through JSON."""
    turn = stored(order)
    assert from_turn(turn) == order
    assert turn.pictures == 3
    assert composes(turn) == isinstance(order, Compose)


@given(st.text(max_size=50), st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_words_are_kept_as_they_were(prompt, seed, count):
    """Any words come back, without the space around them."""
    order = Compose("t", TAB, ANN, prompt.strip(), SceneSettings(seed=seed, count=count))
    assert from_turn(stored(order)) == order
    spaced = Compose("t", TAB, ANN, f"  {prompt.strip()}\n", order.settings)
    assert from_turn(stored(spaced)) == order


def test_a_turn_of_no_known_kind_is_refused():
    """A request that this program did not write raises, and is not taken for something else."""
    turn = stored(Compose("t", TAB, ANN, "a pond", SETTINGS))
    for request in ({}, {"kind": "paint"}, {"kind": "repaint"}):
        turn_of_old = Turn(**{name: getattr(turn, name) for name in turn.__slots__} | {"request": request})
        with pytest.raises(ValueError, match="no known kind"):
            from_turn(turn_of_old)


BAD = {
    "strength": (0.49, 1.01, float("nan")),
    "high_resolution": (0.99, 2.01, float("inf")),
    "sampler": ("euler a", "euler\n", "x" * 201, "../euler"),
    "preset": ("draft;", "草", "x" * 201),
    "loras": ("a/b", "a\n", "a\0", "x" * 201),
    "negative_prompt": ("x" * 2001,),
    "locked": ("x" * 2001,),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in BAD for value in BAD[name]])
def test_what_no_renderer_could_take_is_refused(name, value):
    """Each setting beyond its range, length or characters is refused by its name, before any work."""
    order = Compose("t", TAB, ANN, "a pond", SceneSettings(**{name: value}))
    with pytest.raises(BadSetting) as caught:
        check(order, Limits())
    assert caught.value.name == name
    assert len(str(caught.value)) < 200


def test_what_renderers_may_take_is_not_refused():
    """The ends of the ranges, and names as people give them to files, pass."""
    settings = SceneSettings(
        sampler="dpmpp_2m_karras",
        strength=0.5,
        high_resolution=2.0,
        preset="draft",
        loras="Hyper-SDXL-8steps-CFG-lora:0.8, 水墨 (v1.2):-1",
        negative_prompt="x" * 2000,
        locked="a clown\na tent",
    )
    check(Compose("t", TAB, ANN, "a pond", settings), Limits())
