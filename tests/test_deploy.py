"""What deploy/ holds, by the schemas and tools of those who will read it, and by our own parser."""

import importlib.util
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from conftest import ROOT

from harness.cli import main

DEPLOY = ROOT / "deploy"
PAGE = ROOT / "docs" / "kubernetes.md"
KUBERNETES = "1.37"
PIPES = re.compile(r"\s*(?:\||>|;|&&)\s*")

# Fields of the RayJob and their types, from KubeRay's API reference (docs/reference/api.md, ray.io/v1), as far as they
# are not pods; those must be Kubernetes' own. No others are taken.
POD = {"type": "object"}
WORDS = {"type": "object", "additionalProperties": {"type": "string"}}
COUNT = {"type": "integer", "minimum": 0}
WORKERS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["groupName", "rayStartParams", "template", "replicas", "minReplicas", "maxReplicas"],
    "properties": {
        "groupName": {"type": "string"},
        "replicas": COUNT,
        "minReplicas": COUNT,
        "maxReplicas": COUNT,
        "numOfHosts": COUNT,
        "idleTimeoutSeconds": COUNT,
        "suspend": {"type": "boolean"},
        "rayStartParams": WORDS,
        "template": POD,
    },
}
CLUSTER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["headGroupSpec", "rayVersion"],
    "properties": {
        "rayVersion": {"type": "string"},
        "suspend": {"type": "boolean"},
        "managedBy": {"type": "string"},
        "authOptions": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"mode": {"enum": ["disabled", "token"]}},
        },
        "enableInTreeAutoscaling": {"type": "boolean"},
        "headServiceAnnotations": WORDS,
        "headGroupSpec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["rayStartParams", "template"],
            "properties": {
                "template": POD,
                "enableIngress": {"type": "boolean"},
                "rayStartParams": WORDS,
                "serviceType": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
            },
        },
        "workerGroupSpecs": {"type": "array", "items": WORKERS},
    },
}
RAYJOB = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayJob"},
        "metadata": {"type": "object", "required": ["name"]},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["entrypoint", "rayClusterSpec"],
            "properties": {
                "entrypoint": {"type": "string"},
                "activeDeadlineSeconds": {"type": "integer", "minimum": 1},
                "backoffLimit": COUNT,
                "ttlSecondsAfterFinished": COUNT,
                "shutdownAfterJobFinishes": {"type": "boolean"},
                "suspend": {"type": "boolean"},
                "runtimeEnvYAML": {"type": "string"},
                "submissionMode": {"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode"]},
                "entrypointNumCpus": {"type": "number"},
                "entrypointNumGpus": {"type": "number"},
                "submitterPodTemplate": POD,
                "rayClusterSpec": CLUSTER,
            },
        },
    },
}


def documents(name):
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def rayjob():
    (made,) = (document for document in documents("rayjob.yaml") if document["kind"] == "RayJob")
    return made


def ray_pods(made):
    cluster = made["spec"]["rayClusterSpec"]
    return [group["template"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def needed(module):
    """The module; where it is missing the test skips, except in CI."""
    if importlib.util.find_spec(module) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{module} is not installed, and CI asks for it")
        pytest.skip(f"{module} is not installed")
    return importlib.import_module(module)


class TestManifests:
    @pytest.mark.parametrize("name", ["job.yaml", "rayjob.yaml"])
    def test_kubernetes_takes_them(self, name):
        validate = needed("kubernetes_validate").validate
        kinds = []
        for document in documents(name):
            if document["kind"] == "RayJob":
                for pod in ray_pods(document):
                    whole = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, **pod}
                    validate(whole, KUBERNETES, strict=True)
            else:
                validate(document, KUBERNETES, strict=True)
            kinds.append(document["kind"])
        assert kinds[-1] in ("Job", "RayJob")

    def test_a_misspelt_field_would_be_found(self):
        tool = needed("kubernetes_validate")
        job = documents("job.yaml")[-1]
        job["spec"]["template"]["spec"]["containers"][0]["argz"] = []
        with pytest.raises(tool.ValidationError, match="argz"):
            tool.validate(job, KUBERNETES, strict=True)

    def test_the_rayjob_has_the_fields_that_kuberay_knows(self):
        jsonschema = needed("jsonschema")
        made = rayjob()
        jsonschema.validate(made, RAYJOB)
        made["spec"]["rayClusterSpec"]["workerGroups"] = []
        with pytest.raises(jsonschema.ValidationError, match="workerGroups"):
            jsonschema.validate(made, RAYJOB)

    def test_replicas_versions_and_images_agree(self):
        made = rayjob()
        (group,) = made["spec"]["rayClusterSpec"]["workerGroupSpecs"]
        line = shlex.split(made["spec"]["entrypoint"])
        assert group["replicas"] == group["minReplicas"] == group["maxReplicas"]
        assert line[line.index("--replicas") + 1] == str(group["replicas"])
        build = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
        assert f"ARG RAY_VERSION={made['spec']['rayClusterSpec']['rayVersion']}\n" in build
        pods = [*ray_pods(made), documents("job.yaml")[-1]["spec"]["template"]]
        images = {container["image"] for pod in pods for container in pod["spec"]["containers"]}
        (image,) = images
        assert f'IMAGE = "{image}"' in (DEPLOY / "kubeflow.py").read_text(encoding="utf-8")
        assert image in PAGE.read_text(encoding="utf-8")
        for pod in pods:
            assert f"USER {pod['spec']['securityContext']['runAsUser']}:" in build

    def test_volumes_that_are_mounted_are_there(self):
        for pod in [*ray_pods(rayjob()), documents("job.yaml")[-1]["spec"]["template"]]:
            there = {volume["name"] for volume in pod["spec"]["volumes"]}
            for container in pod["spec"]["containers"]:
                assert {mount["name"] for mount in container["volumeMounts"]} == there


class TestContainerfile:
    @pytest.fixture
    def steps(self):
        file = io.BytesIO((DEPLOY / "Containerfile").read_bytes())
        parser = needed("dockerfile_parse").DockerfileParser(fileobj=file)
        return [(step["instruction"], step["value"]) for step in parser.structure if step["instruction"] != "COMMENT"]

    def test_it_is_well_formed(self, steps):
        known = {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "VOLUME", "USER", "ENTRYPOINT", "CMD"}
        assert {name for name, _ in steps} <= known
        for name, value in steps:
            if name in ("ENTRYPOINT", "CMD", "VOLUME"):
                assert isinstance(json.loads(value), list)
            if name == "RUN":
                subprocess.run(["sh", "-n", "-c", value], check=True)
        stages = [value for name, value in steps if name == "FROM"]
        assert stages[0].endswith(" AS wheel")
        assert all(re.search(r":[\w.${}-]+( AS |$)", stage) and ":latest" not in stage for stage in stages)

    def test_it_does_not_run_as_root_and_starts_harness(self, steps):
        last = dict(steps)  # the last of each
        assert last["USER"] == "10001:10001"
        assert json.loads(last["ENTRYPOINT"]) == ["harness"]
        assert set(json.loads(last["VOLUME"])) == {"/cache", "/study"}

    def test_what_it_copies_is_what_the_wheel_is_built_from(self, steps):
        copied = {
            word for name, value in steps if name == "COPY" and "--from" not in value for word in value.split()[:-1]
        }
        assert all((ROOT / name).exists() for name in copied)
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        forced = re.findall(r'^"(\w+)" = "harness/builtin/', text, flags=re.MULTILINE)
        assert {"harness", "pyproject.toml", "README.md", "LICENSE", *forced} <= copied


def lines():
    """Every `harness` command line in deploy/ and its page, as words."""
    for document in documents("job.yaml"):
        for container in document["spec"].get("template", {}).get("spec", {}).get("containers", ()):
            yield [*container["command"], *container["args"]]
    yield shlex.split(rayjob()["spec"]["entrypoint"])
    for block in re.findall(r"```sh[^\n]*\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] == "harness":
                yield words
            elif words[:2] == ["docker", "run"]:  # the entry point is harness
                yield ["harness", *words[next(i for i, word in enumerate(words) if "/harness:" in word) + 1 :]]


def check(words):
    """Parse a command line as the program does; nothing is run. Unknown options and missing ones fail."""
    assert words[0] == "harness"
    with click.Context(main, info_name="harness") as context:
        name, command, rest = main.resolve_command(context, list(words[1:]))
        command.make_context(name, rest, parent=context)


def test_every_command_line_is_one_that_harness_takes():
    found = list(lines())
    assert len(found) == 4
    for words in found:
        check(words)
    with pytest.raises(click.UsageError, match="No such option"):
        check([*found[0], "--nonsense"])


def compiler():
    """`kfp`, from an environment of its own beside this one (see the Makefile) or the path."""
    return shutil.which("kfp", path=os.pathsep.join((str(Path(sys.prefix) / "kfp" / "bin"), os.environ["PATH"])))


@pytest.mark.slow
def test_the_pipeline_compiles_and_its_commands_are_real(tmp_path):
    if compiler() is None:
        if os.environ.get("CI"):
            pytest.fail("kfp is not installed, and CI asks for it")
        pytest.skip("kfp is not installed")
    made = tmp_path / "pipeline.yaml"
    done = subprocess.run(
        [compiler(), "dsl", "compile", "--py", str(DEPLOY / "kubeflow.py"), "--output", str(made)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pipeline = yaml.safe_load(made.read_text())
    given = {k: v["defaultValue"] for k, v in pipeline["root"]["inputDefinitions"]["parameters"].items()}

    def filled(word):
        word = re.sub(r"{{\$\.inputs\.parameters\['(\w+)'\]}}", lambda found: given[found[1]], word)
        return re.sub(r"{{\$\.(?:in|out)puts\.artifacts\['(\w+)'\]\.path}}", r"/tmp/\1", word)

    steps = {name: step["container"] for name, step in pipeline["deploymentSpec"]["executors"].items()}
    study, publish = (
        [filled(w) for w in (*s["command"], *s["args"])] for s in map(steps.get, ("exec-study", "exec-publish"))
    )
    check(study)
    assert steps["exec-study"]["resources"]["accelerator"]["resourceType"] == "nvidia.com/gpu"
    shell = [shlex.split(part) for part in PIPES.split(publish[2]) if part.startswith("harness ")]
    assert len(shell) == 1
    check(shell[0])
