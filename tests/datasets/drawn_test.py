import pandas as pd
import pytest

import fusionkeras as fk


def test_the_same_seed_draws_the_same(tmp_path):
    first, again, other = (
        fk.draw_statements(tmp_path / name, rows=5, seed=seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()
    picture = "images/00003.png"
    assert (tmp_path / "a" / picture).read_bytes() == (tmp_path / "b" / picture).read_bytes()


@pytest.mark.slow
def test_neither_modality_alone_tells(tmp_path):
    """Whatever is said, half of it is right; and whatever is drawn."""
    frame = pd.read_csv(fk.draw_statements(tmp_path, rows=2000))
    share = frame["label"].eq("right").groupby(frame["text"]).mean()
    assert len(share) == 18 and share.between(0.35, 0.65).all()


def test_wrong_number_of_rows(tmp_path):
    with pytest.raises(ValueError, match="rows=0"):
        fk.draw_statements(tmp_path, rows=0)
