"""`gpunet completion`: its options."""

import argparse

HELP = "Print a script that lets a shell complete commands, options and names."
EXAMPLES = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `completion`."""
    parser.description = (
        f"{HELP} To have it in every new shell, append the output to ~/.bashrc, to "
        "~/.zshrc after compinit, or to ~/.config/fish/completions/gpunet.fish."
    )
    parser.add_argument("shell", choices=EXAMPLES, help="bash, zsh or fish")
