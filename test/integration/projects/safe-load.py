"""Reads a JSON list of YAML texts on standard input; answers whether PyYAML's safe loader takes each, and its value."""

import datetime
import json
import sys

import yaml


def plain(value):
    if isinstance(value, dict):
        return {"map": [[plain(key), plain(one)] for key, one in value.items()]}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (datetime.date, bytes, set)):
        return {"other": type(value).__name__}
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"int": str(value)}
    return value


answers = []
for text in json.load(sys.stdin):
    try:
        answers.append({"ok": True, "value": plain(yaml.safe_load(text))})
    except Exception:
        answers.append({"ok": False})
json.dump(answers, sys.stdout)
