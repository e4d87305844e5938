"""The same answers as the files that other programs leave."""

import csv
import json
import zipfile

LABELS = ("good", "bad", "so-so")


def lines(path, rows, end="\n"):
    path.write_bytes("".join(json.dumps(row, ensure_ascii=False) + end for row in rows).encode())
    return path


SAID = {f"test{i}": LABELS[(i + (i % 4 == 0)) % 3] for i in range(12)}
TEXT = {name: f"test sentence {name[4:]}" for name in SAID}


def lm_eval_written():
    return [
        {
            "doc_id": i,
            "doc": {"id": name, "text": TEXT[name], "label": "good"},
            "target": "good",
            "arguments": {"gen_args_0": {"arg_0": f"Text: {TEXT[name]}\nTone:", "arg_1": {"until": ["\n"]}}},
            "resps": [[f" {said}"]],
            "filtered_resps": [f" {said}"],
            "filter": "none",
            "metrics": ["exact_match"],
        }
        for i, (name, said) in enumerate(SAID.items())
    ]


def lm_eval_scored():
    return [
        {
            "doc_id": i,
            "doc": {"text": TEXT[name], "label": "good"},
            "target": 0,
            "arguments": {
                f"gen_args_{j}": {"arg_0": f"Text: {TEXT[name]}\nTone:", "arg_1": f" {label}"}
                for j, label in enumerate(LABELS)
            },
            "resps": [[[str(-1.0 if label == said else -3.0), "False"]] for label in LABELS],
            "filtered_resps": [[str(-1.0 if label == said else -3.0), "False"] for label in LABELS],
            "filter": "none",
        }
        for i, (name, said) in enumerate(SAID.items())
    ]


def every_eval():
    return [
        {
            "schema_version": "instance_level_eval_0.2.1",
            "evaluation_id": "tone/some/model/1",
            "model_id": "some/model",
            "evaluation_name": "tone",
            "sample_id": name,
            "interaction_type": "single_turn",
            "input": {"raw": TEXT[name], "reference": ["good"]},
            "output": {"raw": [f"The tone is {said}."]},
            "answer_attribution": [],
            "evaluation": {"score": 1.0, "is_correct": True},
            "token_usage": {"input_tokens": 20, "output_tokens": 2, "total_tokens": 22},
        }
        for name, said in SAID.items()
    ]


def batch():
    return [
        {
            "id": f"batch_req_{name}",
            "custom_id": name,
            "response": {
                "status_code": 200,
                "body": {
                    "model": "gpt-4o-mini",
                    "choices": [{"index": 0, "message": {"role": "assistant", "content": said}}],
                    "usage": {"prompt_tokens": 30, "completion_tokens": 1, "total_tokens": 31},
                },
            },
            "error": None,
        }
        for name, said in SAID.items()
    ]


def responses():
    rows = batch()
    for row, said in zip(rows, SAID.values(), strict=True):
        row["response"]["body"] = {
            "output": [
                {"type": "reasoning", "summary": []},
                {"type": "message", "content": [{"type": "output_text", "text": said}]},
            ],
            "usage": {"input_tokens": 30, "output_tokens": 1},
        }
    return rows


def promptfoo():
    found = [
        {
            "promptIdx": 0,
            "testIdx": i,
            "vars": {"text": TEXT[name]},
            "provider": {"id": "openai:gpt-4o", "label": ""},
            "response": {"output": said, "tokenUsage": {"total": 12, "prompt": 10, "completion": 2}},
            "success": True,
        }
        for i, (name, said) in enumerate(SAID.items())
    ]
    return {"evalId": "eval-1", "results": {"version": 3, "results": found}, "config": {}}


def inspect_log():
    samples = [
        {
            "id": name,
            "epoch": 1,
            "input": [{"role": "system", "content": "Say the tone."}, {"role": "user", "content": TEXT[name]}],
            "target": "good",
            "output": {
                "model": "openai/gpt-4o",
                "choices": [{"message": {"role": "assistant", "content": [{"type": "text", "text": said}]}}],
                "usage": {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10},
            },
            "scores": {"match": {"value": "C"}},
        }
        for name, said in SAID.items()
    ]
    return {"version": 2, "status": "success", "eval": {"task": "tone", "model": "openai/gpt-4o"}, "samples": samples}


def archive(path, log):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("header.json", json.dumps({key: log[key] for key in ("version", "status", "eval")}))
        for sample in log["samples"]:
            file.writestr(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", json.dumps(sample))
    return path


def write(path, name):
    """The answers ``SAID`` in the format ``name``."""
    rows = [{"id": key, "prediction": said} for key, said in SAID.items()]
    if name == "csv":
        with (path / "a.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("id", "prediction"), *SAID.items()])
        return "a.csv"
    if name == "parquet":
        import pandas as pd

        pd.DataFrame(rows).to_parquet(path / "a.parquet")
        return "a.parquet"
    if name == "inspect .eval":
        return archive(path / "a.eval", inspect_log()).name
    if name in ("promptfoo", "inspect"):
        (path / "a.json").write_text(json.dumps({"promptfoo": promptfoo, "inspect": inspect_log}[name]()))
        return "a.json"
    made = {
        "jsonl": lambda: rows,
        "by text": lambda: [{"text": TEXT[key].upper(), "label": said} for key, said in SAID.items()],
        "lm-eval written": lm_eval_written,
        "lm-eval scored": lm_eval_scored,
        "every eval ever": every_eval,
        "batch": batch,
        "responses": responses,
    }
    return lines(path / "a.jsonl", made[name]()).name


FORMATS = (
    *("csv", "parquet", "jsonl", "by text", "lm-eval written", "lm-eval scored", "every eval ever", "batch"),
    *("responses", "promptfoo", "inspect", "inspect .eval"),
)
