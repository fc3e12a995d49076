"""What can go wrong with a run. The messages are for the user: what it was, and what to do."""


class InputError(Exception):
    """Options that cannot be followed."""


class RunError(Exception):
    """Something that went wrong although the options were good."""
