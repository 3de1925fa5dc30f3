"""The API's description, read for those who attack it: what is a text, what is an id of what, what a right body is."""

import json
import uuid
from itertools import count

import jsonschema_rs

METHODS = ("get", "put", "post", "delete", "patch")

# Fields whose right value the schema does not tell.
RIGHT = {
    "email": lambda: f"essai-{uuid.uuid4().hex[:12]}@club.fr",
    "contact_email": lambda: "contact@club.fr",
    "logo_url": lambda: "https://club.fr/logo.png",
    "password": lambda: "Tir au but 7",
    "password_confirm": lambda: "Tir au but 7",
    "current_password": lambda: "Tir au but 6",
    "new_password": lambda: "Tir au but 8",
    "role": lambda: "viewer",
    "code": lambda: "123456",
    "mfa_required_roles": lambda: [],
    "mfa_grace_days": lambda: 7,
    "handle": lambda: "a" * 43,
    "next": lambda: "b" * 43,
    "command": lambda: "get_logs",
}

_number = count()


def operations(document):
    """Each operation: its method, path and description."""
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield method.upper(), path, methods[method]


class Document:
    """The description, with its references followed."""

    def __init__(self, document):
        self.document = document
        self.schemas = document["components"]["schemas"]
        self.known = {f"{method} {path}": operation for method, path, operation in operations(document)}

    def judge(self, schema):
        """Whether a value fits a schema, in any of its readings: of what stands in an address, texts are all there is."""
        components = {"components": {"schemas": self.schemas}}
        validator = jsonschema_rs.validator_for({**components, **schema}, validate_formats=True)

        def fits(value):
            readings = [value]
            if isinstance(value, str):
                try:
                    value.encode()
                    readings.append(json.loads(value))
                except UnicodeEncodeError:
                    return False  # half of a character
                except (ValueError, RecursionError):
                    pass
            return any(validator.is_valid(reading) for reading in readings)

        return fits

    def accepts(self, label, parts, query, body):
        """Whether the description allows a request once what counts as absent is left out."""
        operation, query = self.known[label], without_nothing(query or {})
        for parameter in operation.get("parameters", []):
            values = query if parameter["in"] == "query" else (parts or {})
            is_missing = parameter["name"] not in values
            if is_missing and parameter.get("required"):
                return False
            if not is_missing and not self.judge(parameter["schema"])(values[parameter["name"]]):
                return False
        media_type, schema = self.body(operation)
        return media_type != "application/json" or self.judge(schema)(without_nothing(body))

    def follow(self, schema):
        """A schema and the name under which it was referred to, if it was."""
        name = None
        while "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[-1]
            schema = self.schemas[name]
        return schema, name

    def alternatives(self, schema):
        """What a schema may be, `null` left out."""
        schema, name = self.follow(schema)
        choices = schema.get("oneOf") or schema.get("anyOf")
        if not choices:
            return [(schema, name)]
        return [found for choice in choices if choice.get("type") != "null" for found in self.alternatives(choice)]

    def types(self, schema):
        kinds = schema.get("type", [])
        return [kinds] if isinstance(kinds, str) else kinds

    def body(self, operation):
        """The media type and the schema of a body; nothing if there is none."""
        content = operation.get("requestBody", {}).get("content", {})
        for media_type, media in content.items():
            return media_type, media["schema"]
        return None, None

    def places(self, schema, at=()):
        """Every place of a body that holds one value: its path, schema, and the kind of id that it is."""
        for choice, name in self.alternatives(schema):
            if "properties" in choice or "allOf" in choice:
                for field, inner in self.fields(choice).items():
                    yield from self.places(inner, (*at, field))
            elif "array" in self.types(choice) and "items" in choice:
                yield from self.places(choice["items"], (*at, 0))
            else:
                yield at, choice, name

    def fields(self, schema):
        found = dict(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            found.update(self.fields(self.follow(part)[0]))
        return found

    def required(self, schema):
        found = list(schema.get("required", []))
        for part in schema.get("allOf", []):
            found += self.required(self.follow(part)[0])
        return found

    def right(self, schema, ids, field=None, also=()):
        """A value that is accepted, as far as a schema can tell; what lies on the path `also` is in it."""
        choice, name = self.alternatives(schema)[0]
        if field in RIGHT:
            return RIGHT[field]()
        if "properties" in choice or "allOf" in choice:
            fields = self.fields(choice)
            wanted = self.required(choice) + [part for part in also[:1] if isinstance(part, str)]
            return {name: self.right(fields[name], ids, name, also[1:] if name in also[:1] else ()) for name in wanted}
        if "array" in self.types(choice):
            return [self.right(choice["items"], ids, None, also[1:])] if "items" in choice else []
        if "enum" in choice:
            return choice["enum"][0]
        if choice.get("format") == "uuid":
            return ids.one(name)
        kinds = self.types(choice)
        if "string" in kinds:
            if choice.get("format") == "date-time":
                return "2030-01-15T12:00:00Z"
            text = f"Essai {next(_number)}"
            return text.ljust(choice.get("minLength", 0), "x")[: choice.get("maxLength", 255)]
        if "integer" in kinds or "number" in kinds:
            return choice.get("minimum", 1)
        return "boolean" in kinds if "object" not in kinds else {}


def without_nothing(value):
    """A query or a body without what counts as absent: `null` and blank texts."""
    if isinstance(value, dict):
        return {name: without_nothing(inner) for name, inner in value.items() if not is_nothing(inner)}
    return [without_nothing(inner) for inner in value] if isinstance(value, list) else value


def is_nothing(value):
    return value is None or (isinstance(value, str) and not value.strip())


def put(body, at, value):
    """A copy of a body with a value at a place."""
    if not at:
        return value
    if isinstance(body, list):
        # A list may be right without any element.
        return [put(body[0] if body else {}, at[1:], value)]
    return {**body, at[0]: put(body[at[0]], at[1:], value)}
