"""Runs what the page asks for, in the worker: a function of a module here, with named arguments.

`call` sends what the function returns, or what went wrong. If it is a generator, each item is sent
as it comes, and between two items the worker looks for other messages: so a training loop can be
paused, or told of another learning rate, by a second call.

A program that the reader typed runs through `run`, and an error in it is told with its lines and
none of ours.
"""

import ast
import asyncio
import importlib
import inspect
import linecache
import platform
import sys
import traceback

import scalargrad as sg

PROGRAM = "program.py"  # what tracebacks call the reader's text


async def call(module, function, arguments, send):
    try:
        result = getattr(importlib.import_module(module), function)(**arguments)
        if inspect.isgenerator(result):
            result = await each(result, lambda item: send("item", as_javascript(item)))
        answer = "result", as_javascript(result)
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: the worker goes on
        answer = "error", as_javascript(told(error))
    sys.stdout.flush()
    sys.stderr.flush()
    send(*answer)


async def each(generator, send):
    """What the generator returns in the end."""
    while True:
        try:
            item = next(generator)
        except StopIteration as end:
            return end.value
        send(item)
        await asyncio.sleep(0)


def run(text, namespace):
    """Runs the reader's program in the namespace. If its last line is an expression: its value."""
    linecache.cache[PROGRAM] = (len(text), None, text.splitlines(keepends=True), PROGRAM)
    tree = ast.parse(text, PROGRAM)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, PROGRAM, "exec"), namespace)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), PROGRAM, "eval"), namespace)


def told(error):
    """An error as the page shows it: in the reader's lines if it happened there."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if frame.filename == PROGRAM]
    lines = traceback.format_list(theirs) + traceback.format_exception_only(error)
    line = theirs[-1].lineno if theirs else None
    message = str(error)
    if isinstance(error, SyntaxError) and error.filename == PROGRAM:
        lines, line, message = traceback.format_exception_only(error), error.lineno, error.msg
    name = type(error).__name__
    return {"type": name, "message": message, "traceback": "".join(lines), "line": line}


def facts():
    """What runs here."""
    return {
        "engine": sg.ENGINE,
        "scalargrad": sg.__version__,
        "python": platform.python_version(),
    }


def as_javascript(value):
    from js import Object
    from pyodide.ffi import to_js

    return to_js(value, dict_converter=Object.fromEntries)
