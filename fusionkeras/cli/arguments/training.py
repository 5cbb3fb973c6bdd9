"""The options about the training."""

from fusionkeras.cli.arguments.actions import Several
from fusionkeras.cli.arguments.values import lora, unfreeze
from fusionkeras.evaluation.calibrating import METHODS
from fusionkeras.training.distribution.strategies import STRATEGIES

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


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


def add_device(group):
    """Adds on which devices and in which precision is computed, and what makes a step."""
    group.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default="auto",
        help="mirrored: all GPUs of this machine; multiworker: all processes that TF_CONFIG, Slurm "
        "or Kubernetes tell of, each of which runs this command; auto: what there is (the default)",
    )
    add_precision(group)
    group.add_argument(
        "--gradient-accumulation-steps",
        type=int,
        default=1,
        metavar="N",
        help="change the weights once in N batches, by the mean of their gradients: a batch N "
        "times as large in the memory of one (default: 1)",
    )
    group.add_argument(
        "--steps-per-execution",
        type=int,
        default=1,
        metavar="N",
        help="run N batches in one call of TensorFlow, which pays where a step is short (default: "
        "1)",
    )
    group.add_argument(
        "--drop-remainder",
        action="store_true",
        help="leave out the rows that make no whole batch, others in every epoch, so that all "
        "shapes are static",
    )


def add_precision(group):
    """Adds in which precision layers compute."""
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="of what layers compute; weights, answers and losses are float32 in all of them "
        "(default: float32)",
    )


def _add_second_stage(group):
    group.add_argument(
        "--unfreeze",
        type=unfreeze,
        action=Several,
        metavar="BRANCH[:N]",
        help="a second stage in which the encoder, or its last N layers, learns",
    )
    group.add_argument(
        "--lora",
        type=lora,
        action=Several,
        metavar="BRANCH[:RANK]",
        help="a second stage in which small weights of that rank (default: 8) beside those of the "
        "encoder's attention learn, and the encoder itself stays as it is; a usual rate is 2e-4",
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
        metavar="FOLDER|ADDRESS|none",
        help="where features of frozen encoders are kept (default: the user's cache folder), such "
        "as s3://bucket/features, or file:///mnt/shared/features for a folder that machines "
        "share; none computes them anew in every epoch",
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
