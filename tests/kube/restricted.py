#!/usr/bin/env python3
"""Asserts that rendered manifests keep the Pod Security Standard "restricted", and our own rules.

    restricted.py RENDERED.yaml...

Every rule is tried on a copy of the first pod that breaks it, so that none passes for want of looking.
Source of the rules: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

import copy
import sys

import yaml

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def containers(pod):
    return pod["containers"] + pod.get("initContainers", []) + pod.get("ephemeralContainers", [])


def every(look):
    """A rule that each container keeps."""
    return lambda pod: all(look(container, container.get("securityContext", {})) for container in containers(pod))


def grace(pod):
    """Seconds from preStop to the end of the longest call."""
    host = [container for container in pod["containers"] if container["args"] == ["serve"]]
    seconds = 0
    for container in host:
        env = {variable["name"]: variable.get("value") for variable in container["env"]}
        seconds = int(env["LEASEHOLD_GRACE"].removesuffix("s"))
        seconds += container["lifecycle"]["preStop"]["sleep"]["seconds"]
    return seconds


def serves(pod):
    return any(container["args"] == ["serve"] for container in pod["containers"])


def container(**fields):
    """Breaks the last container."""
    return lambda pod: containers(pod)[-1].update(fields)


def context(**fields):
    """Breaks the security context of the last container."""
    return lambda pod: containers(pod)[-1]["securityContext"].update(fields)


def whole(**fields):
    """Breaks the pod."""
    return lambda pod: pod.update(fields)


# What must hold of a pod, and what breaks it.
RULES = {
    "hostNetwork": (lambda pod: not pod.get("hostNetwork"), whole(hostNetwork=True)),
    "hostPID": (lambda pod: not pod.get("hostPID"), whole(hostPID=True)),
    "hostIPC": (lambda pod: not pod.get("hostIPC"), whole(hostIPC=True)),
    "privileged": (every(lambda _, sc: not sc.get("privileged")), context(privileged=True)),
    "capabilities.drop": (
        every(lambda _, sc: sc.get("capabilities", {}).get("drop") == ["ALL"]),
        context(capabilities={"drop": ["NET_RAW"]}),
    ),
    "capabilities.add": (
        every(lambda _, sc: not sc.get("capabilities", {}).get("add")),
        context(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
    ),
    "volumes": (
        lambda pod: all(set(volume) - {"name"} <= VOLUMES for volume in pod["volumes"]),
        lambda pod: pod["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
    ),
    "hostPort": (
        every(lambda it, _: not any(port.get("hostPort") for port in it.get("ports", []))),
        container(ports=[{"containerPort": 1, "hostPort": 1}]),
    ),
    "seLinuxOptions": (every(lambda _, sc: "seLinuxOptions" not in sc), context(seLinuxOptions={"type": "spc_t"})),
    "procMount": (every(lambda _, sc: sc.get("procMount", "Default") == "Default"), context(procMount="Unmasked")),
    "appArmorProfile": (
        every(lambda _, sc: sc.get("appArmorProfile", {}).get("type") != "Unconfined"),
        context(appArmorProfile={"type": "Unconfined"}),
    ),
    "sysctls": (lambda pod: not pod["securityContext"].get("sysctls"), lambda pod: pod["securityContext"].update(sysctls=[{}])),
    "allowPrivilegeEscalation": (
        every(lambda _, sc: sc.get("allowPrivilegeEscalation") is False),
        lambda pod: containers(pod)[-1]["securityContext"].pop("allowPrivilegeEscalation"),
    ),
    "runAsNonRoot": (
        lambda pod: pod["securityContext"].get("runAsNonRoot") is True
        and every(lambda _, sc: sc.get("runAsNonRoot", True) is True)(pod),
        context(runAsNonRoot=False),
    ),
    "runAsUser": (
        lambda pod: pod["securityContext"].get("runAsUser", 0) > 0 and every(lambda _, sc: sc.get("runAsUser", 1) > 0)(pod),
        context(runAsUser=0),
    ),
    "seccompProfile": (
        lambda pod: pod["securityContext"].get("seccompProfile") == {"type": "RuntimeDefault"}
        and every(lambda _, sc: "seccompProfile" not in sc)(pod),
        context(seccompProfile={"type": "Unconfined"}),
    ),
    # Ours.
    "readOnlyRootFilesystem": (
        every(lambda _, sc: sc.get("readOnlyRootFilesystem") is True),
        context(readOnlyRootFilesystem=False),
    ),
    "a uid of our own": (
        lambda pod: pod["securityContext"]["runAsUser"] not in (65532, 65534, 1000),
        lambda pod: pod["securityContext"].update(runAsUser=65532),
    ),
    "no token": (lambda pod: pod.get("automountServiceAccountToken") is False, whole(automountServiceAccountToken=True)),
    "a limit of memory": (every(lambda it, _: "memory" in it["resources"]["limits"]), container(resources={"limits": {}})),
    "the state in memory, of a size": (
        lambda pod: {"medium": "Memory"}.items()
        <= next(volume["emptyDir"] for volume in pod["volumes"] if volume["name"] == "state").items()
        and all("sizeLimit" in volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume),
        lambda pod: pod["volumes"].append({"name": "x", "emptyDir": {}}),
    ),
    "nothing else is writable": (
        every(lambda it, _: all(mount.get("readOnly") or mount["name"] == "state" for mount in it["volumeMounts"])),
        lambda pod: containers(pod)[-1]["volumeMounts"].append({"name": "x", "mountPath": "/x"}),
    ),
    "time for the longest call": (
        lambda pod: not serves(pod) or pod["terminationGracePeriodSeconds"] > grace(pod),
        lambda pod: pod.update(terminationGracePeriodSeconds=grace(pod)),
    ),
    "probes on a port of their own": (
        lambda pod: not serves(pod)
        or all(pod["containers"][0][kind]["httpGet"]["port"] == "admin" for kind in ("startupProbe", "readinessProbe", "livenessProbe")),
        lambda pod: pod["containers"][0].update(livenessProbe={"httpGet": {"port": "http"}}),
    ),
}


def broken(pod):
    return [name for name, (holds, _) in RULES.items() if not holds(pod)]


def main(files):
    documents = [(file, it) for file in files for it in yaml.safe_load_all(open(file)) if it]
    pods = [(file, it["spec"]["template"]["spec"]) for file, it in documents if it["kind"] in ("Deployment", "Job")]
    assert len(pods) == len(files), "a file without a pod"
    for file, pod in pods:
        assert not broken(pod), f"{file}: {broken(pod)}"

    serving = next(pod for _, pod in pods if serves(pod))
    for name, (_, breaks) in RULES.items():
        pod = copy.deepcopy(serving)
        breaks(pod)
        assert name in broken(pod), f"the rule {name!r} lets its own breach pass"

    for file in {file for file, pod in pods if serves(pod)}:
        kinds = {it["kind"]: it for at, it in documents if at == file}
        assert kinds["ServiceAccount"]["automountServiceAccountToken"] is False
        labels = kinds["Deployment"]["spec"]["template"]["metadata"]["labels"]
        policy = kinds["NetworkPolicy"]["spec"]
        assert policy["podSelector"]["matchLabels"].items() <= labels.items() and policy["egress"] == []
        assert set(policy["policyTypes"]) == {"Ingress", "Egress"} and all(rule["from"] for rule in policy["ingress"])
        budget = kinds["PodDisruptionBudget"]["spec"]
        assert budget["selector"]["matchLabels"].items() <= labels.items() and budget["maxUnavailable"] == 1
        assert kinds["Service"]["spec"]["selector"].items() <= labels.items()
        assert [port["targetPort"] for port in kinds["Service"]["spec"]["ports"]] == ["http"]
        assert kinds["Deployment"]["spec"]["template"]["spec"]["topologySpreadConstraints"]
    print(f"{len(pods)} pods keep {len(RULES)} rules")


main(sys.argv[1:])
