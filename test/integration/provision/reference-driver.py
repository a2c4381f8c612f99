"""Runs the installed `nvflare provision` again and again in one process.

One request per line on standard input: {"project", "workspace", "cwd", "add_user", "add_client", "gen_scripts"}.
One answer per line on standard output: {"ok", "output"}; ok = a new prod folder appeared.
"""

import argparse
import contextlib
import io
import json
import os
import sys
import traceback

from nvflare.lighter import provision as tool


def prods(workspace):
    found = set()
    for folder, _, _ in os.walk(workspace):
        if os.path.basename(folder).startswith("prod_"):
            found.add(folder)
    return found


def run(request):
    os.chdir(request["cwd"])
    arguments = ["-p", request["project"], "-w", request["workspace"]]
    for name in ("add_user", "add_client"):
        if request.get(name):
            arguments += ["--" + name, request[name]]
    if request.get("gen_scripts"):
        arguments.append("-s")
    parser = argparse.ArgumentParser()
    tool.define_provision_parser(parser)
    if "--force" in parser.format_help():
        arguments.append("--force")
    before = prods(request["workspace"])
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            tool.handle_provision(parser.parse_args(arguments))
        except (Exception, SystemExit):
            traceback.print_exc()
    return {"ok": bool(prods(request["workspace"]) - before), "output": output.getvalue()[-4000:]}


def main():
    os.umask(0o022)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(run(json.loads(line))) + "\n")
        answers.flush()


main()
