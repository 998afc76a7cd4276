"""`gpunet completion`: its work.

The script is static: it knows the words after each command, action and option, so
that a shell completes them without starting Python. All three shells walk through
the same table; where it has nothing to offer they complete the names of files.
"""

import argparse

from ... import cli
from ...activations import ACTIVATIONS
from ...initializers import INITIALIZERS
from ...lab.registry import EXPERIMENTS
from ...losses import LOSSES
from ...optimizers import OPTIMIZERS
from ...runs.presets import PRESETS
from ...training.schedules import SCHEDULES
from ..parser import command_parser, subparsers

_STARTS = (*INITIALIZERS, "zeros")
_VALUES = {  # of options without choices, wherever they occur
    "--preset": PRESETS,
    "--activation": ACTIVATIONS,
    "--output": ACTIVATIONS,
    "--loss": LOSSES,
    "--weights": _STARTS,
    "--biases": _STARTS,
    "--optimizer": OPTIMIZERS,
    "--schedule": SCHEDULES,
    "--device": ("auto", "cpu", "cuda"),
    "--data": ("mnist", "fashion-mnist"),
    "--dtype": ("float32", "float64"),
    "--resume": ("auto",),
}
_BASH = """\
_gpunet() {{
  local command=${{COMP_WORDS[1]//-/_}} action=${{COMP_WORDS[2]}} list
  local previous=${{COMP_WORDS[COMP_CWORD - 1]}}
  [ "$COMP_CWORD" -eq 1 ] && command=
  case "$command/$action/$previous" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$list" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _gpunet gpunet
"""
_ZSH = """\
_gpunet() {{
  local command=${{words[2]//-/_}} action=${{words[3]}} list
  local previous=${{words[CURRENT - 1]}}
  (( CURRENT == 2 )) && command=
  case "$command/$action/$previous" in
{cases}
  esac
  compadd -- ${{=list}} || _files
}}
compdef _gpunet gpunet
"""
_FISH = """\
function __gpunet
  set -l words (commandline -opc)
  set -l command (string replace -a -- - _ "$words[2]")
  switch "$command/$words[3]/$words[-1]"
{cases}
  end
end
complete -c gpunet -a '(__gpunet)'
"""


def run(args: argparse.Namespace) -> int:
    """Print the script of a shell; return 0."""
    if args.shell == "fish":
        form = "    case {}\n      printf '%s\\n' {}"
        rows = [(" ".join(map(repr, keys)), words) for keys, words in _table()]
        text = _FISH
    else:
        form = '    {}) list="{}" ;;'
        rows = [("|".join(keys), words) for keys, words in _table()]
        text = _ZSH if args.shell == "zsh" else _BASH
    cases = [form.format(keys, " ".join(words)) for keys, words in rows]
    print(text.format(cases="\n".join(cases)), end="")
    return 0


def _table() -> list[tuple[list[str], list[str]]]:
    """Return (patterns of command/action/previous word, words); the first fits."""
    rows = []
    for name in cli.COMMANDS:
        parser = command_parser(f"gpunet {name}", cli.options_of(name))
        actions = subparsers(parser)
        for action, subparser in actions.items():
            rows += _rows(f"{name}/{action}", subparser, [])
        experiments = [each.name for each in EXPERIMENTS] if name == "lab" else []
        rows += _rows(f"{name}/*", parser, [*actions, *experiments])
    commands = list(cli.COMMANDS)
    everything = [*commands, "help", "--help", "--version"]
    return [*rows, (["help/*/*"], commands), (["*"], everything)]


def _rows(
    place: str, parser: argparse.ArgumentParser, words: list[str]
) -> list[tuple[list[str], list[str]]]:
    """Return the rows of one parser: the values of its options, then all its words."""
    rows: list[tuple[list[str], list[str]]] = []
    files: list[str] = []
    for action in parser._actions:
        patterns = [f"{place}/{option}" for option in action.option_strings]
        words = words + [o for o in action.option_strings if o.startswith("--")]
        values = [v for o in action.option_strings for v in _VALUES.get(o, ())]
        values = list(map(str, action.choices)) if action.choices else values
        if action.option_strings and values:
            rows.append((patterns, values))
        elif action.option_strings and action.nargs != 0:
            files += patterns
        elif isinstance(action.choices, tuple):
            words = words + list(action.choices)
    return [*rows, *([(files, [])] if files else []), ([f"{place}/*"], words)]
