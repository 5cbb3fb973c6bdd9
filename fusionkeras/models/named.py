"""The named systems: common recipes, three lines on top of the general builder."""

from fusionkeras.branches import bert_branch, image_branch, lstm_branch
from fusionkeras.fusion import get_fusion
from fusionkeras.models.classifier import build_classifier


def build_resnet50_lstm(
    num_classes=2,
    vocabulary_size=10_000,
    sequence_length=64,
    weights="imagenet",
    image_size=(224, 224),
    embedding_dim=300,
    units=128,
    hidden_dim=128,
    hidden_dims=(),
    dropout=0.0,
    modality_dropout=0.0,
):
    """Builds a frozen ResNet50 beside Embedding + LSTM, concatenated.

    Args:
        num_classes: int; 2 gives one sigmoid, more a softmax.
        vocabulary_size: int, the number of ids, padding (0) and unknown (1) included.
        sequence_length: int, the number of ids a text.
        weights: of ResNet50, as in `image_branch`.
        image_size: `(height, width)` in pixels.
        embedding_dim: int, the width of a word's vector.
        units: int, the width of the LSTM.
        hidden_dim: int or None, the width to which the fusion projects each branch.
        hidden_dims: list of int, the widths of dense layers behind the fusion.
        dropout: float in [0, 1), ahead of every dense layer behind the fusion.
        modality_dropout: float in [0, 1), as in `build_model`.

    Returns:
        A functional `keras.Model` of `[images, token_ids]`: float32 `(batch, height, width, 3)`
        RGB in [0, 255], and int32 `(batch, sequence_length)`.

    Example:
        >>> model = build_resnet50_lstm(weights=None, image_size=(32, 32), vocabulary_size=50)
        >>> model.output_shape
        (None, 1)
    """
    picture = image_branch("resnet50", weights, image_size)
    text = lstm_branch(None, sequence_length, vocabulary_size, embedding_dim, units)
    fusion, branches = get_fusion("concat", hidden_dim=hidden_dim), [picture, text]
    return build_classifier(
        branches, fusion, num_classes, hidden_dims, dropout, modality_dropout, name="resnet50_lstm"
    )


def build_vgg16_lstm(
    num_classes=2,
    vocabulary_size=10_000,
    sequence_length=64,
    weights="imagenet",
    image_size=(224, 224),
    embedding_dim=128,
    units=64,
    hidden_dim=128,
    hidden_dims=(64, 32),
    dropout=0.0,
    modality_dropout=0.0,
):
    """Builds a frozen VGG16 beside Embedding + LSTM, concatenated, with two dense layers behind.

    Args:
        num_classes: int; 2 gives one sigmoid, more a softmax.
        vocabulary_size: int, the number of ids, padding (0) and unknown (1) included.
        sequence_length: int, the number of ids a text.
        weights: of VGG16, as in `image_branch`.
        image_size: `(height, width)` in pixels.
        embedding_dim: int, the width of a word's vector.
        units: int, the width of the LSTM.
        hidden_dim: int or None, the width to which the fusion projects each branch.
        hidden_dims: list of int, the widths of dense layers behind the fusion.
        dropout: float in [0, 1), ahead of every dense layer behind the fusion.
        modality_dropout: float in [0, 1), as in `build_model`.

    Returns:
        A functional `keras.Model` of `[images, token_ids]`, as `build_resnet50_lstm`.

    Example:
        >>> model = build_vgg16_lstm(weights=None, image_size=(32, 32), vocabulary_size=50)
        >>> model.output_shape
        (None, 1)
    """
    picture = image_branch("vgg16", weights, image_size)
    text = lstm_branch(None, sequence_length, vocabulary_size, embedding_dim, units)
    fusion, branches = get_fusion("concat", hidden_dim=hidden_dim), [picture, text]
    return build_classifier(
        branches, fusion, num_classes, hidden_dims, dropout, modality_dropout, name="vgg16_lstm"
    )


def build_resnet50_bert(
    num_classes=2,
    preset="bert_small_en_uncased",
    sequence_length=128,
    weights="imagenet",
    image_size=(224, 224),
    pooling="mean",
    hidden_dim=128,
    hidden_dims=(),
    dropout=0.0,
    modality_dropout=0.0,
):
    """Builds a frozen ResNet50 beside a frozen BERT, concatenated.

    Args:
        num_classes: int; 2 gives one sigmoid, more a softmax.
        preset: str, a BERT preset of keras_hub, by name or folder, as in `bert_branch`.
        sequence_length: int, the number of tokens a text.
        weights: of ResNet50, as in `image_branch`.
        image_size: `(height, width)` in pixels.
        pooling: `"mean"` or `"first"`, as in `bert_branch`.
        hidden_dim: int or None, the width to which the fusion projects each branch.
        hidden_dims: list of int, the widths of dense layers behind the fusion.
        dropout: float in [0, 1), ahead of every dense layer behind the fusion.
        modality_dropout: float in [0, 1), as in `build_model`.

    Returns:
        A functional `keras.Model` of `[images, token_ids]`: float32 `(batch, height, width, 3)`
        RGB in [0, 255], and int32 `(batch, sequence_length)`.

    Example:
        >>> import tempfile
        >>> from fusionkeras.testing import write_tiny_bert
        >>> preset = write_tiny_bert(tempfile.mkdtemp())  # or "bert_small_en_uncased"
        >>> model = build_resnet50_bert(5, preset, weights=None, image_size=(32, 32))
        >>> model.output_shape
        (None, 5)
    """
    picture = image_branch("resnet50", weights, image_size)
    text = bert_branch(preset, sequence_length, pooling)
    fusion, branches = get_fusion("concat", hidden_dim=hidden_dim), [picture, text]
    return build_classifier(
        branches, fusion, num_classes, hidden_dims, dropout, modality_dropout, name="resnet50_bert"
    )


def build_vgg16_bert(
    num_classes=2,
    preset="bert_small_en_uncased",
    sequence_length=128,
    weights="imagenet",
    image_size=(224, 224),
    pooling="mean",
    hidden_dim=128,
    hidden_dims=(64, 32),
    dropout=0.0,
    modality_dropout=0.0,
):
    """Builds a frozen VGG16 beside a frozen BERT, concatenated, with two dense layers behind.

    Args:
        num_classes: int; 2 gives one sigmoid, more a softmax.
        preset: str, a BERT preset of keras_hub, by name or folder, as in `bert_branch`.
        sequence_length: int, the number of tokens a text.
        weights: of VGG16, as in `image_branch`.
        image_size: `(height, width)` in pixels.
        pooling: `"mean"` or `"first"`, as in `bert_branch`.
        hidden_dim: int or None, the width to which the fusion projects each branch.
        hidden_dims: list of int, the widths of dense layers behind the fusion.
        dropout: float in [0, 1), ahead of every dense layer behind the fusion.
        modality_dropout: float in [0, 1), as in `build_model`.

    Returns:
        A functional `keras.Model` of `[images, token_ids]`, as `build_resnet50_bert`.

    Example:
        >>> import tempfile
        >>> from fusionkeras.testing import write_tiny_bert
        >>> preset = write_tiny_bert(tempfile.mkdtemp())  # or "bert_small_en_uncased"
        >>> model = build_vgg16_bert(5, preset, weights=None, image_size=(32, 32))
        >>> model.output_shape
        (None, 5)
    """
    picture = image_branch("vgg16", weights, image_size)
    text = bert_branch(preset, sequence_length, pooling)
    fusion, branches = get_fusion("concat", hidden_dim=hidden_dim), [picture, text]
    return build_classifier(
        branches, fusion, num_classes, hidden_dims, dropout, modality_dropout, name="vgg16_bert"
    )
