"""Where this project and the platform's own CLI differ about a document, and why.

Any other difference fails .ci/oracle, and so does one of these that no document
shows. docs/oracle.md has this table; run this file to print it.
"""

import dataclasses
import typing

Predicate = typing.Callable[[dict, dict], bool]


@dataclasses.dataclass
class Difference:
    name: str
    ours: str  # verdicts, separated by spaces
    cli: str
    reason: str
    applies: Predicate  # of the target and the document
    always: bool = False  # where it applies, our verdict is among these, whatever the CLI's is

    def explains(self, case, ours, cli):
        return ours in self.ours.split() and cli in self.cli.split() and self.applies(case["target"], case["document"])


def text(value):
    return value if isinstance(value, str) else ""


def desired(doc):
    return text(doc.get("desiredDeploymentId")) or text(doc.get("activeDeploymentId"))


def desired_by_cli(doc):
    """The CLI reads the deprecated field only where the other is absent, not where it is null."""
    return doc.get("desiredDeploymentId", doc.get("activeDeploymentId"))


def created(doc):
    deployment = doc.get("deployment")
    if not isinstance(deployment, dict) or text(deployment.get("id")) != desired(doc):
        return ""
    return text(deployment.get("createdAt"))


def is_stale(target, doc):
    if desired(doc) in (target["id"], ""):
        return False
    if desired(doc) == target["previous"]:
        return True
    return bool(created(doc)) and created(doc) < target.get("createdAt", "")


def is_superseded(target, doc):
    return desired(doc) not in (target["id"], "") and not is_stale(target, doc)


def shows_other_image(target, doc):
    deployment = doc.get("deployment")
    if not target.get("image") or is_stale(target, doc) or not isinstance(deployment, dict):
        return False
    if text(deployment.get("id")) not in ("", desired(doc)):
        return False
    image = deployment.get("manifest", {}).get("spec", {}).get("image")
    return bool(image) and image != target["image"]


def revision(target, doc):
    """The target's own revision."""
    current = doc.get("currentRevision")
    return current if isinstance(current, dict) and current.get("deploymentID") == target["id"] else {}


def health(target, doc):
    found = revision(target, doc).get("health")
    return found if isinstance(found, dict) else {}


STUCK = ("imagepullbackoff", "errimagepull", "invalidimagename", "createcontainerconfigerror", "createcontainererror", "runcontainererror")


def cannot_run(target, doc):
    """The target's revision shows a phase or a reason with which nothing serves."""
    if doc.get("reconciledDeploymentId") != target["id"]:
        return False
    reason = text(health(target, doc).get("reason")).lower()
    return text(revision(target, doc).get("phase")).lower() == "failed" or reason == "crashloopbackoff" or reason in STUCK


def nameless_cannot_run(target, doc):
    """So does a revision without an id, which is perhaps the target's."""
    found = doc.get("currentRevision")
    if not isinstance(found, dict) or text(found.get("deploymentID")):
        return False
    return cannot_run(target, {**doc, "currentRevision": {**found, "deploymentID": target["id"]}})


def serves(target, doc):
    return is_ready(doc) and says(doc.get("available")) is not False and doc.get("reconciledDeploymentId") == target["id"]


def restarts_too_often(target, doc):
    if serves(target, doc) or doc.get("reconciledDeploymentId") != target["id"]:
        return False
    count, started = health(target, doc).get("restartCount"), health(target, doc).get("replicasStarted")
    count, started = (n if isinstance(n, int) else 0 for n in (count, started))
    return target["id"] != target["previous"] and count > 2 * max(1, started)


def errors(doc):
    """The document's errors as this project reads them: (code, message)."""
    found = doc.get("errors")
    if isinstance(found, dict | str):
        found = [found]
    if not isinstance(found, list):
        return []
    pairs = [("", e) if isinstance(e, str) else (text(e.get("code")), text(e.get("message"))) if isinstance(e, dict) else ("", "") for e in found]
    return [p for p in pairs if p != ("", "")]


def new_errors(target, doc):
    known = [(e["code"], e["message"]) for e in target.get("known", [])]
    return [e for e in errors(doc) if e not in known]


def has_known_errors_alone(target, doc):
    """Those of a deployment that the update left as it is are its own, where it does not serve."""
    own = target["id"] == target["previous"] == doc.get("reconciledDeploymentId") and not serves(target, doc)
    return bool(errors(doc)) and not new_errors(target, doc) and not own


def is_passing(error):
    return "RATE_LIMIT" in (error[0] + " " + error[1]).upper()


def says(value):
    """As the platform's documents say it: true, false, or nothing. Another type is odd."""
    return value if value in (True, False) and isinstance(value, bool) else None if value is None else "odd"


def is_ready(doc):
    ready = says(doc.get("ready"))
    return ready is True or ready is None and says(doc.get("activeDeploymentReady")) is True


def has_odd_shape(doc):
    """Parts of the document have another type than the platform's reference gives them."""
    revisions = [doc.get("currentRevision"), doc.get("previousRevision")]
    odd_revision = any(r is not None and (not isinstance(r, dict) or odd_fields(r)) for r in revisions)
    found, conditions = doc.get("errors"), doc.get("conditions")
    odd_errors = found and not isinstance(found, list | str) or isinstance(found, list) and any(not isinstance(e, dict | str) for e in found)
    odd_conditions = conditions and (not isinstance(conditions, list) or any(not isinstance(c, dict) for c in conditions))
    return odd_revision or bool(odd_errors) or bool(odd_conditions)


def odd_fields(rev):
    found = rev.get("health")
    h = found if isinstance(found, dict) else {}
    return (
        "deploymentID" in rev and not isinstance(rev["deploymentID"], str)
        or rev.get("phaseStartedAt") is not None and not isinstance(rev["phaseStartedAt"], str)
        or found is not None and not isinstance(found, dict)
        or any(name in h and not isinstance(h[name], int) for name in ("restartCount", "replicasStarted"))
        or h.get("message") is not None and not isinstance(h["message"], str)
    )


def has_markup(doc):
    """The CLI shows foreign text as markup, whose tags must match."""
    return any("[/" in text((r.get("health") or {}).get("message")) for r in (doc.get("currentRevision"), doc.get("previousRevision"))
               if isinstance(r, dict) and isinstance(r.get("health"), dict))


ANY = "serving failed superseded pending"

# The first that explains a difference counts, and the first of those that apply always
# says what our verdict must be.
DIFFERENCES = [
    Difference("breaks-on-types", ANY, "breaks",
               "A part of the document has a type that it should not have, or is null. The CLI ends with a traceback; here, such a value says nothing, and the rest is judged.",
               lambda t, d: has_odd_shape(d)),
    Difference("breaks-on-markup", ANY, "breaks",
               "The agent's own output has square brackets that look like markup. The CLI ends with a traceback; here, foreign text is never more than text.",
               lambda t, d: has_markup(d)),
    Difference("other-agent", "pending", "serving failed",
               "The document is of another agent. It is no evidence here; the CLI does not look at its name.",
               lambda t, d: d.get("name") not in (None, "", t["agent"]), always=True),
    Difference("no-deployment", "pending", "serving failed",
               "The document names no deployment that is wanted. It is no evidence here; the CLI then takes any that is ready.",
               lambda t, d: not desired(d), always=True),
    Difference("superseded", "superseded", "serving failed pending",
               "Another client's deployment is wanted. This job's is not what callers meet, so that it cannot be green here; the CLI follows whatever is wanted.",
               is_superseded, always=True),
    Difference("other-settings", "superseded", "serving failed pending",
               "The document names our deployment, and shows another image than was asked for. It is not ours after all; the CLI does not compare.",
               shows_other_image, always=True),
    Difference("stale", "pending", "serving failed",
               "The document is from before the update: it shows an older deployment as the one that is wanted. It says nothing of ours; the CLI takes the old one for it.",
               is_stale, always=True),
    Difference("cannot-run", "failed", "serving pending",
               "Our revision is given up, crashes again and again, or cannot be started. This is red at once here; the CLI does not read it, and waits or takes ready for an answer.",
               lambda t, d: cannot_run(t, d), always=True),
    Difference("nameless", "pending", "serving",
               "The current revision names no deployment, and crashes again and again, was given up or cannot be started. It may be ours, so that ready is not believed.",
               nameless_cannot_run),
    Difference("restarts", "failed", "serving pending",
               "Our revision restarts more often than is forgiven, and does not serve by the rules here. This is red; the CLI shows it, and judges without it.",
               restarts_too_often, always=True),
    Difference("known-errors", "serving pending", "failed",
               "All its errors were there before the update, so that they are not ours. The CLI fails at the first error of any kind.",
               has_known_errors_alone, always=True),
    Difference("passing-errors", "serving", "failed",
               "Its errors are of load, which passes, and the deployment serves. The CLI fails at the first error of any kind.",
               lambda t, d: new_errors(t, d) and all(is_passing(e) for e in new_errors(t, d))),
    Difference("empty-errors", "serving pending", "failed",
               "An error without a code and a message says nothing here; the CLI fails with it.",
               lambda t, d: d.get("errors") and not errors(d)),
    Difference("odd-id", "serving failed", "pending",
               "The id of the wanted deployment is not a text. The deprecated field counts here; the CLI waits for the operator to work on what there is not.",
               lambda t, d: desired_by_cli(d) is not None and not isinstance(desired_by_cli(d), str)),
    Difference("deprecated-id", "pending", "serving",
               "The wanted deployment is named by the deprecated field alone, beside a null, and is not what the operator works on. The CLI reads that field only where the other is absent.",
               lambda t, d: desired_by_cli(d) != desired(d) and d.get("reconciledDeploymentId") != desired(d)),
    Difference("deprecated-ready", "pending", "serving",
               "The document says ready: false beside the deprecated activeDeploymentReady: true. Here, the deprecated field counts only where the other is absent.",
               lambda t, d: says(d.get("ready")) is False and bool(d.get("activeDeploymentReady"))),
    Difference("odd-ready", "pending", "serving",
               "What says ready is not true or false, but another type. Here, that is not true; to the CLI, whatever is not empty is.",
               lambda t, d: not is_ready(d) and "odd" in (says(d.get("ready")), says(d.get("activeDeploymentReady")))),
    Difference("no-available", "serving", "pending",
               "The document says ready, and has no true or false for available. Here, only available: false is against it; to the CLI, whatever is empty is.",
               lambda t, d: is_ready(d) and not d.get("available", d.get("ready", False)) and says(d.get("available")) is not False),
]


def is_held(case, ours):
    """Our verdict is what the first difference that always applies says, if there is one."""
    found = next((d for d in DIFFERENCES if d.always and d.applies(case["target"], case["document"])), None)
    return found is None or ours in found.ours.split()


def table():
    """The table of docs/oracle.md."""
    rows = ["| Difference | Here | CLI | Why |", "|---|---|---|---|"]
    rows += [f"| `{d.name}` | {d.ours.replace(' ', ', ')} | {d.cli.replace(' ', ', ')} | {d.reason} |" for d in DIFFERENCES]
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(table(), end="")
