"""promtool, run in Prometheus's container: it tries what a node tells, and the rules that the target has."""

import json
from collections.abc import Mapping
from typing import Any

from support.containers.fleet import Fleet
from support.errors import ProbeError

_RULES = "/etc/prometheus/rules.yml"
_TRIAL = "/tmp/trial.yml"
_TOLD = "/tmp/told.txt"
_SWEPT = ("GOGC=400", "GOMEMLIMIT=64MiB")  # else a fifth of its time goes to that, or all of Prometheus's memory
_FAULTS = 1


def findings_of(fleet: Fleet, text: str) -> str:
    """What `promtool check metrics` says of an exposition; nothing, when it finds nothing."""
    service = fleet.stores["prometheus"]
    service.put({_TOLD: text.encode()})
    ended = service.exec(["sh", "-c", f"promtool check metrics < {_TOLD} 2>&1"])
    said = ended.output.decode(errors="replace").strip()
    return said or ("" if ended.exit_code == 0 else f"it ended with {ended.exit_code}")


def failures_of(fleet: Fleet, trial: Mapping[str, Any]) -> str:
    """What `promtool test rules` says of the target's rules in the world of `trial`; nothing when all is as expected.

    Raises ProbeError when it did not come to its end.

    Its format: prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules. JSON is YAML.
    """
    service = fleet.stores["prometheus"]
    service.put({_TRIAL: json.dumps({"rule_files": [_RULES], **trial}).encode()})
    ended = service.exec(["env", *_SWEPT, "promtool", "test", "rules", _TRIAL])
    said = ended.output.decode(errors="replace").strip()
    if ended.exit_code not in (0, _FAULTS):
        raise ProbeError(f"promtool ended with {ended.exit_code}: {said}")
    return "" if ended.exit_code == 0 else said or f"it ended with {ended.exit_code}"
