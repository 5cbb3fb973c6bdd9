"""From the words on a command line to a namespace."""

import argparse
import json
import sys

from fusionkeras._checks import argument_error
from fusionkeras.cli.arguments.bulk import WITH_RUNNER
from fusionkeras.cli.arguments.commands import COMMANDS
from fusionkeras.version import __version__

# What a RUN did that was begun before there was such an option.
UNSAID = {
    "task": ["classification"],
    "calibrate": "none",
    "precision": "float32",
    "gradient_accumulation_steps": 1,
    "steps_per_execution": 1,
    "drop_remainder": False,
    "strategy": "auto",
}


class _Parser(argparse.ArgumentParser):
    def __init__(self, **kwargs):  # --hidden-dim is not read as --hidden-dims where there is none
        super().__init__(allow_abbrev=False, **kwargs)

    def error(self, message):
        raise argument_error(message, f"the options that {self.prog} --help lists")


def parse(argv=None):
    """Parses the arguments to a namespace; a `--config` file gives the defaults of `train`.

    What stands behind `--` of a command with a `--runner` is for Beam: `runner_options`.
    """
    parser, train = _parsers()
    argv, more = _parted(sys.argv[1:] if argv is None else list(argv))
    first = parser.parse_args(argv)
    if first.command in WITH_RUNNER:
        first.runner_options = more
    if more and not first.runner:
        parser.error(f"{more[0]!r} stands behind --, where options for a --runner are")
    source = getattr(first, "resume", None) or getattr(first, "config", None)
    if source is None:
        return first
    path = f"{first.resume}/config.json" if first.resume else first.config
    train.set_defaults(**_read_options(path, train))
    options = parser.parse_args(argv)
    if options.resume:
        options.output = options.resume
    return options


def _parted(argv):
    """The words ahead of the first `--`, and those behind it."""
    if argv[:1] and argv[0] in WITH_RUNNER and "--" in argv:
        place = argv.index("--")
        return argv[:place], argv[place + 1 :]
    return argv, []


def _read_options(path, parser):
    try:
        with open(path, encoding="utf-8") as file:
            options = dict(json.load(file)["options"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise argument_error(
            f"There is no configuration to read ({error})", "the config.json of a RUN", path=path
        ) from error
    known = {action.dest for action in parser._actions} - {"help", "config", "resume", "output"}
    unknown = sorted(set(options) - known)
    if unknown or not all(isinstance(options.get(x) or {}, dict) for x in ("image", "text")):
        raise argument_error(
            f"The configuration holds what is no option ({unknown})",
            "the config.json of a RUN of this version",
            path=path,
        )
    return {**UNSAID, **options}


def _parsers():
    parser = _Parser(prog="fusionkeras", description="Models that read pictures and texts.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (help_line, add_options) in COMMANDS.items():
        add_options(commands.add_parser(name, help=help_line))
    return parser, commands.choices["train"]
