"""Holds what kustomize made against what every pod of ours is to be: manifests.py FILE. Prints the kinds that are Kubernetes' own, each into
a file of the folder FILE.d, for kubernetes-validate; those of operators have no schema here."""

import pathlib
import sys

import yaml

OWN = {"", "apps", "batch", "policy"}


def refuse(what):
    sys.exit(f"failed: {what}")


def check_pod(name, spec):
    security = spec.get("securityContext", {})
    if not security.get("runAsNonRoot") or security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        refuse(f"{name} may run as root, or without seccomp")
    if spec.get("automountServiceAccountToken") is not False:
        refuse(f"{name} is given a token")
    if spec.get("terminationGracePeriodSeconds") != 60:
        refuse(f"{name} has another time to end than 60 s")
    for container in spec["containers"]:
        allowed = container.get("securityContext", {})
        if allowed.get("allowPrivilegeEscalation") is not False or not allowed.get("readOnlyRootFilesystem") \
                or allowed.get("capabilities", {}).get("drop") != ["ALL"]:
            refuse(f"{name} is not restricted")
        if "memory" not in container.get("resources", {}).get("limits", {}):
            refuse(f"{name} has no limit of memory")
        if any("URL" in variable["name"] for variable in container.get("env", [])):
            refuse(f"{name} has a URL in the clear")


def main(path):
    folder = pathlib.Path(path + ".d")
    folder.mkdir(exist_ok=True)
    for number, resource in enumerate(yaml.safe_load_all(pathlib.Path(path).read_text(encoding="utf-8"))):
        name = f"{resource['kind']}/{resource['metadata']['name']}"
        if resource["kind"] != "Namespace" and resource["metadata"].get("namespace") != "certferry":
            refuse(f"{name} is in no namespace, or in another")
        version = resource["apiVersion"]
        if (version.split("/")[0] if "/" in version else "") in OWN:
            (folder / f"{number}.yaml").write_text(yaml.safe_dump(resource), encoding="utf-8")
        if resource["kind"] in ("Job", "Deployment"):
            check_pod(name, resource["spec"]["template"]["spec"])
        if resource["kind"] == "Job":
            rules = resource["spec"]["podFailurePolicy"]["rules"]
            if rules[0]["action"] != "FailJob" or 2 not in rules[0]["onExitCodes"]["values"]:
                refuse(f"{name} is tried again when it is configured wrongly")


main(*sys.argv[1:])
