"""`gpunet embed_text`: its work, but for training."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...io.messages import printable
from ...show.words import draw_map
from ...text.corpus import words_of
from ...text.formats import load_vectors
from ...text.generate import generate
from ...text.judge import judge_analogies, judge_similarity
from ...text.language_model import END, LanguageModel
from ...text.vectors import WordVectors
from .embed_text_train import train

_VECTORS, _MODEL = "vectors.safetensors", "model.safetensors"


def run(args: argparse.Namespace) -> int:
    """Do what the action says; return the exit code."""
    return {
        "train": train,
        "neighbours": _neighbours,
        "analogy": _analogy,
        "map": _map,
        "generate": _generate,
        "evaluate": _evaluate,
    }[args.action](args)


def _neighbours(args: argparse.Namespace) -> int:
    vectors, _ = _load(args)
    found = {word: vectors.neighbours(word, args.n) for word in args.words}
    if args.json:
        print(json.dumps(found))
        return 0
    for word, near in found.items():
        print(f"{word}:")
        _print_scores(near)
    return 0


def _analogy(args: argparse.Namespace) -> int:
    vectors, _ = _load(args)
    found = vectors.analogy(args.a, args.b, args.c, args.n)
    if args.json:
        print(json.dumps(found))
        return 0
    print(f"{args.a} is to {args.b} as {args.c} is to:")
    _print_scores(found)
    return 0


def _print_scores(scores: list[tuple[str, float]]) -> None:
    for word, cosine in scores:
        print(f"  {cosine:6.3f}  {word}")


def _map(args: argparse.Namespace) -> int:
    vectors, path = _load(args)
    words = args.words or vectors.words[args.skip : args.skip + args.n]
    points, share = vectors.plane(words)
    names = list(dict.fromkeys(vectors.words[vectors.row(word)] for word in words))
    out = Path(args.out) if args.out else path.with_name("map.png")
    title = f"{len(names)} words: the plane holds {share:.0%} of their spread"
    try:
        draw_map(out, names, points, title=title)
    except ImportError as error:
        raise ConfigError(
            f'map: no matplotlib ({error}); python -m pip install "gpunet[plot]"'
        ) from error
    if args.json:
        places = dict(zip(names, points.tolist(), strict=True))
        print(json.dumps({"path": str(out), "share": share, "points": places}))
    else:
        print(f"{printable(out)}: {title}")
    return 0


def _generate(args: argparse.Namespace) -> int:
    path = _find(args.source, _MODEL)
    model = LanguageModel.load(path, args.device)
    start = words_of(" ".join(args.words))
    text = generate(model, start, args.n, temperature=args.temperature, seed=args.seed)
    if args.json:
        print(json.dumps({"start": start, "words": list(text)}))
        return 0
    line = list(start)
    for word in text:
        if word != END:
            line.append(word)
        elif line:
            print(" ".join(line), flush=True)
            line = []
    if line:
        print(" ".join(line))
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    if not args.similarity and not args.analogies:
        raise ConfigError(
            "usage: evaluate: nothing to judge by; give --similarity FILE or "
            "--analogies FILE"
        )
    vectors, _ = _load(args)
    result: dict[str, Any] = {"similarity": {}, "analogies": {}}
    for path in args.similarity:
        result["similarity"][path] = judge_similarity(vectors, path)
    for path in args.analogies:
        result["analogies"][path] = judge_analogies(vectors, path)
    if args.json:
        print(json.dumps(result))
        return 0
    for path, r in result["similarity"].items():
        print(
            f"{printable(path)}: Spearman {r['spearman']:.3f} on {r['used']} of "
            f"{r['pairs']} pairs ({r['skipped']} skipped: a word is unknown)"
        )
    for path, r in result["analogies"].items():
        print(
            f"{printable(path)}: {_share(r)}, {r['used']:,} of {r['questions']:,} "
            f"questions ({r['skipped']:,} skipped: a word is unknown)"
        )
        for name, part in r["sections"].items():
            print(f"  {printable(name)}: {_share(part)} of {part['questions']}")
    return 0


def _share(r: dict[str, Any]) -> str:
    if not r["used"]:
        return "none asked"
    return f"{r['accuracy']:.1%} right ({r['correct']} of {r['used']})"


def _load(args: argparse.Namespace) -> tuple[WordVectors, Path]:
    path = _find(args.source, _VECTORS)
    return load_vectors(path)[0], path


def _find(source: str | None, name: str) -> Path:
    """Return the file to read: of a run folder, or of the newest run."""
    if source is not None:
        path = Path(source)
        return path / name if os.path.isdir(path) else path
    runs = [path.with_name(name) for path in Path("runs").glob(f"*/{_VECTORS}")]
    runs = [path for path in runs if path.exists()]
    if not runs:
        model = " --model lm" if name == _MODEL else ""
        raise ConfigError(
            f"from: runs: holds no {name} of a text; train one (gpunet embed_text "
            f"train{model}), or name one with --from"
        )
    newest = max(runs, key=lambda path: path.stat().st_mtime)
    print(f"from {printable(newest)}", file=sys.stderr)
    return newest
