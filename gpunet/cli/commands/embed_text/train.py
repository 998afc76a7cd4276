"""`gpunet embed_text train`: its work."""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from ....errors import ConfigError
from ....io.messages import printable
from ....text.tasks import MODELS, defaults, run_text
from ...running import run_folder, run_options, time_and_memory


def train(args: argparse.Namespace) -> None:
    """Learn from a text as the arguments say."""
    model = getattr(args, "model", "skipgram")
    config = defaults(model)
    typed = {key for name in MODELS for key in defaults(name) if hasattr(args, key)}
    for key in sorted(typed - config.keys()):
        raise ConfigError(
            f"usage: --{key.replace('_', '-')}: is not an option of --model {model}"
        )
    config |= {key: getattr(args, key) for key in typed}
    if "-" in (config["corpus"] or ()):
        reason = "a text is read twice, which standard input cannot be"
        raise ConfigError(f"usage: --corpus -: {reason}; save it to a file")
    if config["corpus"]:
        config["corpus"] = [os.path.abspath(path) for path in config["corpus"]]
    resume = None if args.resume is None else "auto"
    options = run_options(args, _folder(args, model), typed, resume)
    started = time.perf_counter()
    result = run_text(config, options)
    options.say(time_and_memory(started))
    _show(args, result, options.folder)


def _folder(args: argparse.Namespace, model: str) -> Any:
    if args.resume not in (None, "auto"):
        if args.out and Path(args.out).absolute() != Path(args.resume).absolute():
            raise ConfigError(
                "usage: --out and --resume FOLDER: a run continues in its own folder; "
                "leave --out out"
            )
        if not os.path.isdir(args.resume):
            raise ConfigError(
                f"usage: --resume: {printable(args.resume)}: is not a run folder; "
                "name one, or auto with --out"
            )
        return args.resume
    return run_folder(args, model)


def _show(args: argparse.Namespace, result: dict[str, Any], folder: Any) -> None:
    if args.json:
        print(json.dumps(result | {"folder": str(folder)}, sort_keys=True))
        return
    if result["model"] == "lm":
        print(
            f"held-out perplexity: {result['perplexity']:.1f}, bigram "
            f"{result['bigram']:.1f}, unigram {result['unigram']:.1f} "
            f"({result['test_words']:,} words and ends of lines, "
            f"{result['test_unknown']:.1%} <unk>)"
        )
    elif result["words_per_second"]:
        print(f"{result['words_per_second']:,} words a second")
    print(f"run folder: {printable(folder)} (vectors.safetensors, vectors.txt)")
