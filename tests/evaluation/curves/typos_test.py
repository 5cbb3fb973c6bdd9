"""Slips of people who type, in any script."""

import unicodedata

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from fusionkeras.evaluation.curves.typos import mistype


def typed(text, share, seed=0):
    return mistype(text, share, np.random.default_rng(seed))


def test_the_share_of_letters_is_kept():
    text = "abcdefghij " * 400
    assert typed(text, 0) == text
    slips = [len(typed(text, share, seed=3)) != len(text) for share in (0.1, 1)]
    assert all(slips) and typed(text, 0.1) == typed(text, 0.1) != typed(text, 0.1, seed=1)
    doubled = typed("b b b b b b b b b b " * 100, 0.2).split()
    assert 0.1 < np.mean([word != "b" for word in doubled]) < 0.25  # less those that are gone


def test_each_slip_is_one_of_four():
    found = {typed("no", 1, seed) for seed in range(200)}
    doubled, swapped, dropped, beside = "nnoo", "on", "nn", "nni"
    assert {doubled, swapped, dropped, beside} < found
    assert {x.lower() for x in (typed("N", 1, seed) for seed in range(50))} == set("bhjm") | {"nn"}
    assert all(typed("N", 1, seed).isupper() for seed in range(50))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30), st.integers(0, 2**32))
def test_no_text_is_emptied_and_signs_stay(text, seed):
    after = typed(text, 1.0, seed)
    assert bool(after) == bool(text)
    assert any(map(str.isalpha, after)) == any(map(str.isalpha, text))
    signs = [[x for x in one if not x.isalpha()] for one in (text, after)]
    assert signs[0] == signs[1]


@pytest.mark.parametrize("text", ["e\u0301", "\u0928\u094d", "12 - 3!", "👩\u200d👧", "\udcff"])
def test_what_is_no_letter_by_itself_stays(text):
    assert all(typed(text, 1.0, seed) == text for seed in range(20))


def test_marks_stay_with_their_letters():
    after = typed("cafe\u0301s " * 50, 0.8)
    assert {after[x - 1] for x in range(len(after)) if unicodedata.combining(after[x])} == {"e"}
