"""Texts as tensors: the reference's, from fewer calls, and whatever people write."""

from dataclasses import replace

import pytest
import torch

from canvas.conditions import WHOLE_GRID
from canvas.layout import regions
from canvas.model import Canvas, GlobalDescription, LocalDescription
from engine.renderer.sdxl.conditioning import BAG_TOKENS, MOST_BAGS, Conditioner
from tests.engine.sdxl import naive

NEGATIVE = "lowres, bad anatomy, bad hands"
DRAGON = Canvas(
    GlobalDescription(
        "A dragon over the castle.",
        detailed_descriptions=(
            "The dragon is flying in the storm with golden fire at night.",
            " A knight and a castle, in the snow, ",
            "The sky is dark and the moon is bright over the mountain and the river.",
            "Quixotic wyrms, zeppelins; jagged vortex!",
        ),
        tags="dragon, castle, knight, night",
    ),
    (
        LocalDescription(
            "A brave knight",
            location="on the left",
            distance_to_viewer=2.0,
            detailed_descriptions=(
                "The knight is small.",
                "old stone and wooden water, xylophones",
                "glyphs",
            ),
            tags="knight, brave",
            atmosphere="calm storm.",
            style="detailed painting",
            quality_meta="best quality",
        ),
        LocalDescription("A tall castle.", location="on the right", distance_to_viewer=9.0, tags="castle"),
        LocalDescription("A golden dragon.", location="on the top", distance_to_viewer=5.0),
    ),
)


@pytest.fixture
def conditioner(parts):
    return Conditioner(parts)


@pytest.fixture
def encoded(parts):
    """How many bags each call of the first and of the second encoder was given."""
    calls = ([], [])
    hooks = [
        encoder.register_forward_pre_hook(lambda _, args, call=call: call.append(len(args[0])))
        for encoder, call in zip((parts.text_encoder, parts.text_encoder_2), calls, strict=True)
    ]
    yield calls
    for hook in hooks:
        hook.remove()


def saying(description, **more):
    return Canvas(GlobalDescription(description, **more), DRAGON.local_descriptions)


def assert_finite(conditioning):
    for tensor in (
        conditioning.positive,
        conditioning.pooled,
        conditioning.negative,
        conditioning.negative_pooled,
    ):
        assert tensor.isfinite().all()
    assert conditioning.negative.shape == (77, 64)
    assert conditioning.keys[-1].end == len(conditioning.positive)


@pytest.mark.parametrize("projected", [True, False])
@pytest.mark.parametrize("negative", [NEGATIVE, "", "bad hands " * 60], ids=["usual", "none", "too long"])
def test_equals_the_reference(parts, projected, negative):
    """Texts, their order and both pooled vectors are those of the reference's formulas."""
    ours = Conditioner(parts, projected_pooled=projected).condition(DRAGON, negative)
    theirs = naive.conditioning(DRAGON, negative, parts, projected=projected)
    assert len(theirs.conditions) == len(ours.keys) == 4
    assert max(len(text) for _, text in theirs.conditions) > 77  # some have several bags
    for keys, (mask, text) in zip(ours.keys, theirs.conditions, strict=True):
        torch.testing.assert_close(ours.positive[keys.start : keys.end], text, atol=1e-4, rtol=0)
        top, bottom, left, right = keys.rect
        assert mask[top:bottom, left:right].sum() == mask.sum() == (bottom - top) * (right - left)
    torch.testing.assert_close(ours.pooled, theirs.pooled, atol=1e-4, rtol=0)
    torch.testing.assert_close(ours.negative, theirs.negative, atol=1e-4, rtol=0)
    torch.testing.assert_close(ours.negative_pooled, theirs.negative_pooled, atol=1e-4, rtol=0)


def test_the_projection_and_the_words_matter(parts, conditioner):
    """The two switches above are told apart, and so are two texts: the tiny encoders do read."""
    ours = conditioner.condition(DRAGON, NEGATIVE)
    unprojected = Conditioner(parts, projected_pooled=False).condition(DRAGON, NEGATIVE)
    assert (ours.pooled - unprojected.pooled).abs().max() > 0.01
    other = conditioner.condition(saying("A lake at night."), NEGATIVE)
    assert (ours.positive[:77] - other.positive[:77]).abs().max() > 0.01


def test_each_tokenizer_pads_with_its_own_token(parts, conditioner):
    """What stands behind a text's end differs between the two encoders: the end token, and token 0."""
    seen = []
    hooks = [
        encoder.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        for encoder in (parts.text_encoder, parts.text_encoder_2)
    ]
    conditioner.condition(Canvas(GlobalDescription("moon")), "")
    for hook in hooks:
        hook.remove()
    first, second = seen
    end = parts.tokenizer.eos_token_id
    assert (first[:, -1] == end).all()
    assert (second[:, -1] == 0).all()
    assert first[0, :2].tolist() == second[0, :2].tolist()


def test_all_bags_go_through_an_encoder_at_once(conditioner, encoded):
    """One call of each encoder makes a whole scene, the negative prompt included."""
    made = conditioner.condition(DRAGON, NEGATIVE)
    bags = len(made.positive) // 77 + 1
    assert encoded == ([bags], [bags])


def test_an_edit_encodes_only_what_is_new(conditioner, encoded):
    """An unchanged scene is not encoded again; a changed region costs its own bags; the tensors are right."""
    first = conditioner.condition(DRAGON, NEGATIVE)
    again = conditioner.condition(DRAGON, NEGATIVE)
    assert len(encoded[0]) == 1
    assert again.positive.equal(first.positive)
    knight, castle, dragon = DRAGON.local_descriptions
    edited = replace(DRAGON, local_descriptions=(knight, replace(castle, tags="old stone"), dragon))
    changed = conditioner.condition(edited, NEGATIVE)
    assert [calls[1:] for calls in encoded] == [[1], [1]]
    range_of_castle = slice(changed.keys[1].start, changed.keys[1].end)
    assert not changed.positive[range_of_castle].equal(first.positive[range_of_castle])
    assert changed.positive[: changed.keys[1].start].equal(first.positive[: first.keys[1].start])
    # a moved region has the same words
    moved = replace(DRAGON, local_descriptions=(replace(knight, location="in the center"), castle, dragon))
    conditioner.condition(moved, NEGATIVE)
    assert len(encoded[0]) == 2


def test_what_was_long_ago_is_forgotten(parts, encoded):
    """The cache is bounded by what was used last: a scene between many others stays, an old one goes."""
    conditioner = Conditioner(parts, kept_bags=6)
    old, kept = Canvas(GlobalDescription("old stone")), Canvas(GlobalDescription("golden moon"))
    conditioner.condition(old, "")
    for number in range(12):
        conditioner.condition(Canvas(GlobalDescription(f"moon {number}")), "")
        conditioner.condition(kept, "")
    assert encoded[0] == [2, *([1] * 13)]  # old and the negative prompt, twelve moons, kept once
    conditioner.condition(old, "")
    assert encoded[0][14:] == [1]


def test_forgets_when_told(conditioner, encoded):
    """After the encoders' weights changed, nothing of before is used."""
    conditioner.condition(DRAGON, NEGATIVE)
    conditioner.forget()
    conditioner.condition(DRAGON, NEGATIVE)
    assert encoded[0] == [encoded[0][0]] * 2


@pytest.mark.parametrize(
    "text",
    [
        "What!!",
        "Really?!",
        'He says "!" and "Go!"',
        "!",
        "",
        " \n\t ",
        "moon " * 2000,
        "x" * 10_000,
        "月" * 10_000,
        "👩‍👩‍👧‍👦" * 500,
        "\x00\ud7ff\u200b",
        "<|endoftext|> <|startoftext|> moon",
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_no_text_is_fatal(conditioner, text):
    """Exclamations, nothing, ten thousand characters, other scripts, controls: everywhere, and finite."""
    local = LocalDescription(text, detailed_descriptions=(text, text), tags=text, style=text)
    canvas = Canvas(GlobalDescription(text, detailed_descriptions=(text,), tags=text), (local,))
    assert_finite(conditioner.condition(canvas, text))


def test_exclamations_are_read_by_both_encoders(conditioner, parts):
    """Tokenised by the first tokenizer alone: the second reads "!" as such, not as its padding."""
    seen = []
    hook = parts.text_encoder_2.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    conditioner.condition(Canvas(GlobalDescription("moon ?!")), "")
    hook.remove()
    own = parts.tokenizer("moon ?!.", add_special_tokens=False).input_ids
    assert parts.tokenizer_2("moon ?!.", add_special_tokens=False).input_ids != own  # the trap is there
    rows = [row.tolist() for row in seen[0]]
    assert any(row[1 : 1 + len(own)] == own for row in rows)


def test_words_are_never_controls(conditioner, parts):
    """A text that spells a control token has its letters read: exactly one begin and one end for each bag."""
    seen = []
    hook = parts.text_encoder_2.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    conditioner.condition(Canvas(GlobalDescription("moon <|endoftext|> sun <|startoftext|>")), "")
    hook.remove()
    for control in (parts.tokenizer.bos_token_id, parts.tokenizer.eos_token_id):
        assert (seen[0] == control).sum(1).tolist() == [1] * len(seen[0])


def test_forty_regions(conditioner, encoded):
    """More regions than anybody composes: encoded in a few calls, each with its keys, in order."""
    locals_ = tuple(
        LocalDescription(f"A dragon {number}.", distance_to_viewer=number + 1, tags=f"moon {number}")
        for number in range(40)
    )
    made = conditioner.condition(Canvas(GlobalDescription("A storm."), locals_), "")
    assert_finite(made)
    assert len(made.keys) == 41
    assert max(encoded[0]) <= 32
    assert all(before.end == after.start for before, after in zip(made.keys, made.keys[1:], strict=False))


def test_without_depth_nothing_is_covered(conditioner):
    """The reference's masks know no depth."""
    made = conditioner.condition(DRAGON, NEGATIVE)
    assert made.keys[0].rect == WHOLE_GRID
    assert [keys.covered_by for keys in made.keys] == [()] * 4


def test_depth_says_what_nearer_regions_cover(conditioner):
    """Only strictly nearer regions cover one; the global condition is covered by none."""
    knight, castle, dragon = DRAGON.local_descriptions
    twin = replace(knight, location="on the bottom")
    canvas = replace(DRAGON, local_descriptions=(knight, castle, dragon, twin))
    whole, *covered = [keys.covered_by for keys in conditioner.condition(canvas, "", depth=True).keys]
    rects = [region.rect for region in regions(canvas)]
    assert whole == ()
    assert covered == [tuple(rects[1:]), tuple(rects[2:]), (), ()]


def test_texts_are_held_without_their_batch(conditioner):
    """A remembered bag keeps its own 77 rows in memory, not those of all that were encoded with it."""
    conditioner.condition(DRAGON, NEGATIVE)
    for text, pooled in conditioner._kept.values():
        assert text.untyped_storage().nbytes() == text.nbytes
        assert pooled.untyped_storage().nbytes() == pooled.nbytes


def test_a_scene_of_any_length_takes_a_bounded_room(conditioner):
    """Of a file that says more than any picture shows, each region is read from its beginning."""
    endless = tuple(f"The knight has {number} stones and {number} swords." for number in range(3000))
    locals_ = [replace(local, detailed_descriptions=endless) for local in DRAGON.local_descriptions]
    known = conditioner.condition(DRAGON, NEGATIVE)

    found = conditioner.condition(replace(DRAGON, local_descriptions=(*locals_,)), NEGATIVE)

    assert_finite(found)
    assert len(known.positive) < len(found.positive) <= BAG_TOKENS * MOST_BAGS
    assert [one.rect for one in found.keys] == [one.rect for one in known.keys]
    assert all(one.end - one.start >= BAG_TOKENS for one in found.keys)
    assert torch.equal(found.pooled, known.pooled)
