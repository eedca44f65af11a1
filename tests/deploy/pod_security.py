"""The Pod Security Standard "restricted", as far as the manifests here have something to say.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_HOST = ("hostNetwork", "hostPID", "hostIPC")


def breaches(pod: dict[str, Any]) -> list[str]:
    """What an admission controller would refuse.

    Args:
        pod: the spec of a pod.
    """
    return [*_pod(pod), *(text for one in containers(pod) for text in _container(pod, one))]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """All containers of a pod, those that start first among them."""
    return [*pod.get("initContainers", ()), *pod["containers"]]


def _pod(pod: dict[str, Any]) -> Iterator[str]:
    yield from (name for name in _HOST if pod.get(name))
    for volume in pod.get("volumes", ()):
        yield from (f"volume {kind}" for kind in set(volume) - {"name"} - _VOLUMES)


def _container(pod: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    own = container.get("securityContext", {})
    both = pod.get("securityContext", {}) | own
    rules = {
        "may be root": both.get("runAsNonRoot") is True,
        "user 0": both.get("runAsUser") != 0,
        "seccomp": both.get("seccompProfile", {}).get("type") in {"RuntimeDefault", "Localhost"},
        "privilege escalation": own.get("allowPrivilegeEscalation") is False,
        "privileged": not own.get("privileged"),
        "capabilities kept": "ALL" in own.get("capabilities", {}).get("drop", ()),
        "capabilities added": set(own.get("capabilities", {}).get("add", ()))
        <= {"NET_BIND_SERVICE"},
        "host port": not any("hostPort" in port for port in container.get("ports", ())),
    }
    yield from (f"{container['name']}: {text}" for text, kept in rules.items() if not kept)
