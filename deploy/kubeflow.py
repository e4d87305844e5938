"""A Kubeflow pipeline: run a study on a GPU, then publish its table: kfp dsl compile --py kubeflow.py --output FILE"""

# No `from __future__ import annotations`: kfp reads the annotations themselves.
from kfp import dsl

IMAGE = "registry.example.com/harness:0.1.0"


@dsl.container_component
def study(
    task: str, model: str, shots: str, templates: str, baselines: str, results: dsl.Output[dsl.Artifact]
) -> dsl.ContainerSpec:
    """`harness run`: all runs of the study, sealed, as one artifact."""
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["harness", "run"],
        args=[
            "--task",
            task,
            "--model",
            model,
            "--shots",
            shots,
            "--template",
            templates,
            "--baseline",
            baselines,
            "--results",
            results.path,
        ],
    )


@dsl.container_component
def publish(results: dsl.Input[dsl.Artifact], table: dsl.Output[dsl.HTML]) -> dsl.ContainerSpec:
    """`harness report`: the table, shown in the pipeline's page."""
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["sh", "-ec", 'mkdir -p "$(dirname "$1")"; harness report --results "$0" --format html > "$1"'],
        args=[results.path, table.path],
    )


@dsl.pipeline(name="harness", description="Does this few-shot prompt beat a small model trained on the same data?")
def pipeline(
    task: str = "finsentiment",
    model: str = "Qwen/Qwen3-4B-Base",
    shots: str = "0,5",
    templates: str = "plain",
    baselines: str = "tfidf-logreg",
) -> None:
    """A study and its table. A task of your own must be in the image."""
    ran = study(task=task, model=model, shots=shots, templates=templates, baselines=baselines)
    ran.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(1).set_cpu_request("4").set_memory_limit("32G")
    ran.set_retry(2)
    publish(results=ran.outputs["results"])
