"""What can go wrong. The message of each is for the user: what it was, and what to do."""


class InputError(Exception):
    """Options that cannot be followed."""


class DataError(Exception):
    """Documents that cannot be had."""


class CheckpointError(Exception):
    """A file that is not a checkpoint to go on from."""


class RunError(Exception):
    """Something that went wrong although the options were good."""
