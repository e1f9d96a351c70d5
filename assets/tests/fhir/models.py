"""Reads what the API has sent (validate.mjs wrote it down) with the models of fhir.resources, release R4B:
for what is sent here it differs from R4 in nothing."""

import importlib
import json
import os
import sys


def model(resource_type):
    return getattr(importlib.import_module(f"fhir.resources.R4B.{resource_type.lower()}"), resource_type)


def check(resource, wrong):
    """A bundle's entries one by one, so that each fault has its name."""
    bare = {name: value for name, value in resource.items() if name != "entry"}
    count = 1
    for entry in resource.get("entry", []):
        count += check(entry["resource"], wrong)
    try:
        model(resource["resourceType"]).model_validate(bare)
    except Exception as fault:  # noqa: BLE001, whatever it is, it is told
        wrong.append(f"{resource['resourceType']}/{resource.get('id', '')}: {fault}")
    return count


def main():
    wrong = []
    with open(os.environ["FHIR_SENT"], encoding="utf-8") as lines:
        count = sum(check(json.loads(line), wrong) for line in lines)
    print(f"{count} resources, {len(wrong)} wrong")
    print("\n".join(wrong[:20]))
    return 1 if wrong or count < 30 else 0


if __name__ == "__main__":
    sys.exit(main())
