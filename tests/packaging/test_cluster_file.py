"""What we ship for clusters is what those read who read it: Ray, Slurm, Kubernetes, Docker."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import fillout_defaults, prepare_config, validate_config

from platform.cluster.node_types import read_node_types
from tests.packaging.interpreter import ROOT

AWS, OWN = ROOT / "cluster.yaml", ROOT / "cluster/on-premises.yaml"
JOB, SLURM, IMAGE = (
    ROOT / "cluster" / name for name in ("rayjob.yaml", "slurm.sbatch", "Dockerfile")
)


def loaded(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("path", [AWS, OWN], ids=lambda path: path.name)
def test_rays_own_schema_accepts_the_cluster_files(path: Path) -> None:
    validate_config(prepare_config(loaded(path)))


def test_rays_schema_would_notice_a_wrong_key() -> None:
    with pytest.raises(Exception, match="head_node_typo"):
        validate_config(fillout_defaults({**loaded(AWS), "head_node_typo": "head"}))


def test_the_head_of_the_cluster_is_one_of_its_node_types() -> None:
    assert loaded(AWS)["head_node_type"] in loaded(AWS)["available_node_types"]


def test_three_lines_of_the_cluster_file_are_to_be_changed() -> None:
    lines = [line for line in AWS.read_text().splitlines() if "CHANGE" in line]
    assert len([line for line in lines if not line.startswith("#")]) == 3


def test_machines_of_ones_own_are_set_up_as_those_of_a_cloud() -> None:
    aws, own = loaded(AWS), loaded(OWN)
    theirs = ("provider", "auth", "available_node_types", "head_node_type", "max_workers")
    for key in aws.keys() - {*theirs, "initialization_commands"}:
        assert own[key] == aws[key], key
    assert own["max_workers"] == len(own["provider"]["worker_ips"])


def test_the_job_of_kubernetes_has_what_kuberay_requires() -> None:
    job = loaded(JOB)
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert job["metadata"]["name"]
    spec = job["spec"]["rayClusterSpec"]
    assert spec["enableInTreeAutoscaling"] is True
    head, workers = spec["headGroupSpec"], spec["workerGroupSpecs"]
    for group in (head, *workers):
        pod = group["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert container["image"]
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
            paths = {mount["mountPath"] for mount in container["volumeMounts"]}
            assert {"/reports", "/dev/shm"} <= paths
    for group in workers:
        assert 0 == group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        assert group["groupName"]


def test_the_search_on_kubernetes_reads_what_its_cluster_can_grow_to() -> None:
    command = loaded(JOB)["spec"]["entrypoint"].split()
    file = Path(command[command.index("--cluster") + 1])
    assert file == Path("/opt/toco/cluster") / JOB.name  # where the image has it
    assert "WORKDIR /opt/toco\n" in IMAGE.read_text()
    (gpu,) = read_node_types(JOB).types
    assert (gpu.most, gpu.resources) == (8, {"CPU": 12, "GPU": 1})


def test_the_script_of_slurm_is_one_of_bash_and_its_directives_come_first() -> None:
    subprocess.run(["bash", "-n", str(SLURM)], check=True)
    lines = SLURM.read_text().splitlines()
    directives = [i for i, line in enumerate(lines) if line.startswith("#SBATCH ")]
    assert directives[-1] < next(i for i, line in enumerate(lines) if line and line[0] != "#")
    options = {lines[i].split()[1].partition("=")[0] for i in directives}
    assert {"--nodes", "--exclusive", "--requeue", "--signal", "--time"} <= options


def test_what_the_image_copies_is_there_and_not_held_back() -> None:
    copied = re.findall(r"^COPY (\S+) ", IMAGE.read_text(), re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert copied == ["constraints.txt", "."]
    assert (ROOT / copied[0]).is_file()
    assert not {"platform", "cluster", "README.md", "LICENSE"} & set(
        ignored
    )  # the wheel needs them
