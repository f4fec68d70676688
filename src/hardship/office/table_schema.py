"""The JSON Schema of a table file, by which editors complete keys and check while one types."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from hardship.language.expression import Expression
from hardship.language.fields import exact
from hardship.language.table import Table, ValueList
from hardship.office import form

ADDRESS = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Exact numbers and expressions are classes of ours; in a file they are numbers and texts."""

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        """An expression is its text."""
        if schema["cls"] is Expression:
            return {"type": "string", "maxLength": 2000}
        return super().dataclass_schema(schema)

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """A number is a number, or a fraction as a text; other readers accept what they make."""
        if schema["function"]["function"] is exact:
            return {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^-?[0-9]{1,15}/[0-9]{1,15}$"}]}
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Without defaults: an absent key is not the same as its default written out."""
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """A file has no null: a key that may be absent is only not required."""
        return self.generate_inner(schema["schema"])


def schema_json() -> str:
    """The schema as stable JSON text (2020-12), titles in Chinese and English; ends with a line feed."""
    made = Table.model_json_schema(schema_generator=_Generator)
    for definition in (made, *made["$defs"].values()):
        for key, value in definition.get("properties", {}).items():
            name = (form.section if definition is made else form.label)(key, "zh")
            other = (form.section if definition is made else form.label)(key, "en")
            definition["properties"][key] = {**_without_title(value), "title": f"{name} / {other}"}
    own = made["$defs"][ValueList.__name__]["properties"]["values"]
    own["items"] = {"anyOf": [{"type": "string"}, own["items"]]}
    return json.dumps({"$schema": ADDRESS, **made}, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _without_title(value: dict[str, Any]) -> dict[str, Any]:
    return {key: one for key, one in value.items() if key != "title"}
