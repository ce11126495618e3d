"""Options read off an operation's own schema, so that nothing is written twice.

A command such as `dawg-ai generate bass --key C` offers whatever `bus.describe` says the operation takes: a
new parameter is a new option the moment the daemon has it. A file it needs is a positional word, true and
false are `--name` and `--no-name`, everything else is `--name VALUE`, read as `dawg-ai call` reads
`name=VALUE`.
"""

import argparse
import importlib
from collections.abc import Mapping
from typing import Any

from adapters.command_line import values
from adapters.command_line.parser import UsageError, suggest_among
from bus.explain import allowed_words

# What is put before a parameter's name inside the parsed arguments, away from the command's own.
_PREFIX = "param_"


def locally(engine: str) -> dict[str, dict[str, Any]]:
    """Describe an engine's operations without a daemon, as `bus.describe` would: for `--help`.

    Parameters
    ----------
    engine
        Its folder's name.
    """
    from bus.operations import engine_operations  # noqa: PLC0415 - pydantic, which only help without a daemon needs

    # By name, as the daemon finds it: this door knows no engine.
    module = importlib.import_module(f"engines.{engine}")
    return {
        operation.name: {
            "name": operation.name,
            "summary": operation.summary,
            "params": operation.params_schema,
            "result": operation.result_schema,
            "timeout": operation.timeout_s,
            "cancellable": not operation.immediate,
        }
        for operation in engine_operations(module)
    }


def choose(word: str, engine: str, described: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return the wire name of what is wanted.

    Parameters
    ----------
    word
        As the user writes it: `bass`, `bassline`.
    engine
        The engine, such as `generate`.
    described
        Its operations by wire name.
    names
        Other words for some of them.

    Raises
    ------
    UsageError
        If there is none; the message names the near one.
    """
    op = f"{engine}.{names.get(word, word)}"
    if op not in described:
        known = [*(name.partition(".")[2] for name in described), *names]
        raise UsageError(suggest_among(word, sorted(known), f"nothing that {engine} does"))
    return op


def add(parser: argparse.ArgumentParser, described: Mapping[str, Any]) -> None:
    """Take an operation's parameters.

    Parameters
    ----------
    parser
        Of the command, with the command's own options: those keep their meaning.
    described
        The operation, as `bus.describe` has it.
    """
    schema = described["params"]
    taken = {option for action in parser._actions for option in action.option_strings}
    group = parser.add_argument_group(f"parameters of {described['name']}")
    positional = _positional(schema)
    for name, rule in schema.get("properties", {}).items():
        option = f"--{name.replace('_', '-')}"
        required = name in schema.get("required", ())
        help_text = _help(rule, schema, required=required)
        if name == positional:
            parser.add_argument(
                _PREFIX + name,
                metavar="FILE",
                nargs=None if required else "?",
                help=f"{help_text}; - for stdin",
            )
        elif option in taken:
            raise ValueError(f"{described['name']}: {name} is an option of the command already")
        elif _is_switch(rule, schema):
            group.add_argument(
                option,
                dest=_PREFIX + name,
                action=argparse.BooleanOptionalAction,
                default=None,
                help=help_text,
            )
        else:
            group.add_argument(
                option,
                dest=_PREFIX + name,
                metavar=_metavar(rule, schema),
                required=required,
                help=help_text,
            )


def read(arguments: argparse.Namespace, described: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that were given, as the operation takes them."""
    given = {
        name.removeprefix(_PREFIX): value
        for name, value in vars(arguments).items()
        if name.startswith(_PREFIX) and value is not None
    }
    schema = described["params"]
    positional = _positional(schema)
    if positional in given:
        given[positional] = values.file(given[positional])
    texts = {name: value for name, value in given.items() if isinstance(value, str) and name != positional}
    for name, text in texts.items():
        if text == "-" and _is_file(schema["properties"][name], schema):
            texts[name] = "@-"
    return {**given, **values.read(texts, schema)}


def _positional(schema: Mapping[str, Any]) -> str | None:
    """Return the parameter that is a word of its own, the first of the files; None where none is one."""
    return next((name for name, rule in schema.get("properties", {}).items() if _is_file(rule, schema)), None)


def _help(rule: Mapping[str, Any], schema: Mapping[str, Any], *, required: bool) -> str:
    described = str(rule.get("description") or "")
    if not described:
        choices = [choice for choice in values.choices(rule, schema) if choice.get("description")]
        described = str(choices[0]["description"]) if choices else ""
    words = [described.rstrip(".")] if described else []
    words += [] if _is_file(rule, schema) or _is_switch(rule, schema) else [allowed_words(rule, schema)]
    if not required and rule.get("default") is not None:
        words.append(f"default {rule['default']}")
    return "; ".join(words).replace("%", "%%") or "see the manual"


def _metavar(rule: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    kinds = {str(choice.get("type")) for choice in values.choices(rule, schema)} - {"null"}
    return "N" if kinds <= {"integer", "number"} else "JSON" if kinds & {"array", "object"} else "TEXT"


def _is_file(rule: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    return any("contentMediaType" in choice for choice in values.choices(rule, schema))


def _is_switch(rule: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    kinds = {choice.get("type") for choice in values.choices(rule, schema)}
    return kinds - {"null"} == {"boolean"}
