"""The options of train.py.

Those of the model and the training have no default here, so that a resumed run can tell what was
asked for.
"""

from __future__ import annotations

import argparse

from gradients import GROUP
from model import Config
from options import OptionParser, number, option_name, path_name, positive, whole_number
from run import Training
from sample import add_sampling_options


def command_line() -> OptionParser:
    parser = OptionParser("train.py", "Train a GPT on documents, then print samples of it.")
    _add_data_and_model_options(parser)
    _add_training_options(parser)
    _add_worker_options(parser)
    add_sampling_options(parser)
    _add_file_options(parser)
    return parser


def _add_data_and_model_options(parser: OptionParser) -> None:
    config = Config()
    group = parser.add_argument_group("data")
    group.add_argument(
        "--data",
        type=path_name,
        metavar="PATH|URL|makemore",
        help="text with one document per line; makemore is the list of the published run "
        "(default the bundled names.txt)",
    )
    group.add_argument(
        "--val-fraction",
        type=number,
        metavar="F",
        help="part of the documents to hold out, to see the loss on documents never trained on "
        "(default 0)",
    )
    group.add_argument(
        "--chunk",
        action="store_true",
        default=None,
        help="cut documents longer than --block-size into windows, to train on all of them",
    )
    group = parser.add_argument_group("model")
    for name, text in (
        ("n_layer", "layers, each an attention and an MLP"),
        ("n_embd", "numbers in the row that a token becomes; a multiple of --n-head"),
        ("n_head", "attention heads per layer"),
        ("block_size", "tokens that the model can see at once"),
    ):
        text += f" (default {getattr(config, name)})"
        group.add_argument(option_name(name), type=whole_number, metavar="N", help=text)


def _add_training_options(parser: OptionParser) -> None:
    training = Training()
    group = parser.add_argument_group("training")
    group.add_argument(
        "--steps",
        type=whole_number,
        metavar="N",
        help=f"steps of the whole run; the learning rate falls over them "
        f"(default {training.steps})",
    )
    group.add_argument(
        "--batch-size",
        type=whole_number,
        metavar="N",
        help=f"documents per step (default {training.batch_size})",
    )
    group.add_argument(
        "--lr", type=number, help=f"learning rate of the first step (default {training.lr:g})"
    )
    group.add_argument(
        "--betas",
        type=number,
        nargs=2,
        metavar=("B1", "B2"),
        help="how slowly Adam's two averages forget (default {:g} {:g})".format(*training.betas),
    )
    group.add_argument(
        "--seed",
        type=whole_number,
        metavar="N",
        help=f"for all random draws (default {training.seed})",
    )


def _add_worker_options(parser: OptionParser) -> None:
    group = parser.add_argument_group(
        "workers", f"The gradients of a batch of more than {GROUP} documents can be shared out."
    )
    group.add_argument(
        "--workers",
        type=positive,
        metavar="K",
        help="processes that compute them (default 1, or all threads of --executor)",
    )
    group.add_argument(
        "--executor",
        type=executor_name,
        metavar="dask:ADDRESS",
        help="the Dask cluster that has them, instead of this machine (needs distributed)",
    )
    group.add_argument(
        "--allow-mixed-workers",
        action="store_true",
        help="go on even if some workers may compute other last bits than this process",
    )


def executor_name(text: str) -> str:
    if not text.removeprefix("dask:") or not text.startswith("dask:"):
        raise argparse.ArgumentTypeError(
            f"must be dask:ADDRESS, such as dask:tcp://127.0.0.1:8786, got {text!r}"
        )
    return text


def _add_file_options(parser: OptionParser) -> None:
    group = parser.add_argument_group("stopping and going on")
    group.add_argument(
        "--checkpoint",
        type=path_name,
        metavar="PATH",
        help="save the run there, when it ends or Ctrl-C stops it",
    )
    group.add_argument(
        "--save-every", type=positive, metavar="N", help="and also after every N steps"
    )
    group.add_argument(
        "--overwrite", action="store_true", help="even if another run is saved there"
    )
    group.add_argument(
        "--resume",
        type=path_name,
        metavar="PATH",
        help="go on with a saved run; the options above for data, model and training are its own, "
        "but with more --steps it goes on for longer",
    )
    group.add_argument(
        "--init-from",
        type=path_name,
        metavar="PATH",
        help="start a new run from the weights of a saved one, which must know all characters "
        "of the data",
    )
    group.add_argument(
        "--stop-at",
        type=positive,
        metavar="STEP",
        help="stop after this step of --steps, to go on later",
    )
    group = parser.add_argument_group("records")
    group.add_argument(
        "--metrics",
        type=path_name,
        metavar="FILE.jsonl",
        help="one line per step: step, loss, lr, seconds",
    )
    group.add_argument(
        "--plot",
        type=path_name,
        metavar="FILE.svg|png",
        help="a picture of the loss (needs matplotlib)",
    )
