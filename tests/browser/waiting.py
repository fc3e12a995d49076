"""Waiting for a page."""

import time


def until(page, expression, seconds=10.0):
    """The value of the expression in the page, as soon as it is true."""
    end = time.monotonic() + seconds  # the pages forbid eval, which wait_for_function needs
    while not (value := page.evaluate(expression)):
        assert time.monotonic() < end, f"after {seconds} s still not true: {expression}"
        time.sleep(0.02)
    return value
