"""What is shown of single rows: which, their words and their heat."""

import re

import numpy as np
import pytest
from PIL import Image

import fusionkeras as fk
from fusionkeras.report.losses import Loss
from fusionkeras.report.mistakes import find_mistakes
from fusionkeras.report.sections.errors import _note
from fusionkeras.report.sections.looked import (
    colour_words,
    describe_heat,
    heat_picture,
    write_shares,
)


def test_mistakes_of_classes_and_ranks():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]])
    for kind in (fk.ClassificationReport, fk.OrdinalReport):
        report = kind(["no", "yes"], np.array([1, 1, 1, 0]), probabilities)
        found, count = find_mistakes(report, 2)
        assert count == 3 and [mistake.place for mistake in found] == [0, 3]
        assert (found[0].said, found[0].true, found[0].answer) == ("no", "yes", 0)
        assert found[0].sure == "probability 0.900"


def test_mistakes_of_labels_are_those_that_are_most_wrong():
    labels = np.array([[1, 0], [0, 0], [1, 1]])
    report = fk.MultilabelReport(
        ["new", "red"], labels, np.array([[0.2, 0.6], [0.1, 0.9], [0.9, 0.9]]), [0.5, 0.5]
    )
    found, count = find_mistakes(report, 5)
    assert count == 2 and [mistake.place for mistake in found] == [1, 0]
    assert (found[0].said, found[0].true) == ("gives red", "no such label")
    assert (found[1].said, found[1].true) == ("does not give new", "new")


def test_mistakes_of_quantities_are_the_farthest():
    report = fk.RegressionReport(np.array([1.0, 2.0, 3.0]), np.array([1.0, 5.0, 2.0]))
    found, count = find_mistakes(report, 1)
    assert count == 2 and found[0].place == 1 and found[0].sure == "off by +3"


def test_words_are_coloured_where_they_stand():
    words, weights = ["red", "cafe", "red"], np.array([0.5, -1.0, 0.01])
    found = colour_words("Red café, reddish <b>", words, weights)
    before, _, told = found.partition("<br>")
    # A word without its accent is not found; a weight that is next to nothing has no colour.
    assert before == '<mark class="for" style="--much: 0.25">Red</mark> café, reddish &lt;b&gt;'
    assert "Strongest: cafe -1.00, red +0.50" in told
    found = colour_words("<i> CAFE", ["cafe"], np.array([-2.0]))
    assert '&lt;i&gt; <mark class="against" style="--much: 0.50">CAFE</mark>' in found
    assert colour_words("red", ["red"], np.zeros(1)) == "" == colour_words("", [], np.zeros(0))
    assert "<mark" in colour_words("İ red", ["red"], np.ones(1))  # longer in lower case


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("Café a red", ["cafe", "a", "red"], ["a", "red"]),
        ("scarred red", ["red"], ["red"]),
        ("日本語 x", ["日", "本", "語", "x"], ["日", "本", "語", "x"]),
        ("red!? a_b 3d", ["!", "?", "b", "3d"], ["!", "?", "b", "3d"]),
        ("x" * 120, ["x" * 100], ["x" * 100]),  # cut there when it was read
        ("कि क", ["क"], ["क"]),
    ],
)
def test_words_are_whole(text, words, marked):
    found = colour_words(text, words, np.ones(len(words))).partition("<br>")[0]
    assert re.findall(">([^<]+)</mark>", found) == marked
    assert re.sub("<[^>]+>", "", found) == text


def test_notes_are_of_what_is_shown():
    one = np.ones(1)
    own = {"words": {"text": [[]]}, "weights": {"text": [one]}, "heat": {"image": one}}
    for known in ([], ["words"], ["heat"], ["words", "heat"]):
        given = [own[key] if key in known else {} for key in ("heat", "words", "weights")]
        note = _note(fk.Explanation([None], one, one, {"text": one}, *given, {}, {}))
        assert ("Heat maps are of integrated gradients" in note) == ("heat" in known)
        assert ("Words that speak" in note) == ("words" in known)
        assert "exact Shapley values" in note and "Grad-CAM" not in note


def test_heat_is_where_it_was():
    heat = np.zeros((4, 4))
    heat[3, 3] = 2.0
    image = Image.new("RGB", (40, 20), (10, 10, 200))
    pixels = np.asarray(heat_picture(image, heat)).astype(int)
    assert pixels.shape == (20, 40, 3)
    assert pixels[19, 39, 0] > 150 and np.ptp(pixels[0, 0]) == 0
    assert describe_heat(heat).startswith("hottest at the bottom right; half of the heat on 6 %")
    assert describe_heat(-heat) == "nothing speaks for the answer"
    middle = np.pad(np.ones((1, 1)), 2)
    assert describe_heat(middle).startswith("hottest at the centre")


def test_shares_in_numbers_and_as_bars():
    one = np.ones(1)
    shares = {"image": 2 * one, "<b>": -one}
    why = fk.Explanation(["<i>"], one, 0 * one, shares, {}, {}, {}, {}, {})
    found = write_shares(why, 0)
    assert "image +2.00" in found and "&lt;b&gt; -1.00" in found and 'style="width: 50%"' in found
    assert "Score of &lt;i&gt; +1.00; +0.00 where all is absent." in found
    nothing = fk.Explanation([None], one, one, {"text": 0 * one}, {}, {}, {}, {}, {})
    assert "Score +1.00" in write_shares(nothing, 0)


@pytest.mark.parametrize(
    ("metric", "interval", "verdict"),
    [
        ("accuracy", (-0.2, -0.1), "text helps"),
        ("accuracy", (0.1, 0.2), "text harms"),
        ("accuracy", (-0.1, 0.2), "text adds nothing measurable here"),
        ("mae", (0.1, 0.2), "text helps"),
        ("accuracy", (float("nan"),) * 2, "whether text helps cannot be told"),
        ("accuracy", (0.5, 0.5), "whether text helps cannot be told"),  # no resample changes it
    ],
)
def test_verdicts(metric, interval, verdict):
    test = fk.PairedTest(metric, 0.5, 0.6, interval, 0.1, 20, 0.95)
    assert Loss("text", "", test).verdict == verdict
