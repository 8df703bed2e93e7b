"""Caches of keys and values: who gets which, how many there are, and in which order threads come."""

import threading
import time

import pytest
import torch
from transformers import LlamaConfig

from engine.composer.local.caches import Caches, KeyValues
from engine.composer.local.fairness import Cancelled, FairLock

PATIENCE_S = 120
CONFIG = LlamaConfig(
    vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2
)


def key_values():
    return KeyValues(CONFIG, 64)


def filled(caches, ids):
    with caches.lend(ids) as kept:
        kept.ids = list(ids)
        return kept


def break_off(caches, ids, error):
    with pytest.raises(type(error)), caches.lend(ids):
        raise error


def until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)


def test_conversation_finds_its_cache():
    """A prompt that goes on from what a cache holds gets that cache, whoever came in between."""
    caches = Caches(key_values, 2)
    first, second = filled(caches, [1, 2, 3, 4]), filled(caches, [1, 7, 8, 9])
    assert first is not second
    with caches.lend([1, 2, 3, 4, 5]) as kept:
        assert kept is first
        assert kept.common([1, 2, 3, 4, 5]) == 4
    with caches.lend([1, 7, 8, 9, 5]) as kept:
        assert kept is second


def test_least_recently_used_is_taken():
    """A new conversation takes the cache that nobody has used for longest, and no more are made."""
    caches = Caches(key_values, 2)
    first, second = filled(caches, [1, 2, 3]), filled(caches, [4, 5, 6])
    assert filled(caches, [1, 2, 3, 3]) is first
    assert filled(caches, [7, 8, 9]) is second
    assert filled(caches, [10, 11, 12]) is first
    assert len(caches) == 2


def test_shared_beginning_is_not_a_conversation():
    """A new conversation does not take a cache for a short beginning that all conversations share."""
    caches = Caches(key_values, 2)
    first = filled(caches, [1, 1, *range(20)])
    assert filled(caches, [1, 1, 30, 31]) is not first


def test_preamble_is_not_a_conversation():
    """However long it is, what all conversations begin with makes none of them another's."""
    caches = Caches(key_values, 3, preamble_tokens=5)
    preamble = [1] * 5
    first, second = filled(caches, [*preamble, 2, 3]), filled(caches, [*preamble, 4, 5])
    assert first is not second
    assert filled(caches, [*preamble, 2, 3, 6]) is first
    assert filled(caches, [*preamble, 4, 5, 7]) is second
    assert len(caches) == 2


def test_lent_cache_is_never_given_twice():
    """While a cache is lent another conversation gets another one, even if it would fit less."""
    caches = Caches(key_values, 2)
    filled(caches, [1, 2, 3])
    with caches.lend([1, 2, 3, 4]) as one, caches.lend([1, 2, 3, 4]) as other:
        assert one is not other


def test_waiting_in_order():
    """Who finds all caches lent waits, and they come in the order of asking."""
    caches = Caches(key_values, 1)
    order, threads = [], []

    def ask(name):
        with caches.lend([name]):
            order.append(name)

    with caches.lend([0]):
        for name in range(1, 5):
            threads.append(threading.Thread(target=ask, args=(name,)))
            threads[-1].start()
            until(lambda: len(caches._queue) == len(threads))
        assert order == []
    for thread in threads:
        thread.join(PATIENCE_S)
    assert order == [1, 2, 3, 4]


def test_cancel_while_waiting():
    """Who gives up waiting gets nothing and leaves the queue."""
    caches = Caches(key_values, 1)
    with caches.lend([0]):
        asked = iter([False, False, True])
        with caches.lend([1], lambda: next(asked)) as kept:
            assert kept is None
    with caches.lend([2]) as kept:
        assert kept is not None


def test_error_drops_the_cache():
    """A reply that breaks leaves its place to others, and not its tensors, which may be half allocated."""
    caches = Caches(key_values, 2)
    other = filled(caches, [4, 5, 6])
    broken = filled(caches, [1, 2, 3])
    break_off(caches, [1, 2, 3, 4], RuntimeError())
    assert caches._kept == [other]
    assert filled(caches, [1, 2, 3]) is not broken
    assert len(caches) == 2


def test_full_memory_drops_what_nobody_uses():
    """The next reply then has the memory of all idle conversations; those that are lent stay."""
    caches = Caches(key_values, 3)
    filled(caches, [1, 2, 3])
    with caches.lend([4, 5, 6]) as lent:
        lent.ids = [4, 5, 6]
        break_off(caches, [7, 8, 9], torch.OutOfMemoryError())
        assert caches._kept == [lent]
    with caches.lend([4, 5, 6, 7]) as kept:
        assert kept is lent


def test_at_least_one():
    """Without a cache nothing can be decoded."""
    with pytest.raises(ValueError, match="at least one"):
        Caches(key_values, 0)


def test_length_is_set_for_all_layers():
    """One length counts for all layers, an update does not move it, and what lies behind is written over."""
    values = key_values()
    assert not values.is_ready
    for round_ in range(2):
        values.prepare(round_ * 2, 8)
        for layer in range(3):
            states = torch.full((1, 2, 4, 8), float(round_ + 1))
            keys, _ = values.update(states, states, layer)
            assert values.get_seq_length(layer) == round_ * 2
            assert values.get_mask_sizes(4, layer) == (8, 0)
    assert values.is_ready
    assert keys[0, 0, :, 0].tolist() == [1, 1, 2, 2, 2, 2, 0, 0]
    assert values.layers[0].keys.shape == (1, 2, 64, 8)


def test_fair_lock_hands_on_in_order():
    """Nobody overtakes: who gives the lock back and wants it again comes after those who waited."""
    lock, order = FairLock(), []

    def work(name):
        for _ in range(3):
            with lock.turn():
                order.append(name)
                until(lambda: lock.waiting == 2 or len(order) > 6)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(order) == sorted("abc" * 3)
    assert len(set(order[:3])) == 3
    assert order[3:6] == order[:3]
    assert order[6:] == order[:3]


def test_fair_lock_can_be_left_while_waiting():
    """Whoever cancels need not wait for the others' work, and those behind come to their turn."""
    lock, cancelled, ends = FairLock(), threading.Event(), []

    def wait(name, is_cancelled):
        try:
            with lock.turn(is_cancelled):
                ends.append(name)
        except Cancelled:
            ends.append(f"no {name}")

    threads = [
        threading.Thread(target=wait, args=("first", cancelled.is_set), daemon=True),
        threading.Thread(target=wait, args=("second", lambda: False), daemon=True),
    ]
    with lock.turn():
        for count, thread in enumerate(threads, 1):
            thread.start()
            until(lambda count=count: lock.waiting == count)
        cancelled.set()
        until(lambda: ends == ["no first"])
        assert lock.waiting == 1
    for thread in threads:
        thread.join(PATIENCE_S)
    assert ends == ["no first", "second"]
    with lock.turn():
        assert lock.waiting == 0


def test_fair_lock_is_not_taken_after_a_cancel():
    """Not even where it is free."""
    lock = FairLock()
    with pytest.raises(Cancelled), lock.turn(lambda: True):
        pytest.fail("it was taken")
    with lock.turn():
        pass
