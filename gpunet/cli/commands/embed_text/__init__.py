"""`gpunet embed_text`: its work, but for training."""

import argparse
import json
import os
import sys
from itertools import chain
from pathlib import Path
from typing import Any

from ....errors import ConfigError
from ....io.messages import counted, printable
from ....show.style import save_png
from ....show.words import draw_map
from ....text.corpus import words_of
from ....text.evaluation import evaluate_analogies, evaluate_similarity
from ....text.formats import load_vectors
from ....text.generate import generate
from ....text.language_model import END, LanguageModel
from ....text.vectors import WordVectors
from .train import train

_VECTORS, _MODEL = "vectors.safetensors", "model.safetensors"


def run(args: argparse.Namespace) -> int:
    """Do what the action says; return 0."""
    actions = {
        "train": train,
        "neighbors": _neighbors,
        "neighbours": _neighbors,
        "analogy": _analogy,
        "map": _map,
        "generate": _generate,
        "evaluate": _evaluate,
    }
    actions[args.action](args)
    return 0


def _neighbors(args: argparse.Namespace) -> None:
    vectors = _load(args)
    neighbors = {word: vectors.neighbors(word, args.n) for word in args.words}
    _show_scores(args, neighbors, neighbors)


def _analogy(args: argparse.Namespace) -> None:
    vectors = _load(args)
    scores = vectors.analogy(args.a, args.b, args.c, args.n)
    _show_scores(args, scores, {f"{args.a} is to {args.b} as {args.c} is to": scores})


def _show_scores(args: argparse.Namespace, record: Any, lists: dict[str, Any]) -> None:
    """Print a record as JSON, or lists of words and cosines below their titles."""
    if args.json:
        print(json.dumps(record))
        return
    for title, scores in lists.items():
        print(f"{title}:")
        for word, cosine in scores:
            print(f"  {cosine:6.3f}  {word}")


def _map(args: argparse.Namespace) -> None:
    path = _find(args.source, _VECTORS)
    vectors, _ = load_vectors(path)
    words = args.words or vectors.words[args.skip : args.skip + args.n]
    points, share = vectors.plane(words)
    names = list(dict.fromkeys(vectors.words[vectors.row(word)] for word in words))
    out = Path(args.out) if args.out else path.with_name("map.png")
    n = counted(len(names), "word")
    title = f"{n}: the plane holds {share:.0%} of their spread"
    try:
        save_png(draw_map(names, points, title=title), out)
    except ImportError as error:
        raise ConfigError(f"map: {error}") from error
    if args.json:
        coordinates = dict(zip(names, points.tolist(), strict=True))
        print(json.dumps({"path": str(out), "share": share, "points": coordinates}))
    else:
        print(f"{printable(out)}: {title}")


def _generate(args: argparse.Namespace) -> None:
    model = LanguageModel.load(_find(args.source, _MODEL), args.device)
    start = words_of(" ".join(args.words))
    text = generate(model, start, args.n, temperature=args.temperature, seed=args.seed)
    if args.json:
        print(json.dumps({"start": start, "words": list(text)}))
        return
    line = list(start)
    for word in chain(text, [END]):
        if word != END:
            line.append(word)
        elif line:
            print(" ".join(line), flush=True)
            line = []


def _evaluate(args: argparse.Namespace) -> None:
    if not args.similarity and not args.analogies:
        raise ConfigError(
            "usage: evaluate: no benchmark; use --similarity FILE or --analogies FILE"
        )
    vectors = _load(args)
    similarity = {path: evaluate_similarity(vectors, path) for path in args.similarity}
    analogies = {path: evaluate_analogies(vectors, path) for path in args.analogies}
    if args.json:
        print(json.dumps({"similarity": similarity, "analogies": analogies}))
        return
    for path, r in similarity.items():
        print(
            f"{printable(path)}: Spearman {r['spearman']:.3f} on {r['used']} of "
            f"{r['pairs']} pairs ({r['skipped']} skipped: a word is unknown)"
        )
    for path, r in analogies.items():
        print(
            f"{printable(path)}: {_accuracy(r)}, {r['used']:,} of {r['questions']:,} "
            f"questions ({r['skipped']:,} skipped: a word is unknown)"
        )
        for name, part in r["sections"].items():
            print(f"  {printable(name)}: {_accuracy(part)} of {part['questions']}")


def _accuracy(r: dict[str, Any]) -> str:
    if not r["used"]:
        return "none used"
    return f"{r['accuracy']:.1%} right ({r['correct']} of {r['used']})"


def _load(args: argparse.Namespace) -> WordVectors:
    return load_vectors(_find(args.source, _VECTORS))[0]


def _find(source: str | None, name: str) -> Path:
    """Return the file to read: of a run folder, or of the newest run."""
    if source is not None:
        path = Path(source)
        return path / name if os.path.isdir(path) else path
    files = [path.with_name(name) for path in Path("runs").glob(f"*/{_VECTORS}")]
    files = [path for path in files if path.exists()]
    if not files:
        model = " --model lm" if name == _MODEL else ""
        raise ConfigError(
            f"from: runs: holds no {name} of a text; train one (gpunet embed_text "
            f"train{model}), or name one with --from"
        )
    newest = max(files, key=lambda path: path.stat().st_mtime)
    print(f"from {printable(newest)}", file=sys.stderr)
    return newest
