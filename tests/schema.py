#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every example past the schema and past the loader: the two have to agree.

usage: [WARREN=./warren] tests/schema.py     (from the top of the tree)
needs: python3-yaml, python3-jsonschema

Good files pass both.  Bad ones fail the loader, and fail the schema (or YAML itself) too,
unless they are in BEYOND: what is wrong with them no schema can say.
"""
import glob
import json
import os
import subprocess
import sys

import jsonschema
import yaml

# file: why a schema cannot say it
BEYOND = {
    "control": "characters that do not show",
    "tenant-overlap": "prefixes that overlap",
    "addresses": "which prefix an address lies in",
    "ambiguous": "references",
    "clashes": "names that meet",
    "key-twice": "keys that are given twice, which YAML readers drop",
    "napt-addresses": "which prefix an address lies in",
    "own-key": "which keys belong together",
    "pool-exhausted": "how far a pool reaches",
    "ports": "ports that are used twice",
    "routes": "routes that meet",
    "route-via": "which prefix an address lies in",
    "two-documents": "documents are seen one by one",
    "utf16": "the encoding, which YAML readers undo",
}


def by_schema(validator, path):
    """What the schema, or YAML before it, has against a file; None: nothing."""
    try:
        with open(path, "rb") as f:
            documents = list(yaml.safe_load_all(f))
    except (yaml.YAMLError, UnicodeError, RecursionError, ValueError) as e:
        return str(e)
    if not documents:
        return "empty"
    error = next(validator.iter_errors(documents[0]), None)
    return error and f"{list(error.absolute_path)}: {error.message}"


def main():
    warren = os.environ.get("WARREN", "./warren")
    with open("topologies/schema.json", encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    wrong = []
    good = glob.glob("tests/topologies/good/*.yaml") + glob.glob("topologies/*.yaml")
    bad = glob.glob("tests/topologies/bad/*.yaml")
    if not good or not bad:
        wrong.append("no examples here: run from the top of the tree")
    for path in sorted(good + bad):
        name = path.rsplit("/", 1)[1][: -len(".yaml")]
        said = by_schema(validator, path)
        loads = subprocess.run([warren, "validate", path], capture_output=True, check=False)
        if path in good:
            if said:
                wrong.append(f"{path}: good, but the schema says: {said[:300]}")
            if loads.returncode != 0:
                wrong.append(f"{path}: good, but: {loads.stderr.decode()[:300]}")
            continue
        if loads.returncode != 2:
            wrong.append(f"{path}: bad, but validate exits with {loads.returncode}")
        if not said and name not in BEYOND:
            wrong.append(f"{path}: bad, but the schema passes it")
        if said and name in BEYOND:
            wrong.append(f"{path}: the schema catches it after all: take it out of BEYOND: {said[:200]}")
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"schema: {len(good)} good, {len(bad)} bad, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
