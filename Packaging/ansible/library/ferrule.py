#!/usr/bin/python
"""Loads iptables rules by Ferrule. It runs `ferrule plan`, `apply` and `confirm` on the host; nothing is parsed here."""

DOCUMENTATION = r"""
module: ferrule
short_description: Load iptables rules, all or none
description:
  - Loads rulesets in the format of iptables-save by C(ferrule apply), which replaces all tables or none.
  - In check mode nothing is loaded; C(changed) and C(plan) tell what C(ferrule plan) finds.
  - In diff mode the changed rules are shown.
options:
  files:
    description: The rulesets on the host, at most one of each family.
    type: list
    elements: path
  state:
    description: C(loaded) loads C(files). C(confirmed) keeps what an earlier task loaded with C(confirm), and proves that a new connection still works.
    choices: [loaded, confirmed]
    default: loaded
  confirm:
    description: Take the change back after this time, such as C(60s), unless a task with C(state=confirmed) comes first.
    type: str
  keep:
    description: The programs whose chains and rules are kept, such as C(docker).
    type: list
    elements: str
  probe:
    description: Packets that must pass under the new rules.
    type: list
    elements: str
  backend:
    description: The variant of iptables, as for C(ferrule apply --backend).
    choices: [auto, legacy, nft]
    default: auto
  executable:
    description: The program.
    type: path
    default: ferrule
"""

EXAMPLES = r"""
- name: load the rules, for a minute
  ferrule:
    files: [/etc/iptables/rules.v4, /etc/iptables/rules.v6]
    confirm: 60s
- name: begin a new connection
  meta: reset_connection
- name: keep the rules
  ferrule:
    state: confirmed
"""

RETURN = r"""
plan:
  description: What C(ferrule plan --format json) prints.
  type: dict
  returned: state is loaded
"""

import json

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "path"},
            "state": {"choices": ["loaded", "confirmed"], "default": "loaded"},
            "confirm": {"type": "str"},
            "keep": {"type": "list", "elements": "str", "default": []},
            "probe": {"type": "list", "elements": "str", "default": []},
            "backend": {"choices": ["auto", "legacy", "nft"], "default": "auto"},
            "executable": {"type": "path", "default": "ferrule"},
        },
        required_if=[("state", "loaded", ["files"])],
        supports_check_mode=True,
    )
    parameters = module.params
    program = module.get_bin_path(parameters["executable"], required=True)

    def run(*arguments, allowed=(0,)):
        status, output, errors = module.run_command([program, *arguments])
        if status not in allowed:
            module.fail_json(msg=errors.strip() or output.strip() or f"ferrule ended with {status}", rc=status, cmd=list(arguments))
        return status, output

    if parameters["state"] == "confirmed":
        status, output = run("history", "--format", "json")
        awaiting = "awaiting" in output
        if awaiting and not module.check_mode:
            run("confirm")
        module.exit_json(changed=awaiting)

    common = ["--backend", parameters["backend"]]
    if parameters["keep"]:
        common += ["--keep", ",".join(parameters["keep"])]
    status, output = run("plan", "--format", "json", *common, *parameters["files"], allowed=(0, 1))
    result = {"changed": status == 1, "plan": json.loads(output)}
    if module._diff and result["changed"]:
        text = run("plan", *common, *parameters["files"], allowed=(0, 1))[1]
        result["diff"] = {"prepared": text}
    if result["changed"] and not module.check_mode:
        options = common + [word for packet in parameters["probe"] for word in ("--probe", packet)]
        if parameters["confirm"]:
            options += ["--confirm", parameters["confirm"]]
        run("apply", *options, *parameters["files"])
    module.exit_json(**result)


if __name__ == "__main__":
    main()
