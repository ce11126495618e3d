"""How the project's dataclasses are read by pydantic: unknown keys refused, attribute docstrings kept.

A string under a field is its description in the JSON Schema, on the OpenAPI page and in the manual.
"""

from pydantic import ConfigDict, with_config

documented = with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False))
