"""The models that are compared: each branch alone, and every fusion of all branches."""

import dataclasses

import keras

from fusionkeras._checks import argument_error
from fusionkeras.fusion import FUSIONS, get_fusion
from fusionkeras.models import build_model


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One model to be trained, once for each seed.

    Attributes:
        name: str, that of the fusion, or `<branch> alone`.
        branches: tuple of `Branch`.
        fusion: a name in `FUSIONS`, or a layer, of which every model gets a copy.
        options: dict, the further arguments of `build_model`, heads included; of layers among
            the auxiliary objectives every model gets a copy, too.
    """

    name: str
    branches: tuple
    fusion: object
    options: dict

    def build(self):
        """A new model, whose own weights are drawn now; the encoders are those of the branches."""
        auxiliary = keras.tree.map_structure(_copy, self.options.get("auxiliary"))
        options = {**self.options, "auxiliary": auxiliary}
        return build_model(self.branches, _copy(self.fusion), **options)


def _copy(layer):
    """A layer with the same arguments and weights of its own; what is no layer as it is."""
    is_layer = isinstance(layer, keras.layers.Layer)
    return type(layer).from_config(layer.get_config()) if is_layer else layer


def candidates_of(branches, fusions, options):
    """All candidates, fusions first.

    Args:
        branches: list of `Branch`, two or more.
        fusions: as in `compare`.
        options: as in `Candidate`.

    Returns:
        `(candidates, left_out)`: a list of `Candidate`, and `{fusion: why}` of those of "all" and
        "pooled" that these branches cannot be joined by.
    """
    if len(branches) < 2:
        raise argument_error(
            "There is nothing to fuse",
            "two branches or more",
            branches=[branch.name for branch in branches],
        )
    joined, left_out, named = [], {}, _named(fusions)
    # Auxiliary objectives are between branches.
    own = {name: value for name, value in options.items() if name != "auxiliary"}
    alone = [Candidate(f"{x.name} alone", (x,), "concat", own) for x in branches]
    for candidate in alone:
        candidate.build()  # raises now, not after hours, as do those below
    for name, fusion in named.items():
        candidate = Candidate(name, tuple(branches), fusion, options)
        try:
            candidate.build()
        except (ValueError, TypeError) as error:
            if not isinstance(fusions, str) or not hasattr(error, "is_argument_error"):
                raise
            left_out[name] = str(error)
        else:
            joined.append(candidate)
    if not joined:
        name, why = next(iter(left_out.items()))
        cure = f"Of {name}: {why}"
        raise argument_error("No fusion is left to compare", "one or more", cure, fusions=fusions)
    return joined + alone, left_out


def _named(fusions):
    """The fusions by the names that they are told by."""
    if fusions == "all":
        return {name: name for name in FUSIONS}
    if fusions == "pooled":
        return {name: name for name, kind in FUSIONS.items() if _is_pooled(kind)}
    if not isinstance(fusions, (list, tuple)) or not fusions:
        raise argument_error(
            "Wrong fusions", "'all', 'pooled', or a list of names and layers", fusions=fusions
        )
    layers = [get_fusion(fusion) for fusion in fusions]
    names = [
        fusion if isinstance(fusion, str) else layer.name
        for fusion, layer in zip(fusions, layers, strict=True)
    ]
    if len(set(names)) < len(names):
        raise argument_error(
            "Two fusions have one name", "distinct names", "Pass name=... to one.", fusions=names
        )
    return dict(zip(names, fusions, strict=True))


def _is_pooled(kind):
    """Whether a fusion makes one vector of one vector a branch; with `Late` each decides alone."""
    return "sequence_output" not in kind.reads and kind is not FUSIONS["late"]
