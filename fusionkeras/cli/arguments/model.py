"""The options about the model."""

from fusionkeras.branches.augment import AUGMENTATIONS
from fusionkeras.branches.bert import POOLINGS
from fusionkeras.branches.image import IMAGE_ENCODERS
from fusionkeras.cli.arguments.actions import Several
from fusionkeras.cli.arguments.values import integers
from fusionkeras.fusion import FUSIONS
from fusionkeras.objectives import OBJECTIVES

TEXT_ENCODERS = ("lstm", "bert")


def add_model(group):
    """Adds encoders, fusion and what is dropped in training."""
    add_encoders(group)
    group.add_argument("--fusion", choices=FUSIONS, default="concat")
    group.add_argument(
        "--hidden-dim", type=int, metavar="N", help="of the fusion (default: its own, mostly 128)"
    )
    add_trunk(group)


def add_encoders(group):
    """Adds what reads pictures and texts."""
    _add_pictures(group)
    _add_texts(group)


def _add_pictures(group):
    group.add_argument("--image-encoder", choices=IMAGE_ENCODERS, default="resnet50")
    group.add_argument(
        "--weights", default="imagenet", metavar="imagenet|none|FILE", help="of the picture encoder"
    )
    group.add_argument("--image-size", type=integers, default=[224, 224], metavar="H,W")
    group.add_argument(
        "--augment",
        choices=("none", *AUGMENTATIONS),
        default="none",
        help="light: pictures are moved, zoomed and lit a little otherwise in training",
    )


def _add_texts(group):
    group.add_argument("--text-encoder", choices=TEXT_ENCODERS, default="lstm")
    group.add_argument(
        "--preset", default="bert_small_en_uncased", metavar="NAME_OR_DIR", help="of bert"
    )
    group.add_argument("--pooling", choices=POOLINGS, default="mean", help="of bert")
    group.add_argument("--vocabulary-size", type=int, default=20_000, metavar="N", help="of lstm")
    group.add_argument("--word-vectors", metavar="FILE", help="GloVe or .vec, of lstm")
    group.add_argument(
        "--sequence-length",
        type=int,
        metavar="N",
        help="words (lstm, default 64) or tokens (bert, default 128)",
    )
    group.add_argument(
        "--word-dropout",
        type=float,
        default=0.0,
        metavar="X",
        help="how often a word counts as unknown in training, never all of a text",
    )


def add_trunk(group):
    """Adds what is the same for every fusion."""
    group.add_argument(
        "--hidden-dims",
        type=integers,
        default=[],
        metavar="N,N",
        help="dense layers behind the fusion",
    )
    group.add_argument("--dropout", type=float, default=0.0, metavar="X")
    group.add_argument(
        "--modality-dropout",
        type=float,
        default=0.0,
        metavar="X",
        help="how often a whole modality of a row is dropped in training, never its last one",
    )
    group.add_argument(
        "--auxiliary",
        choices=OBJECTIVES,
        action=Several,
        metavar="|".join(OBJECTIVES),
        help="an auxiliary objective of two columns or more; may be repeated; its loss counts in "
        "the validation loss",
    )
