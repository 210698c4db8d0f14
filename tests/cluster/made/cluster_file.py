"""From the file that we ship to one for the made machines: provider and paths change, no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from tests.packaging.interpreter import ROOT

# In place of packages and NFS: what stands for a network file system is there, at another path.
MOUNT = "mkdir -p /mnt/toco && (mountpoint -q /mnt/toco || mount --bind /mnt/shared /mnt/toco)"


def for_made_machines(head: str, workers: Sequence[str], most: int | None = None) -> dict[str, Any]:
    """Return cluster.yaml for machines at some addresses, none of whose workers runs at first."""
    config = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    del config["available_node_types"], config["head_node_type"]  # the provider makes its own
    config["provider"] = {"type": "local", "head_ip": head, "worker_ips": list(workers)}
    config["min_workers"], config["max_workers"] = 0, most or len(workers)
    config["auth"]["ssh_private_key"] = "~/.ssh/id_ed25519"
    config["initialization_commands"] = [MOUNT]
    return config
