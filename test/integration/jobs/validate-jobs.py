"""Decides job folders with the installed server's own validator.

stdin: JSON list of {"name", "entries": [{"path", "text"}]}, text null = a folder. stdout: JSON list of [valid, reason, byoc].
"""
import json
import logging
import sys
from io import BytesIO
from zipfile import ZipFile

from nvflare.apis.app_validation import AppValidationKey
from nvflare.private.fed.server.job_meta_validator import JobMetaValidator

logging.disable(logging.CRITICAL)


def archive(case):
    data = BytesIO()
    with ZipFile(data, "w") as zip_file:
        zip_file.writestr(case["name"] + "/", "")
        for entry in case["entries"]:
            path = case["name"] + "/" + entry["path"]
            if entry["text"] is None:
                zip_file.writestr(path + "/", "")
            else:
                zip_file.writestr(path, entry["text"].encode("utf-8", "surrogatepass"))
    return data.getvalue()


def decide(case):
    try:
        valid, reason, meta = JobMetaValidator().validate(case["name"], archive(case))
        return [bool(valid), reason, bool(valid and meta.get(AppValidationKey.BYOC))]
    except BaseException as error:  # the server answers such a job with an error too
        return [False, f"{type(error).__name__}: {error}", False]


json.dump([decide(case) for case in json.load(sys.stdin)], sys.stdout)
