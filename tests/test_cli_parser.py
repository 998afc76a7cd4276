"""The parser of the commands: spelling, near names, defaults and examples in help."""

import argparse
import re
import shlex

import pytest
from helpers import ROOT, run_python

from gpunet import cli
from gpunet.cli.commands.lab import _parser, get_experiment
from gpunet.cli.parser import Parser, command_parser, option_strings, subparsers
from gpunet.errors import ConfigError
from gpunet.runs.presets import DEFAULTS, preset

NAMES = list(cli.COMMANDS)


def parser_of(name):
    return command_parser(f"gpunet {name}", cli.options_of(name))


def small():
    parser = Parser(prog="greet")
    parser.add_argument("--first-name")
    parser.add_argument("--engine", choices=("auto", "loop"))
    parser.add_argument("file", nargs="?")
    return parser


def test_options_may_have_underscores_and_values_stay():
    args = small().parse_args(["--first_name", "a_b", "x_y.csv"])
    assert (args.first_name, args.file) == ("a_b", "x_y.csv")
    assert small().parse_args(["--first_name=a_b"]).first_name == "a_b"
    assert small().parse_args(["--", "--first_nam"]).file == "--first_nam"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--frist-name x", "--frist-name: no such option; did you mean --first-name?"),
        ("--zzz=1", "usage: --zzz: no such option; see greet --help"),
        ("--engine lop", "'lop'; choose from auto, loop; did you mean loop?"),
        ("--engine warp", "'warp'; choose from auto, loop; see greet --help"),
        ("--first", "--first: no such option; did you mean --first-name?"),
    ],
)
def test_unknown_words_are_answered_with_the_nearest(words, message):
    with pytest.raises(ConfigError) as caught:
        small().parse_args(words.split())
    assert message in str(caught.value)


def test_unknown_option_before_words_of_another_parser_has_a_hint():
    with pytest.raises(ConfigError, match="--jsn: no such option; did you mean --json"):
        parser_of("lab").parse_args(["--jsn", "perceptron"])


def test_unknown_option_is_told_before_what_is_missing():
    with pytest.raises(ConfigError, match="--formt: no such option; did you mean --f"):
        parser_of("export").parse_args(["--formt", "onnx"])


def test_options_of_an_action_are_known_to_the_command():
    parser = parser_of("embed_text")
    assert parser.parse_args(["train", "--batch_size", "3"]).batch_size == 3
    with pytest.raises(ConfigError, match="did you mean --min-count"):
        parser.parse_args(["train", "--min-cout", "3"])


def test_names_are_as_they_are_registered():
    words = (
        "--activation leaky-relu:-1e-3 --weights he-normal --loss half-squared-error "
        "--schedule warmup:2+one-cycle --preset nielsen_l2 --data fashion_mnist"
    )
    args = parser_of("train").parse_args(shlex.split(words))
    assert args.activation == "leaky_relu:-1e-3" and args.weights == "he_normal"
    assert (args.loss, args.preset) == ("half_squared_error", "nielsen-l2")
    assert (args.schedule, args.data) == ("warmup:2+one_cycle", "fashion-mnist")
    args = parser_of("train").parse_args(["--data", "my_own-table.csv"])
    assert args.data == "my_own-table.csv"


@pytest.mark.parametrize("name", NAMES)
def test_every_example_can_be_parsed(name):
    examples = cli.options_of(name).EXAMPLES
    text = parser_of(name).format_help()
    assert len(set(examples)) >= 3
    for example in examples:
        line = f"  gpunet {name} {example}".rstrip()
        assert line in text.splitlines() and len(line) <= 80
        args = parser_of(name).parse_args(shlex.split(example))
        if name == "lab" and args.name:
            known = option_strings(_parser(get_experiment(args.name).name, ""))
            assert args.rest == [] or set(args.rest) & {*known, "--epochs"}


def test_commands_of_the_page_can_be_parsed():
    page = (ROOT / "gpunet" / "cli" / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", page, re.S)
    for line in block.splitlines():
        program, name, *words = shlex.split(line)
        assert program == "gpunet"
        if name != "help":
            parser_of(name).parse_args(words)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_is(name):
    parser = parser_of(name)
    for each in (parser, *subparsers(parser).values()):
        for action in each._actions:
            actions = isinstance(action, argparse._SubParsersAction)
            assert action.help or actions, f"{name}: {action}"


@pytest.mark.parametrize("name", [n for n in NAMES if n != "completion"])
def test_every_command_can_print_json(name):
    parser = parser_of(name)
    for each in subparsers(parser).values() or [parser]:
        assert "--json" in option_strings(each)


SAID_OTHERWISE = {"sizes", "loss", "shuffle", "data"}  # in words of their own


@pytest.mark.parametrize("key", sorted(DEFAULTS.keys() - SAID_OTHERWISE))
def test_help_of_train_names_the_defaults_of_the_presets(key):
    text = next(a.help for a in parser_of("train")._actions if a.dest == key)
    value, of_tables = preset("default")[key], preset("table")[key]
    if value is None or isinstance(value, bool | list | dict):
        return
    value, of_tables = (str(v).removesuffix(".0") for v in (value, of_tables))
    assert re.search(rf"default: {value}[;)]|\b{value} \(default\)", text)
    assert of_tables == value or f"tables {of_tables})" in text


def test_defaults_are_shown_unless_the_help_says_so_itself():
    parser = Parser(prog="x")
    parser.add_argument("--rows", default=0, help="how many")
    parser.add_argument("--name", default="n", help="by default n")
    parser.add_argument("--none", default=None, help="nothing")
    parser.add_argument("--flag", action="store_true", help="yes")
    parser.add_argument("--hidden", default=argparse.SUPPRESS, help="no default")
    text = parser.format_help()
    assert "how many (default: 0)" in text and text.count("(default:") == 1


def test_help_is_instant_because_nothing_heavy_is_imported():
    heavy = ["numpy", "rich", "gpunet.network", "importlib.metadata", "difflib"]
    for name in NAMES:
        done = run_python(
            f"import sys; from gpunet.cli import main; main(['help', {name!r}])\n"
            f"print([name for name in {heavy} if name in sys.modules])"
        )
        assert done.stdout.splitlines()[-1] == "[]", name
