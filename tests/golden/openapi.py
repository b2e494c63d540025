#!/usr/bin/env python3
"""The API's description and the API agree: every route of the sources is in net/web/openapi.json with its method and its lock, nothing
else is, every reference leads somewhere, and what the box says of a room is what the schemas promise."""
import glob
import json
import os
import re
import subprocess
import sys

os.chdir(os.environ.get("TOP", os.getcwd()))
ROUTE = re.compile(r'\{\s*WEB_(GET|POST|PUT|DELETE),\s*"(/[^"]*)",\s*WEB_(USER|ANYONE),\s*(\w+),')
HERE = ("/api/", "/metrics")  # pages are no part of the API


def routes():
    """{(path, method): open to anyone}"""
    found = {}
    for path in glob.glob("net/web/*.c") + glob.glob("board/**/*.c", recursive=True):
        with open(path, encoding="utf-8") as text:
            for method, pattern, needs, answer in ROUTE.findall(text.read()):
                if pattern.startswith(HERE) and answer != "closed_api":  # the refusal of a page that is closed
                    found[re.sub(r"[:+](\w+)", r"{\1}", pattern), method.lower()] = needs == "ANYONE"
    return found


def described(doc):
    return {(path, method): what.get("security") == [] for path, item in doc["paths"].items() for method, what in item.items()}


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def follow(doc, ref):
    for step in ref.removeprefix("#/").split("/"):
        doc = doc[step]
    return doc


TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None)}


def objection(doc, schema, value, at):
    """What speaks against a value; None when nothing does. As much of JSON Schema as the file uses."""
    if "$ref" in schema:
        return objection(doc, follow(doc, schema["$ref"]), value, at)
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(isinstance(value, TYPES[k]) and (k == "boolean" or not isinstance(value, bool)) for k in kinds):
        return f"{at}: {value!r} is none of {kinds}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at}: {value!r} is none of {schema['enum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{at}: {value!r}"
    if isinstance(value, list):
        return next(filter(None, (objection(doc, schema["items"], v, f"{at}[{i}]") for i, v in enumerate(value))), None)
    if not isinstance(value, dict) or "properties" not in schema:
        return None
    missing = set(schema.get("required", ())) - set(value)
    extra = set(value) - set(schema["properties"])
    if missing or (extra and not schema.get("additionalProperties")):
        return f"{at}: missing {sorted(missing)}, not described {sorted(extra)}"
    return next(filter(None, (objection(doc, schema["properties"][k], v, f"{at}.{k}") for k, v in value.items()
                              if k in schema["properties"])), None)


def main():
    with open("net/web/openapi.json", encoding="utf-8") as text:
        doc = json.load(text)
    wrong = []
    there, said = routes(), described(doc)
    wrong += [f"{m.upper()} {p} is served and not described" for p, m in sorted(set(there) - set(said))]
    wrong += [f"{m.upper()} {p} is described and not served" for p, m in sorted(set(said) - set(there))]
    wrong += [f"{m.upper()} {p}: who may is described wrongly" for p, m in sorted(set(there) & set(said)) if there[p, m] != said[p, m]]
    for ref in set(references(doc)):
        try:
            follow(doc, ref)
        except KeyError:
            wrong.append(f"{ref} leads nowhere")
    for what, name in (("whole", "Status"), ("change", "Change")):
        value = json.loads(subprocess.run(["build/e2e/status_tool", what], check=True, capture_output=True).stdout)
        why = objection(doc, {"$ref": f"#/components/schemas/{name}"}, value, name)
        wrong += [why] if why else []
    print("\n".join(wrong) or f"{len(there)} routes, described")
    sys.exit(bool(wrong))


main()
