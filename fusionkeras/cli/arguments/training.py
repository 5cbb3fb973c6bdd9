"""The options about the training."""

from fusionkeras.cli.arguments.actions import Several
from fusionkeras.cli.arguments.values import unfreeze
from fusionkeras.evaluation.calibrating import METHODS


def add_training(group):
    """Adds epochs, rates, the second stage and what is kept on disk."""
    add_first_stage(group)
    _add_second_stage(group)
    _add_calibration(group)
    add_feature_cache(group)
    _add_keeping(group)
    group.add_argument("--seed", type=int, default=0, metavar="N")


def add_first_stage(group, patience="; 0 switches both off"):
    """Adds epochs, batches, the rate and when training stops, with what more `patience` means."""
    group.add_argument("--epochs", type=int, default=10, metavar="N")
    group.add_argument("--batch-size", type=int, default=32, metavar="N")
    group.add_argument("--learning-rate", type=float, default=1e-3, metavar="X")
    group.add_argument(
        "--patience",
        type=int,
        default=3,
        metavar="N",
        help="stop after N epochs without a better validation loss and go back to "
        f"the best{patience}",
    )


def _add_second_stage(group):
    group.add_argument(
        "--unfreeze",
        type=unfreeze,
        action=Several,
        metavar="BRANCH[:N]",
        help="a second stage in which the encoder, or its last N layers, learns",
    )
    group.add_argument("--unfreeze-epochs", type=int, default=5, metavar="N")
    group.add_argument("--unfreeze-learning-rate", type=float, default=2e-5, metavar="X")


def _add_calibration(group):
    group.add_argument(
        "--calibrate",
        choices=("none", *METHODS),
        default="none",
        help="fit temperatures, or a scale and a bias a class, on the validation rows after the "
        "training, so that of the answers given at .8 four in five are right (default: none)",
    )
    group.add_argument(
        "--answer-precision",
        type=float,
        metavar="X",
        help='answer "unsure" below the probability from which on this share of the answers on '
        "the validation rows is right, such as 0.95",
    )


def add_feature_cache(group):
    """Adds where the features of frozen encoders are kept."""
    group.add_argument(
        "--feature-cache",
        metavar="FOLDER|none",
        help="where features of frozen encoders are kept (default: the user's cache folder); "
        "none computes them anew in every epoch",
    )


def _add_keeping(group):
    group.add_argument(
        "--views",
        type=int,
        default=0,
        metavar="K",
        help="keep K random views of each picture or text that is changed at random ahead of a "
        "frozen encoder, which otherwise runs in every epoch",
    )
    group.add_argument(
        "--save-every",
        type=int,
        default=1000,
        metavar="N",
        help="keep the state every N batches, besides the end of each epoch, so that --resume "
        "goes on from there (default: 1000)",
    )
