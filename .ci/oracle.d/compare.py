"""Compares what this project and the CLI make of documents."""

import collections
import json
import re
import subprocess

from differences import DIFFERENCES, desired, is_held

PLACEHOLDER = re.compile(r"At: \D*$")  # what the CLI's tests write where a time does not matter


def fixture_case(document):
    """A document of the CLI's tests, read for the deployment that it wants."""
    target = {"agent": document.get("name") or "bot", "id": desired(document) or "deploy-1", "previous": ""}
    return {"target": target, "document": document}


def generated(program, n, seed):
    lines = subprocess.run([program, "-generate", str(n), "-seed", str(seed)], check=True, capture_output=True, text=True, timeout=120).stdout
    return [json.loads(line) for line in lines.splitlines()]


class Comparison:
    def __init__(self, program, judge):
        self.program, self.judge = program, judge
        self.documents, self.agreed = 0, collections.Counter()
        self.explained = collections.Counter()
        self.failures = []

    def run(self, cases, lossless=False):
        """Judges cases. With lossless, ours must decode all that it has a place for."""
        lines = "".join(json.dumps(case) + "\n" for case in cases)
        answers = subprocess.run([self.program], input=lines, check=True, capture_output=True, text=True, timeout=120).stdout.splitlines()
        if len(answers) != len(cases):
            raise SystemExit(f"oracle: {len(answers)} answers to {len(cases)} cases")
        unread = set()
        for case, line in zip(cases, answers):
            answer = json.loads(line)
            self._compare(case, answer)
            unread.update(answer.get("unread", []))
            lost = [field for field in answer.get("lost", []) if not PLACEHOLDER.search(field)]
            if lossless and lost:
                self.failures.append(f"lost when decoded: {lost}\n  of {json.dumps(case['document'])}")
        self.documents += len(cases)
        return sorted(unread)

    def _compare(self, case, answer):
        ours = answer["verdict"]
        theirs, why = self.judge(case["document"])
        if not is_held(case, ours):
            self.failures.append(f"ours: {ours} ({answer.get('why', '')}), which the list rules out\n  {json.dumps(case)}")
            return
        if ours == theirs:
            self.agreed[ours] += 1
            return
        for difference in DIFFERENCES:
            if difference.explains(case, ours, theirs):
                self.explained[difference.name] += 1
                return
        self.failures.append(f"ours: {ours} ({answer.get('why', '')}), the CLI's: {theirs}\n  {json.dumps(case)}\n  the CLI says: {why.strip()}")

    def report(self):
        print(f"  {self.documents} documents: {self.agreed.total()} agree", dict(sorted(self.agreed.items())))
        for difference in DIFFERENCES:
            count = self.explained[difference.name]
            print(f"  {count:5} {difference.name}")
            if count == 0:
                self.failures.append(f"no document shows the difference {difference.name}: take it off the list")
