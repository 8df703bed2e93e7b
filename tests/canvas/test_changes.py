"""What differs between two canvases."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas.changes import Change, ChangeKind, changes
from canvas.layout import rect
from canvas.lines import Line, Sentence
from canvas.model import Canvas, GlobalDescription, LocalDescription

SKY = LocalDescription(
    "A cloudy sky.",
    location="on the top",
    area="a large horizontal area",
    distance_to_viewer=10.0,
    tags="sky, clouds",
    color="skyblue",
)
LAMP = LocalDescription(
    "A tall lamp beside the door.",
    location="on the right",
    area="a small vertical area",
    distance_to_viewer=4.0,
    detailed_descriptions=("The lamp gives a warm light.",),
    tags="lamp, light",
    color="gold",
)
GUARD = LocalDescription(
    "A lion guarding the door.",
    distance_to_viewer=2.0,
    detailed_descriptions=("The lion is watchful.", "Its mane is thick."),
    tags="lion, mane, watchful",
    color="tan",
)
PORCH = GlobalDescription(
    "A quiet porch with a lion at the door.",
    detailed_descriptions=("The lion keeps watch.",),
    tags="porch, lion",
    color="wheat",
)
SCENE = Canvas(PORCH, (SKY, LAMP, GUARD))


def told(old, new):
    return [(change.kind, change.text) for change in changes(old, new)]


def edited(old_local, **values):
    """The kinds and lines for one region that is edited among others."""
    locals_ = tuple(replace(one, **values) if one is old_local else one for one in SCENE.local_descriptions)
    return told(SCENE, Canvas(PORCH, locals_))


def described(old, new):
    """The one line for a region whose description alone changes."""
    (change,) = changes(
        Canvas(PORCH, (SKY, LocalDescription(old))), Canvas(PORCH, (SKY, LocalDescription(new)))
    )
    assert change.kind == "retold"
    return change.text


@given(st.from_type(Canvas))
def test_identical_canvases_do_not_differ(canvas):
    """A canvas does not differ from itself."""
    assert changes(canvas, canvas) == ()


def test_alias_of_a_color_is_no_change():
    """Two names of one colour paint the same."""
    gray = Canvas(GlobalDescription("Fog.", color="gray"), (replace(LAMP, color="aqua"),))
    grey = Canvas(GlobalDescription("Fog.", color="grey"), (replace(LAMP, color="cyan"),))
    assert changes(gray, grey) == ()


def test_distance_counts_by_order_only():
    """Another distance in the same order paints the same."""
    assert edited(SKY, distance_to_viewer=50.0) == []


def test_order_of_the_code_is_no_change():
    """Regions of different distance may stand in any order in the code."""
    assert changes(SCENE, Canvas(PORCH, (GUARD, SKY, LAMP))) == ()


@pytest.mark.parametrize(
    ("local", "values", "expected"),
    [
        (LAMP, {"location": "on the left"}, [("moved", "lamp moved to the left")]),
        (LAMP, {"location": "on the bottom-left"}, [("moved", "lamp moved to the bottom-left")]),
        (LAMP, {"offset": "slightly to the upper-left"}, [("moved", "lamp moved slightly up and left")]),
        (LAMP, {"area": "a large vertical area"}, [("resized", "lamp is larger")]),
        (LAMP, {"area": "a small square area"}, [("resized", "lamp is wider")]),
        (LAMP, {"color": "red"}, [("recoloured", "lamp: the colour is now red")]),
        (LAMP, {"distance_to_viewer": 1.0}, [("nearer", "lamp is nearer")]),
        (GUARD, {"distance_to_viewer": 20.0}, [("farther", "lion is farther away")]),
        (LAMP, {"style": "Oil painting."}, [("retold", "lamp: new style")]),
        (LAMP, {"tags": "lamp", "atmosphere": "Cosy."}, [("retold", "lamp: new details and atmosphere")]),
        (
            LAMP,
            {"location": "on the left", "color": "red", "area": "a medium-sized vertical area"},
            [
                ("moved", "lamp moved to the left"),
                ("resized", "lamp is larger"),
                ("recoloured", "lamp: the colour is now red"),
            ],
        ),
        (
            SKY,
            {"description": "A cloudless night.", "color": "midnightblue"},
            [
                ("retold", "sky became cloudless night"),
                ("recoloured", "night: the colour is now midnightblue"),
            ],
        ),
    ],
)
def test_edit_of_one_region(local, values, expected):
    """Each thing that happens to a region is one change with one line."""
    assert edited(local, **values) == expected


def test_rectangles_and_indices():
    """A change knows its rectangle before and after, and the region's place in both canvases."""
    moved = replace(LAMP, location="on the left")
    (change,) = changes(SCENE, Canvas(PORCH, (moved, SKY, GUARD)))
    assert change == Change(
        ChangeKind.MOVED,
        Line(Sentence.MOVED, {"thing": "lamp", "place": "the left"}),
        rect(LAMP),
        rect(moved),
        old_index=1,
        new_index=0,
    )


def test_added():
    """A new region is added, and has no rectangle before."""
    owl = LocalDescription("An owl on a branch.", location="on the top-left", color="brown")
    assert changes(SCENE, Canvas(PORCH, (SKY, owl, LAMP, GUARD))) == (
        Change(ChangeKind.ADDED, Line(Sentence.ADDED, {"thing": "an owl"}), None, rect(owl), None, 1),
    )


def test_removed():
    """A region that is gone is removed, and has no rectangle after."""
    assert changes(SCENE, Canvas(PORCH, (SKY, GUARD))) == (
        Change(ChangeKind.REMOVED, Line(Sentence.REMOVED, {"thing": "lamp"}), rect(LAMP), None, 1, None),
    )


def test_several_are_spoken_of_as_several():
    """The verb agrees with the thing."""
    birds = LocalDescription("A flock of birds.", location="on the top-left", area="a small square area")
    assert told(Canvas(PORCH), Canvas(PORCH, (birds,))) == [("added", "birds were added")]
    assert told(Canvas(PORCH, (birds,)), Canvas(PORCH)) == [("removed", "birds were removed")]
    larger = replace(birds, area="a large square area")
    assert told(Canvas(PORCH, (birds,)), Canvas(PORCH, (larger,))) == [("resized", "birds are larger")]


def test_one_thing_becomes_another():
    """A thing replaced throughout is told for the region, the scene, and where others speak of it."""

    def with_tiger(text):
        return text.replace("lion", "tiger")

    tiger = LocalDescription(
        with_tiger(GUARD.description),
        distance_to_viewer=2.0,
        detailed_descriptions=("The tiger is watchful.", "Its stripes are bold."),
        tags="tiger, stripes, watchful",
        color="tan",
    )
    lamp = replace(LAMP, detailed_descriptions=("The lamp gives a warm light to the lion.",))
    lamp_after = replace(LAMP, detailed_descriptions=("The lamp gives a warm light to the tiger.",))
    porch = GlobalDescription(
        with_tiger(PORCH.description),
        tuple(map(with_tiger, PORCH.detailed_descriptions)),
        "porch, tiger",
        "wheat",
    )
    assert told(Canvas(PORCH, (SKY, lamp, GUARD)), Canvas(porch, (SKY, lamp_after, tiger))) == [
        ("retold", "lion became tiger"),
        ("global", "scene: lion became tiger"),
        ("retold", "lamp: lion became tiger in the details"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("A mighty dragon.", "A mighty dinosaur.", "dragon became dinosaur"),
        ("A mighty dragon.", "A small dinosaur.", "dragon became small dinosaur"),
        ("A dog.", "Two dogs.", "dog became two dogs"),
        ("A tree.", "An apple tree.", "tree became apple tree"),
        ("A night sky.", "A starry night sky.", "night sky is now starry"),
        ("A red balloon.", "A blue balloon.", "balloon is now blue"),
        ("A small dog.", "A dog.", "dog is no longer small"),
        ("Warriors.", "Fierce, tired warriors.", "warriors are now fierce and tired"),
        ("A clown.", "A clown juggling balls.", "clown is now juggling balls"),
        ("A table with fruit.", "A table filled with toys.", "table is now filled with toys"),
        ("A sky.", "A sky with flashes of lightning.", "sky now has flashes of lightning"),
        ("A banner that reads 'Hi'.", "A banner that reads 'Bye'.", "banner now reads 'Bye'"),
        ("A cat sleeping.", "A cat.", "cat was described anew"),
        ("A cat", "a cat.", "cat was described anew"),
        ("一只猫。", "一只狗。", "猫 became 狗"),
    ],
)
def test_new_description(old, new, line):
    """A new description is told by what differs, or as described anew."""
    assert described(old, new) == line


def test_new_color_in_words_and_name_is_told_once():
    """A region whose adjective and colour change together became that colour."""
    red = LocalDescription("A red balloon.", color="red")
    blue = LocalDescription("A blue balloon.", color="blue")
    assert told(Canvas(PORCH, (red,)), Canvas(PORCH, (blue,))) == [
        ("recoloured", "balloon: the colour is now blue")
    ]


def test_global_changes():
    """A new background, sentence or detail of the whole scene is a global change of the whole grid."""
    night = replace(PORCH, description="A starlit porch in winter.", color="darkblue")
    found = changes(SCENE, replace(SCENE, global_description=night))
    assert [(change.kind, change.text) for change in found] == [
        ("global", "scene is now: A starlit porch in winter"),
        ("global", "background became darkblue"),
    ]
    assert {(change.before, change.after) for change in found} == {((0, 90, 0, 90), (0, 90, 0, 90))}
    tagged = replace(SCENE, global_description=replace(PORCH, tags="porch, lion, evening"))
    assert told(SCENE, tagged) == [("global", "scene: new details")]


def test_other_thing_in_another_spot_is_no_rewrite():
    """Something new elsewhere does not pass for what was removed."""
    owl = LocalDescription("An owl.", location="on the top-left", area="a small square area", color="brown")
    assert told(SCENE, Canvas(PORCH, (SKY, GUARD, owl))) == [
        ("added", "an owl was added"),
        ("removed", "lamp was removed"),
    ]


def test_other_thing_in_the_same_spot_is_a_rewrite():
    """What takes a thing's very place is what it became."""
    clock = replace(LAMP, description="A grandfather clock.", detailed_descriptions=(), tags="clock, time")
    assert told(SCENE, Canvas(PORCH, (SKY, clock, GUARD))) == [("retold", "lamp became grandfather clock")]


def test_twins_are_told_apart():
    """Things of one kind are named by an adjective or by their place."""
    red = LocalDescription("A red kite.", location="on the left")
    blue = LocalDescription("A blue kite.", location="on the right")
    risen = replace(red, location="on the top-left")
    assert told(Canvas(PORCH, (red, blue)), Canvas(PORCH, (risen, blue))) == [
        ("moved", "red kite moved to the top-left")
    ]
    trees = [LocalDescription("A tree.", location=f"on the {side}") for side in ("left", "right")]
    assert told(Canvas(PORCH, tuple(trees)), Canvas(PORCH, tuple(trees[:1]))) == [
        ("removed", "tree on the right was removed")
    ]


def test_crowd_is_matched_one_by_one():
    """Among 40 things that move and change their order, each is found again."""
    names = [f"{adjective} {noun}" for adjective in ("old", "red", "tall", "tiny") for noun in NOUNS]
    crowd = [
        LocalDescription(f"A {name}.", location="on the left", tags=name, distance_to_viewer=1.0 + index)
        for index, name in enumerate(names)
    ]
    moved = [replace(one, location="on the right") for one in reversed(crowd)]
    found = changes(Canvas(PORCH, tuple(crowd)), Canvas(PORCH, tuple(moved)))
    assert len(names) == 40
    assert [change.kind for change in found] == ["moved"] * 40
    assert all(change.old_index == 39 - change.new_index for change in found)


NOUNS = ["boat", "lantern", "goat", "piano", "bridge", "tower", "clock", "wagon", "statue", "barrel"]


@given(st.from_type(Canvas), st.from_type(Canvas))
def test_every_region_is_accounted_for(old, new):
    """Regions are added, removed or kept, and the counts agree; every line is one short line."""
    found = changes(old, new)
    added = {change.new_index for change in found if change.kind == "added"}
    removed = {change.old_index for change in found if change.kind == "removed"}
    kept_old = set(range(len(old.local_descriptions))) - removed
    kept_new = set(range(len(new.local_descriptions))) - added
    assert len(kept_old) == len(kept_new)
    for change in found:
        assert change.text
        assert change.text == " ".join(change.text.split())
        assert len(change.text) <= 160
        assert (change.before is None) == (change.kind == "added")
        assert (change.after is None) == (change.kind == "removed")


@given(st.from_type(Canvas), st.from_type(LocalDescription))
def test_an_added_region_is_reported(canvas, local):
    """One region more is at least one change, and removing it again is one too."""
    more = replace(canvas, local_descriptions=(*canvas.local_descriptions, local))
    assert [change.kind for change in changes(canvas, more)].count(ChangeKind.ADDED) == 1
    assert [change.kind for change in changes(more, canvas)].count(ChangeKind.REMOVED) == 1


@given(st.from_type(Canvas), st.from_type(Canvas))
def test_comparison_is_deterministic(old, new):
    """The same two canvases always differ in the same way."""
    assert changes(old, new) == changes(replace(old), replace(new))
