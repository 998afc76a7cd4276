"""`gpunet predict`: its work; the model says whether it reads a table or pictures."""

import argparse

from ....data import NOT_A_TABLE, is_image, is_table
from ....errors import ConfigError, ModelFileError
from ....io.messages import message, printable
from ....storage.models import open_member
from ....storage.network import model_file
from .digits import N_PIXELS, predict_digits
from .table import READING, predict_table


def run(args: argparse.Namespace) -> int:
    """Write what a model answers to a table or to pictures; return 0."""
    if is_table(args.model) or is_image(args.model):
        remedy = "name the model first, then the table or pictures"
        text = message("model file", args.model, "is not a model", remedy)
        raise ModelFileError(text)
    for name in args.inputs:
        if not is_table(name) and not is_image(name):
            raise ConfigError(
                f"table: {printable(name)}: {NOT_A_TABLE}, nor a picture such as .png "
                "or .jpg; name one"
            )
    pictures = [name for name in args.inputs if is_image(name)]
    file = model_file(args.model)
    net, table = open_member(file, args.member, args.device)
    if table is not None:
        if pictures:
            reason = "is a picture, and the model was trained on a table; give a table"
            raise ConfigError(f"table: {printable(pictures[0])}: {reason}")
        if len(args.inputs) > 1:
            raise ConfigError(f"table: got {len(args.inputs)} of them; give one")
        predict_table(args, net, table)
        return 0
    of_digits = net.n_in == N_PIXELS
    if not all(is_image(name) or (of_digits and name == "-") for name in args.inputs):
        reason = "was not trained on a table, so it cannot read one"
        hint = "train with --data table.csv --target column"
        raise ModelFileError(
            message("model file", file, reason, "give pictures" if of_digits else hint)
        )
    if not of_digits:
        reason = f"has {net.n_in} inputs, and a picture of a digit has {N_PIXELS}"
        raise ModelFileError(message("model file", file, reason, "train on MNIST"))
    for name in (*READING, *(["probabilities"] if args.probabilities else [])):
        if hasattr(args, name):
            raise ConfigError(f"--{name}: is for tables; a model of pictures has none")
    predict_digits(args, net)
    return 0
