"""Rows of a table with what a model looked at in them, as one page of HTML to be looked at.

Run: PYTHONPATH=. python tests/benchmarks/explain_page.py RUN TABLE PAGE.html [--rows 20]
     [--column image=path --column text=question --label answer] [--pictures grad_cam]

RUN is what `fusionkeras train` wrote; columns and label are those that it was trained with, unless
they are said. Orange speaks for the class that is answered, blue against it.
"""

import argparse
import base64
import html
import json
import pathlib

import numpy as np
import tensorflow as tf

import fusionkeras as fk

PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 16px/1.5 sans-serif; margin: 2rem; }} img {{ width: 20rem; }}
section {{ display: inline-block; width: 21rem; margin: 0 1rem 2rem 0; vertical-align: top; }}
span {{ padding: .1rem .2rem; }}</style><h1>{title}</h1><p>{contributions}</p>{rows}"""


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("table")
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--column", action="append", default=[], metavar="NAME=COLUMN")
    parser.add_argument("--label")
    parser.add_argument("--pictures", default="integrated_gradients")
    parser.add_argument("--texts", default="integrated_gradients")
    return parser.parse_args()


def read_rows(options, preprocessor):
    """The table, of which rows are taken evenly."""
    config = options.run / "config.json"
    trained = json.loads(config.read_text("utf-8"))["options"] if config.is_file() else {}
    columns = {name: name for name in preprocessor.columns}
    columns |= (trained.get("image") or {}) | (trained.get("text") or {})
    columns |= dict(one.split("=", 1) for one in options.column)
    label = options.label or trained.get("label", "label")
    table = fk.read_table(
        options.table, columns, label, files=preprocessor.files, split=(1, 0, 0), missing="allow"
    ).train
    return table.take(np.unique(np.linspace(0, len(table) - 1, options.rows).astype(int)))


def colour(weight, most):
    share = 0.55 * abs(weight) / most if most else 0
    return f"rgba({'40,110,210' if weight < 0 else '215,100,10'},{share:.3f})"


def picture_of(pixels, heat):
    """A PNG of the pixels, laid over with the heat, as an element of HTML."""
    heat = tf.image.resize(heat[..., None], pixels.shape[:2], "bicubic").numpy()
    share = 0.6 * np.abs(heat) / max(np.abs(heat).max(), 1e-9)
    ink = np.where(heat < 0, [40.0, 110, 210], [215.0, 100, 10])
    mixed = np.clip((1 - share) * pixels + share * ink, 0, 255).astype("uint8")
    packed = [base64.b64encode(tf.io.encode_png(x).numpy()).decode()
              for x in (np.clip(pixels, 0, 255).astype("uint8"), mixed)]  # fmt: skip
    return "".join(f'<img alt="" src="data:image/png;base64,{one}">' for one in packed)


def row_of(why, row, pixels, truth):
    parts = [f"<h2>{html.escape(str(why.classes[row]))}</h2><p>true: {html.escape(truth)}, "
             f"log odds {why.scores[row]:+.2f}</p>"]  # fmt: skip
    for name, heat in why.heat.items():
        parts.append(picture_of(pixels[name][row], heat[row]))
    for name, words in why.words.items():
        weights = why.weights[name][row]
        most = np.abs(weights).max(initial=0)
        spans = [f'<span style="background: {colour(x, most)}" title="{x:+.3f}">{html.escape(w)}'
                 "</span>" for w, x in zip(words[row], weights, strict=True)]  # fmt: skip
        parts.append(f"<p>{' '.join(spans)}</p>")
    shares = ", ".join(f"{name} {own[row]:+.2f}" for name, own in why.shapley.items())
    return f"<section>{''.join(parts)}<p>{shares}</p></section>"


def main(options):
    serving = fk.load(options.run)
    preprocessor = next(x for x in serving.layers if isinstance(x, fk.Preprocessor))
    table = read_rows(options, preprocessor)
    why = fk.explain(serving, table, pictures=options.pictures, texts=options.texts)
    tensors = preprocessor(next(iter(fk.raw_batches(table, len(table)))))
    pixels = {name: tensors[name].numpy() for name in why.heat}
    truth = [table.class_names[x] if x >= 0 else "?" for x in table.labels]
    rows = "".join(row_of(why, row, pixels, truth[row]) for row in range(len(why)))
    told = html.escape(json.dumps(why.contributions()))
    title = html.escape(f"{options.run} on {options.table}")
    options.page.write_text(PAGE.format(title=title, contributions=told, rows=rows), "utf-8")
    print(f"{len(why)} rows in {options.page}")


if __name__ == "__main__":
    main(read_options())
