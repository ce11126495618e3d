"""The table of operations: what each takes, gives, and where it runs.

An operation is a plain function. Its signature is the schema of its parameters, its return type (a frozen
dataclass) the schema of its result, its docstring the manual. Engines list theirs in a tuple `OPERATIONS`;
`discover` finds every engine in a package, `declare` makes an operation of one function. Neither looks at
what the function does: a bus process reads signatures and never loads what an engine needs to work.
"""

import importlib
import inspect
import json
import pkgutil
import re
import types
import typing
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Final, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    PydanticInvalidForJsonSchema,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    create_model,
)

from bus.conversions import refuse_conversions
from bus.errors import InvalidArgument, Unimplemented
from bus.explain import explain
from bus.files import Spooled

DEFAULT_TIMEOUT_S = 60.0

# The parameters that are the bus's own: callers never send them. Engines report to the one, and find in the
# other what they kept from earlier jobs.
PROGRESS_PARAMETER = "progress"
MEMORY_PARAMETER = "memory"
_OWN = rf"(?:{PROGRESS_PARAMETER}|{MEMORY_PARAMETER})"
# A paragraph of their own under "Parameters", or the last of several names that share one.
_OWN_IN_MANUAL = re.compile(rf"(?m)^{_OWN}(?:, {_OWN})*\n(?: +.*(?:\n|\Z))+|(?:, {_OWN})+$")


FollowUp: TypeAlias = Callable[[Mapping[str, Any], bytes], Awaitable[bytes]]


@dataclass(frozen=True)
class Operation:
    """One thing the daemon can do.

    Attributes
    ----------
    name
        Wire name, `engine.function`.
    function
        `def` runs in a worker of `lane`, `async def` in the event loop.
    lane
        The engine whose workers run it; None for the loop.
    module
        Dotted name under which a worker imports the engine; None for the loop.
    timeout_s
        Deadline where the request names none, seconds from arrival.
    version
        Engine version when the result depends on nothing but parameters and file contents, so that it may be
        cached; None otherwise.
    files
        Parameters that are files: a path or bytes on the wire, a `Path` for the function.
    folders
        Parameters that are folders: a path on the wire.
    light
        Whether the engine's worker is loaded in a moment: it is started before the others.
    follow_up
        What is done with a result on its way out, in the loop: from the parameters and the encoded result to
        the encoded result that is answered with. It must return one whatever happens, also when it is
        cancelled, which the request's deadline does: what has been computed is not lost to it.
    """

    name: str
    function: Callable[..., Any]
    params: type[BaseModel]
    result: TypeAdapter[Any]
    lane: str | None = None
    module: str | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S
    version: str | None = None
    files: frozenset[str] = field(default_factory=frozenset)
    folders: frozenset[str] = field(default_factory=frozenset)
    light: bool = False
    follow_up: FollowUp | None = None

    @cached_property
    def manual(self) -> str:
        """The function's docstring, for `describe`, the OpenAPI page and the command line.

        Without the parameters that are the bus's own, which no caller sends.
        """
        return _OWN_IN_MANUAL.sub("", inspect.getdoc(self.function) or "")

    @property
    def summary(self) -> str:
        """First line of the manual."""
        return self.manual.partition("\n")[0]

    @cached_property
    def params_schema(self) -> dict[str, Any]:
        """JSON Schema of the parameters."""
        return self.params.model_json_schema()

    @cached_property
    def result_schema(self) -> dict[str, Any]:
        """JSON Schema of the result."""
        return self.result.json_schema(mode="serialization")

    def validate(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Check parameters against the signature and fill in defaults.

        Lists and maps become what the signature says (a tuple, a dataclass); a text is never read as a
        number, nor a number as a truth value.

        Raises
        ------
        InvalidArgument
            Naming the first parameter that is wrong, what came and what is allowed.
        """
        try:
            valid = self.params.model_validate(params).model_dump()
            refuse_conversions(self.name, params, valid)
        except ValidationError as error:
            message, details = explain(error, self.params_schema)
            raise InvalidArgument(message, details=details) from None
        # pydantic makes plain text of it.
        valid |= {name: params[name] for name in self.files if isinstance(params.get(name), Spooled)}
        return valid

    def arguments(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Turn validated parameters back into what the function takes: files and folders become `Path`."""
        model = self.params.model_validate(params)
        values = {name: getattr(model, name) for name in type(model).model_fields}
        for name in self.files | self.folders:
            if values[name] is not None:
                values[name] = Path(values[name])
        return values

    @cached_property
    def immediate(self) -> bool:
        """Whether it is answered in the loop at once, without a job: a plain `def` without a lane."""
        return self.lane is None and not inspect.iscoroutinefunction(self.function)

    @property
    def takes_progress(self) -> bool:
        """Whether the function reports how far it is."""
        return PROGRESS_PARAMETER in inspect.signature(self.function).parameters

    @property
    def takes_memory(self) -> bool:
        """Whether the function remembers from one job to the next."""
        return MEMORY_PARAMETER in inspect.signature(self.function).parameters


def declare(
    name: str,
    function: Callable[..., Any],
    *,
    lane: str | None = None,
    module: str | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    version: str | None = None,
    light: bool = False,
) -> Operation:
    """Make an operation of a function by reading its signature.

    Raises
    ------
    TypeError
        If a parameter or the result is not annotated: an operation without a schema cannot be served. If a
        parameter is a path and neither a file nor a folder: nobody would look whether it may be read.
    """
    signature = inspect.signature(function)
    hints = typing.get_type_hints(function, include_extras=True)
    if "return" not in hints:
        raise TypeError(f"{name}: the result must be annotated")
    fields: dict[str, Any] = {}
    files: set[str] = set()
    folders: set[str] = set()
    for parameter in signature.parameters.values():
        if parameter.name in {PROGRESS_PARAMETER, MEMORY_PARAMETER}:
            continue
        if parameter.name not in hints:
            raise TypeError(f"{name}: parameter {parameter.name} must be annotated")
        annotation = hints[parameter.name]
        schema = {} if _only_scalars(annotation) else _schema(annotation)
        role = _role(schema)
        if role is not None:
            annotation, is_file = _on_the_wire(annotation, role)
            (files if is_file else folders).add(parameter.name)
        elif _holds_path(schema):
            raise TypeError(
                f"{name}: parameter {parameter.name} holds a path that nobody would check; the JSON Schema "
                'of a file must have a "contentMediaType", that of a folder the "format" "directory-path"'
            )
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (annotation, default)
    config = ConfigDict(extra="forbid", allow_inf_nan=False)
    return Operation(
        name=name,
        function=function,
        params=create_model(name.replace(".", "_") + "_params", __config__=config, **fields),
        result=TypeAdapter(hints["return"]),
        lane=lane,
        module=module,
        timeout_s=timeout_s,
        version=version,
        files=frozenset(files),
        folders=frozenset(folders),
        light=light,
    )


_SCALARS: Final = (bool, int, float, str, bytes, type(None))


def _only_scalars(annotation: Any) -> bool:
    """Whether no path can be in a parameter, as is seen without the cost of its schema."""
    if annotation in _SCALARS or typing.get_origin(annotation) is typing.Literal:
        return True
    inner = typing.get_args(annotation)
    if typing.get_origin(annotation) is Annotated:
        inner = inner[:1]
    return bool(inner) and all(_only_scalars(part) for part in inner)


def _schema(annotation: Any) -> dict[str, Any]:
    try:
        return TypeAdapter(annotation).json_schema()
    except PydanticInvalidForJsonSchema:
        return {}


def _role(schema: dict[str, Any]) -> dict[str, Any] | None:
    """Return the part of a parameter's JSON Schema that says it is a file or folder, if it is one."""
    for part in (schema, *schema.get("anyOf", ())):
        if "contentMediaType" in part or part.get("format") == "directory-path":
            return dict(part)
    return None


def _holds_path(schema: dict[str, Any]) -> bool:
    """Whether a parameter is a path, or holds one in a list or map."""
    return '"format": "path"' in json.dumps(schema)


def _on_the_wire(annotation: Any, role: dict[str, Any]) -> tuple[Any, bool]:
    """Replace a file's annotation by what a client sends: a path or bytes, or only a path for a folder."""
    is_file = "contentMediaType" in role
    kind: Any = str | bytes if is_file else str
    if is_file:
        role["description"] = (
            role.get("description") or "A path inside the readable roots, or the file's bytes."
        )
    wire: Any = Annotated[kind, WithJsonSchema(role)]
    optional = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return (wire | None if optional else wire), is_file


class Operations(Mapping[str, Operation]):
    """The table, by wire name; looking up a name that is not there says which are near."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._by_name: dict[str, Operation] = {}
        self.add(operations)

    def add(self, operations: Iterable[Operation]) -> None:
        """Take in more, while the daemon is being built.

        Raises
        ------
        ValueError
            If a name is taken.
        """
        for operation in operations:
            if operation.name in self._by_name:
                raise ValueError(f"{operation.name}: declared twice")
            self._by_name[operation.name] = operation

    def __getitem__(self, name: str) -> Operation:
        try:
            return self._by_name[name]
        except KeyError:
            near = get_close_matches(name, self._by_name, n=3, cutoff=0.5)
            hint = f"; did you mean {', '.join(near)}?" if near else "; bus.describe lists what there is"
            raise Unimplemented(
                f"op: {name[:80]!r} is not an operation of this daemon{hint}", details={"nearest": near}
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


def engine_operations(module: ModuleType) -> list[Operation]:
    """Read the operations an engine lists at its foot.

    They run in its own lane, but for those that `LANES` puts into another by that lane's name: what takes
    hours, so that what takes seconds need not wait for it; and what looks at or changes what another engine's
    workers hold in memory, into theirs.
    """
    engine = module.__name__.rpartition(".")[2]
    cached = getattr(module, "CACHED", ())
    lanes: Mapping[str, str] = getattr(module, "LANES", {})
    timeouts_s: Mapping[str, float] = getattr(module, "TIMEOUTS_S", {})
    # `continue_` and `list_` are what Python calls them (PEP 8), not what the wire does.
    named = {function.__name__.removesuffix("_"): function for function in module.OPERATIONS}
    return [
        declare(
            f"{engine}.{name}",
            function,
            lane=lanes.get(name, engine),
            module=module.__name__,
            timeout_s=timeouts_s.get(name, DEFAULT_TIMEOUT_S),
            version=module.VERSION if function in cached else None,
            light=getattr(module, "LIGHT", False),
        )
        for name, function in named.items()
    ]


def installed_models(package: str) -> dict[str, str]:
    """Collect the models that engines have installed, with what is known of each.

    An engine that has any says so in a function `installed_models`, as light as the rest of its first module.
    """
    found: dict[str, str] = {}
    for module in _engines(package):
        tell = getattr(module, "installed_models", None)
        if tell is not None:
            found |= tell()
    return found


def discover(package: str) -> list[Operation]:
    """Read the operations of every engine in a package."""
    return [operation for module in _engines(package) for operation in engine_operations(module)]


def _engines(package: str) -> Iterator[ModuleType]:
    """Find the engines: modules and folders that are not named with an underscore and list operations."""
    parent = importlib.import_module(package)
    for entry in sorted(pkgutil.iter_modules(parent.__path__), key=lambda entry: entry.name):
        if not entry.name.startswith("_"):
            module = importlib.import_module(f"{package}.{entry.name}")
            if hasattr(module, "OPERATIONS"):
                yield module
