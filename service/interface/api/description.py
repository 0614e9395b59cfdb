"""The description of the API (OpenAPI), where FastAPI leaves something out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from service.interface.api.problems import Problem, declared

ROWS = {
    "type": "object",
    "required": ["items"],
    "properties": {"items": {"type": "array", "items": {"type": "object"}}},
}


def describe_all(app: FastAPI) -> None:
    """Let the description of ``app`` hold problems instead of FastAPI's own errors, and examples with their nulls."""
    write = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(write())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem, "Rows": ROWS}
    for model in _models(BaseModel):
        extra = model.model_config.get("json_schema_extra")
        if model.__module__.startswith(__package__) and model.__name__ in schemas and isinstance(extra, dict):
            schemas[model.__name__] |= extra
    for methods in document["paths"].values():
        for operation in methods.values():
            statuses = [422] if "422" in operation["responses"] else []
            if "requestBody" in operation:  # what is no JSON at all, or too long
                statuses += [400, 413]
            operation["responses"] |= {str(status): problem for status, problem in declared(*statuses).items()}
    return document


def _models(above: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in above.__subclasses__():
        yield model
        yield from _models(model)
