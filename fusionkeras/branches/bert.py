"""Texts by a pretrained BERT of keras_hub."""

import keras
from keras import ops

from fusionkeras._checks import (
    argument_error,
    check_choice,
    check_integer,
    check_rate,
    missing_package,
)
from fusionkeras.branches.base import Branch, at_least_one_step, masked_mean
from fusionkeras.branches.word_dropout import WordDropout
from fusionkeras.preprocessing.bert import WordPieceTokens

POOLINGS = ("mean", "first")
SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]")  # no words


def bert_branch(
    preset="bert_small_en_uncased",
    sequence_length=128,
    pooling="mean",
    weights="preset",
    dropout=0.0,
    trainable=False,
    name="text",
    column=None,
    word_dropout=0.0,
):
    """A branch that reads texts by a BERT encoder.

    Args:
        preset: str, the name of a BERT preset of keras_hub (fetched from the network), or a
            folder: one that keras_hub saved, or a Hugging Face folder with safetensors.
        sequence_length: int, the number of tokens, `[CLS]` and `[SEP]` included.
        pooling: `"mean"` over the real tokens, or `"first"`: the output at `[CLS]`.
        weights: `"preset"`, or None for the preset's architecture with random weights.
        dropout: float in [0, 1), dropout inside the encoder in training; at 0 a frozen encoder
            is deterministic, so that its features can be kept.
        trainable: bool, whether the encoder learns.
        name: str, the name of the branch; its input is `<name>_token_ids`.
        column: str, the raw column with the texts; by default `name`.
        word_dropout: float in [0, 1), share of the tokens that are read as `[MASK]` in training,
            never all of a text. A frozen encoder then has to run in every epoch, unless
            `fit(views=K)` keeps K views of each text.

    Returns:
        A `Branch` with the input `<name>_token_ids`: int32 `(batch, sequence_length)`, padding
        at the end. Its tokens are made by core TensorFlow ops.

    Raises:
        ValueError: when the preset cannot be read, or reads fewer tokens than `sequence_length`.

    Example:
        >>> import tempfile
        >>> from fusionkeras.testing import write_tiny_bert
        >>> preset = write_tiny_bert(tempfile.mkdtemp())  # or "bert_small_en_uncased"
        >>> branch = bert_branch(preset, sequence_length=64, pooling="first")
        >>> branch.inputs[0].name, branch.inputs[0].shape
        ('text_token_ids', (None, 64))

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
        Understanding".
        Differs from the paper: `pooling="first"` is the encoder's output at `[CLS]`, without the
        tanh layer behind it, which was trained for another task.
    """
    check_choice("pooling", POOLINGS, pooling=pooling)
    check_choice("weights", ("preset",), weights=weights or "preset")
    check_integer("sequence length", 3, sequence_length=sequence_length)
    check_rate("dropout", dropout=dropout)
    check_rate("rate of dropped words", word_dropout=word_dropout)
    vocabulary, lowercase = _read_tokenizer(preset)
    backbone = _read_backbone(preset, weights is not None, dropout)
    _check_length(backbone, sequence_length)
    tokens = WordPieceTokens(
        vocabulary, sequence_length, lowercase, column=column or name, output=f"{name}_token_ids"
    )
    encoder = _encoder(backbone, tokens, pooling, word_dropout, f"{name}_encoder")
    encoder.trainable = trainable
    return Branch(name, encoder, tokens)


def _encoder(backbone, tokens, pooling, word_dropout, name):
    ids = keras.Input((tokens.sequence_length,), name=tokens.output_name, dtype="int32")
    mask = ids != tokens.vocabulary.index("[PAD]")
    attended = at_least_one_step(mask)
    sequence = backbone(
        {
            "token_ids": _dropped(ids, tokens.vocabulary, word_dropout),
            "segment_ids": ops.zeros_like(ids),
            "padding_mask": ops.cast(attended, "int32"),
        }
    )["sequence_output"]
    pooled = masked_mean(sequence, attended) if pooling == "mean" else sequence[:, 0]
    outputs = {
        "pooled_output": pooled,
        "sequence_output": sequence,
        "padding_mask": mask,
        "present": ops.any(mask, axis=-1),
    }
    return keras.Model(ids, outputs, name=name)


def _dropped(ids, vocabulary, word_dropout):
    """The ids with some words replaced in training, all special tokens kept."""
    if not word_dropout:
        return ids
    special = [vocabulary.index(token) for token in SPECIAL if token in vocabulary]
    replacement = vocabulary.index("[MASK]" if "[MASK]" in vocabulary else "[UNK]")
    return WordDropout(word_dropout, replacement, special)(ids)


def _keras_hub():
    try:
        import keras_hub
    except ImportError as error:
        raise missing_package("keras_hub", "bert_branch", "keras-nlp") from error
    return keras_hub


def _read_tokenizer(preset):
    tokenizer = _from_preset(_keras_hub().models.BertTokenizer, preset)
    return list(tokenizer.get_vocabulary()), bool(tokenizer.lowercase)


def _read_backbone(preset, load_weights, dropout):
    return _from_preset(
        _keras_hub().models.BertBackbone, preset, load_weights=load_weights, dropout=dropout
    )


def _from_preset(part, preset, **kwargs):
    try:
        return part.from_preset(preset, **kwargs)
    except ImportError as error:
        raise missing_package("safetensors", "A Hugging Face folder", "safetensors") from error
    except Exception as error:  # kagglehub, huggingface_hub and keras_hub raise many types
        raise argument_error(
            f"The preset could not be read ({_cause(error)})",
            f"the name of a BERT preset (needs the network) or a folder that {part.__name__} reads",
            preset=preset,
        ) from error


def _cause(error):
    """The first line of another library's message."""
    first_line, *_ = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {first_line}"


def _check_length(backbone, sequence_length):
    limit = getattr(backbone, "max_sequence_length", None)
    if limit and sequence_length > limit:
        raise argument_error(
            f"This BERT reads at most {limit} tokens",
            f"sequence_length of at most {limit}",
            sequence_length=sequence_length,
        )
