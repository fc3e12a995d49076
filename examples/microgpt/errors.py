"""What can go wrong. The message of each is for the user: what it was, and what to do."""


class InputError(Exception):
    """Options that cannot be followed."""


class DataError(Exception):
    """Documents that cannot be had."""


class CheckpointError(Exception):
    """A file that is not a checkpoint to go on from."""


class RunError(Exception):
    """Something that went wrong although the options were good."""


class WorkerError(RunError):
    """Workers that are gone, or do not compute alike. The run is as its last step left it."""


LONGEST_LINE = 500  # characters of a message: what goes wrong may hold a whole file


# What Python calls not printable, and yet is only seen: spaces of a certain width, and what joins
# the parts of an emoji or keeps Persian letters apart.
HARMLESS = "\xa0\u2007\u202f\u3000\u200c\u200d"


def printable(text: str) -> str:
    """The text without what a terminal would obey, since some of it may come from elsewhere."""
    return "".join(
        c if c.isprintable() or c in HARMLESS else c.encode("unicode_escape").decode() for c in text
    )


def one_line(text: str) -> str:
    """A message as it is shown: the beginning says what went wrong, and the end what to do."""
    line = printable(" ".join(text.splitlines()))
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 200]} ... {line[-195:]}"
