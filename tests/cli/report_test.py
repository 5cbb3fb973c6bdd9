"""`fusionkeras report`: what it refuses."""

import sys

import pytest

from fusionkeras.cli import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "no/such/page.html"], "There is no folder to write into"),
        (["--output", "page.html", "--errors", "-1"], "The number of errors is too small"),
        (["--output", "-"], "A page is not printed"),
        (["--output", "page.html"], "There is no model here"),
    ],
)
def test_wrong_arguments(statements, capsys, monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["report", "no_run", str(statements), *arguments]) == 2
    assert message in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_without_matplotlib(statements, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["report", "no_run", str(statements), "--output", "page.html"]) == 2
    assert "pip install 'fusionkeras[report]'" in capsys.readouterr().err
