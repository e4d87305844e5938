"""``harness check``: the same items, demonstrations and seeds for a new template and for what it replaces."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

from harness import metrics
from harness.chance import rng
from harness.engines.journal import Journal, Tell
from harness.errors import HarnessError, InputError
from harness.gate import probed, saved
from harness.gate.criteria import NOTHING, Criteria
from harness.gate.question import Old, Question, baseline_path, comparable
from harness.gate.saved import Reading
from harness.gate.verdict import Checked, Decision, Verdict, check_margin, judge, judge_sequentially
from harness.predictors.prompted import Prompted
from harness.probe.asked import Asked
from harness.prompt import template
from harness.results import store
from harness.results.store import Run
from harness.study import draft, grid
from harness.study.draft import Planned, Progress, Unanswered, why
from harness.study.items import Items
from harness.task.definition import Task
from harness.types import Engine, Example, Prediction, Signature, Status

BATCH = 32  # items between two looks of a sequential check


class Check:
    """Asks both sides with one engine, through the journal under ``root``: what was answered before costs nothing.
    ``changed`` are pairs of the signature in which the other side may differ besides the template."""

    def __init__(
        self,
        task: Task,
        question: Question,
        engine: Engine,
        root: Path,
        progress: Progress = lambda *_: None,
        tell: Tell = lambda _: None,
        changed: Collection[str] = (),
        criteria: Criteria = NOTHING,
    ) -> None:
        grid.check_task(task, question.metric)
        store.check_writable(root)
        self.task, self.question, self.engine, self.root = task, question, engine, root
        self.progress, self.tell, self.changed, self.criteria = progress, tell, changed, criteria
        self.metric = question.metric or task.spec.main_metric
        self.test = Items(task, question.split, question.limit, question.without_overlap).examples
        check_margin(question.margin, len(self.test))
        probed.known(criteria.losses)
        self.computed = 0

    def run(self, name: str) -> list[Run]:
        """The template's runs, one a seed, sealed."""
        spec = self.question.spec(name)
        asked = grid.run(self.task, spec, [self.engine], self.root, self.progress, tell=self.tell)
        made = [run for run, _ in asked]
        self.computed += sum(int(run.usage["computed_tokens"]) for run in made)
        return made

    def _asked(self, name: str) -> Asked:
        """The template, for probes to ask."""
        spec, how = self.question.spec(name), (self.progress, self.tell)
        return Asked(self.task, spec, [self.engine], self.root, 0, self.metric, *how)

    def save(self, name: str) -> Path:
        """Keep the template's answers as its baseline; returns the file."""
        path = baseline_path(self.task.name, name)
        saved.write(path, asdict(self.question), self.run(name), self.read(name))
        return path

    def decide(self, name: str, old: Old, sequential: bool = False) -> Checked:
        """The verdict on template ``name``. Raises InputError where the two sides cannot be compared."""
        if old.runs:  # refused before anything is computed
            comparable([side.run(self.test) for side in self._sides(name)], old.runs, old.title, self.changed)
        reading = self.read(name)
        before = self.read(old.name) if old.name else old.reading
        # Another model that gives the same answers to these items is not the same.
        identical = not self.changed and before is not None and before.prompts == reading.prompts
        verdict = self._sequentially(name, old) if sequential else self._whole(name, old, identical)
        flipped = {flip.id for flip in (*verdict.worse, *verdict.better)}
        return Checked(
            self.task.name,
            name,
            old.title,
            template.load(name, self.task).path,
            verdict,
            (before.tokens if before else math.nan, reading.tokens),
            self.computed,
            len(self.test),
            len(self.question.spec(name).seeds),
            {example.id: example.text for example in self.test if example.id in flipped},
        )

    def _whole(self, name: str, old: Old, identical: bool) -> Verdict:
        new = self.run(name)
        runs = list(old.runs) or self.run(str(old.name))
        more = self.criteria.findings(new, runs) + probed.findings(self.criteria.losses, self._asked(name))
        again = probed.again(self._asked(name)) if self.criteria.again else 0.0
        return replace(judge(new, runs, self.metric, self.question.margin + again, identical, more), again=again)

    def _sequentially(self, name: str, old: Old) -> Verdict:
        """Looks after every batch of items, in an order drawn by the first seed, and stops when it is certain."""
        self._check_sequential()
        with Journal(self.root / "journal.sqlite", self.tell) as journal:
            (new,) = self._sides(name, journal)
            return self._looks(new, self._sides(old.name, journal)[0] if old.name else None, old)

    def _looks(self, new: Side, other: Side | None, old: Old) -> Verdict:
        known = {} if other else {p.example_id: p for p in old.runs[0].predictions}
        order = [self.test[i] for i in rng("look", self.question.seeds[0]).permutation(len(self.test))]
        for end in range(BATCH, len(order) + BATCH, BATCH):
            batch, seen = order[end - BATCH : end], order[:end]
            for side in filter(None, (new, other)):
                self.computed += side.ask(batch)
                self.progress(side.title, len(side.found), len(order), self.computed)
            left = new.run(seen)
            right = other.run(seen) if other else replace(left, predictions=tuple(known[e.id] for e in seen))
            verdict = judge_sequentially(left, right, self.metric, self.question.margin, len(seen) == len(order))
            if verdict.failed[1] == len(seen):
                raise Unanswered(f"{new.title}: none of {len(seen)} items has an answer: {why(left.predictions[0])}")
            if verdict.decision is not Decision.UNDECIDED:
                break
        return verdict

    def _check_sequential(self) -> None:
        """Betting bounds are for the mean of independent items."""
        if self.criteria != NOTHING:
            raise InputError(
                "--sequential stops when answers are certain: leave out --cost-margin, --latency-margin and --probe."
            )
        if not metrics.create(self.metric, self.task.kind).mean:
            means = [name for name in self.task.spec.metrics if metrics.create(name, self.task.kind).mean]
            raise InputError(
                f"--sequential bounds a mean of the items' own scores, and {self.metric} is none. "
                + (
                    f"Say --metric {means[0]}."
                    if means
                    else "Add item-score to the task's metrics, and say --metric it."
                )
            )
        if len(self.question.seeds) > 1 and self.question.shots:
            raise InputError("--sequential looks at one draw of demonstrations. Give one --seed.")
        if store.clusters(self.test) is not None:
            raise InputError(f"--sequential needs independent items; those of task {self.task.name!r} are clustered.")

    def read(self, name: str) -> Reading:
        """The template's prompts over all items and seeds."""
        whole, tokens, count = sha256(), 0.0, 0
        for side in self._sides(name):
            prompted = side.predictor
            whole.update(repr(prompted.template.settings).encode())
            chosen = prompted.demos(self.test)
            prompts = [prompted.template.render(e, d.examples) for e, d in zip(self.test, chosen, strict=True)]
            for prompt, encoded in zip(prompts, prompted.encode(prompts), strict=True):
                whole.update(repr((prompt.content, prompt.choices)).encode())
                tokens += len(encoded.prompt) if encoded else math.nan
                count += 1
        return Reading(whole.hexdigest()[:16], tokens / count)

    def _sides(self, name: str, journal: Journal | None = None) -> list[Side]:
        """The template's fitted predictors, one a seed."""
        items = store.items_hash(self.test)
        plan = grid.plan(self.task, self.question.spec(name), [self.engine], journal)
        return [Side(self.task, planned, items, self.question.on_failure) for planned in plan]


class Side:
    """A template's fitted predictor, asked batch by batch."""

    def __init__(self, task: Task, planned: Planned, items: str, on_failure: str) -> None:
        self.on_failure = on_failure
        assert isinstance(planned.predictor, Prompted)
        self.task, self.items, self.predictor = task, items, planned.predictor.fit(planned.train)
        train = store.items_hash(planned.train)
        self.signature = self.predictor.signature + Signature.of(train=train)
        self.title = draft.title_of(draft.row_of(self.predictor))
        self.found: dict[str, Prediction] = {}

    def ask(self, batch: Sequence[Example]) -> int:
        """Answer the batch; returns the tokens computed."""
        computed = 0
        for prediction in self.predictor.predict(batch):
            self.found[prediction.example_id] = prediction
            if self.on_failure == "error" and prediction.status is Status.FAILED:
                raise HarnessError(f"{self.title}: item {prediction.example_id!r} has no answer: {why(prediction)}")
            computed += prediction.trace.usage.computed if prediction.trace else 0
        return computed

    def run(self, seen: Sequence[Example]) -> Run:
        """The answers so far, as far as ``seen``, as a run."""
        return Run(
            self.title,
            self.task.name,
            draft.row_of(self.predictor),
            self.signature,
            self.items,
            self.task.kind,
            tuple(self.found[e.id] for e in seen if e.id in self.found),
            tuple(replace(e, inputs={}) for e in seen),
            {},
            {},
            {},
            {},
        )
