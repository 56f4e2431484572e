#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every example past the schema and past the loader: the two have to agree.

A folder is seen file by file: topology.yaml past the schema itself, the files of tenants.d past
its definition of them.

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
    "folder-no-gateway": "which hosts are gateways",
    "folder-pools": "how far a pool reaches",
    "folder-twice": "names, ports and addresses of several files",
    "folder-which-gateway": "whose tenants they are",
    "utf16": "the encoding, which YAML readers undo",
}


def by_schema(validators, path):
    """What the schema, or YAML before it, has against a file or a folder; None: nothing."""
    topology, tenants = validators
    if not os.path.isdir(path):
        return file_by_schema(topology, path)
    said = file_by_schema(topology, path + "/topology.yaml")
    for file in sorted(glob.glob(path + "/tenants.d/**/*.yaml", recursive=True)):
        said = said or file_by_schema(tenants, file)
    return said


def file_by_schema(validator, path):
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
    of_tenants = {"$ref": "#/definitions/tenants_file", "definitions": schema["definitions"]}
    validators = (jsonschema.Draft7Validator(schema), jsonschema.Draft7Validator(of_tenants))
    wrong = []
    good = glob.glob("tests/topologies/good/*.yaml") + glob.glob("topologies/*.yaml")
    good += glob.glob("tests/topologies/good/*.d") + glob.glob("topologies/*/")
    bad = glob.glob("tests/topologies/bad/*.yaml") + glob.glob("tests/topologies/bad/*.d")
    if not good or not bad:
        wrong.append("no examples here: run from the top of the tree")
    for path in sorted(good + bad):
        name = os.path.splitext(os.path.basename(path))[0]
        said = by_schema(validators, path)
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
