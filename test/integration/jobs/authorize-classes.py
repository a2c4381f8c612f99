"""Says which components of app configurations the installed 2.8 server refuses, by its own walk and its own policy.

stdin: JSON list of configurations; stdout: for each the sorted paths of refused components, as `workflows.#1.args.x`.
"""
import json
import logging
import sys
import tempfile

from nvflare.apis.fl_exception import UnsafeComponentError
from nvflare.app_common.widgets.component_path_authorizer import ComponentPathAuthorizer
from nvflare.private.fed.server.server_json_config import FL_MODULES, FL_PACKAGES
from nvflare.private.fed_json_config import FedJsonConfigurator

logging.disable(logging.CRITICAL)
policy = ComponentPathAuthorizer()


class Walker(FedJsonConfigurator):
    """Asks for every component, builds none."""

    def _build_component(self, config_dict):
        return object()

    def process_config_element(self, config_ctx, node):
        path = node.path()
        section, _, rest = path.partition(".")
        depth = {"components": 1, "workflows": 1, "executors": 2}.get(section, 3)
        parts = rest.split(".") if rest else []
        if section not in ("components", "workflows", "executors", "task_data_filters", "task_result_filters"):
            return
        if len(parts) != depth or not parts[0].startswith("#"):
            return
        if depth == 2 and parts[1] != "executor":
            return
        if depth == 3 and (parts[1] != "filters" or not parts[2].startswith("#")):
            return
        self.authorize_and_build_component(node.element, config_ctx, node)


def refused(config):
    found = []

    def judge(config_dict, config_ctx, node):
        try:
            policy.authorize_component_config(config_dict, node)
        except UnsafeComponentError:
            found.append(node.path())

    with tempfile.NamedTemporaryFile("wt", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        walker = Walker(config_file_name=file.name, base_pkgs=FL_PACKAGES, module_names=FL_MODULES)
    walker.set_component_build_authorizer(judge)
    walker.json_scanner.scan(walker)
    return sorted(set(found))


json.dump([refused(config) for config in json.load(sys.stdin)], sys.stdout)
