"""The CLI's commands, run unattended on the served simulator."""

import json
import os
import pathlib
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

CLI = [sys.executable, "-c", "from pipecatcloud.cli.entry_point import entrypoint_cli_typer as cli; cli(prog_name='pipecat cloud')"]
LIMIT = 240  # seconds, of one command
BUILD = "123e4567-e89b-12d3-a456-426614174000"  # that cmd/simulator has

CONFIG = """agent_name = "from-file"
image = "ghcr.io/acme/bot:ok"
secret_set = "demo-secrets"
region = "us-west"
agent_profile = "agent-2x"
max_session_duration = 600
websocket_auth = "token"

[scaling]
min_agents = 1
max_agents = 4

[krisp_viva]
audio_filter = "tel"
"""


class Failure(Exception):
    pass


RUNNING = set()  # processes of ours


def stop(*_):
    """Ends all of them, and this one, when it is stopped."""
    for process in list(RUNNING):
        process.kill()
    os._exit(1)


class Simulator:
    """The simulator as it is served; its log has each request."""

    def __init__(self, program, folder, *arguments):
        self.log_file = pathlib.Path(folder, "requests")
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen([program, "-log", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        RUNNING.add(self.process)
        self.address = self.process.stdout.readline().strip()

    def log(self):
        return self.log_file.read_text()

    def __enter__(self):
        if not self.address:
            raise Failure("the simulator does not start: " + self.log())
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        RUNNING.discard(self.process)


class Terminal:
    """Runs commands in a folder, with nobody at the keyboard."""

    def __init__(self, simulator, folder):
        self.simulator, self.folder, self.ran = simulator, pathlib.Path(folder), 0
        self.folder.mkdir()
        self.env = dict(os.environ, PIPECAT_API_HOST=simulator.address, PIPECAT_TOKEN="pcc_pat_oracle", PIPECAT_CONFIG_PATH=str(self.folder / "none.toml"),
                        PIPECAT_DEFAULT_PUBLIC_KEY="pk_oracle", NO_PROXY="*", COLUMNS="200")

    def run(self, line, *wanted, code=0):
        """Runs a command, and returns what it prints: wanted must be in it, as regular expressions."""
        process = subprocess.Popen(CLI + line.split(), cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        RUNNING.add(process)
        problem = None
        try:
            printed, complaints = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            printed, complaints = process.communicate()
            problem = f"it takes longer than {LIMIT} seconds"
        RUNNING.discard(process)
        self.ran += 1
        said = printed + complaints
        if problem:
            pass
        elif process.returncode != code:
            problem = f"exit code {process.returncode}, want {code}"
        elif "Traceback (most recent call last)" in said:
            problem = "it breaks"
        for pattern in wanted:
            if not problem and not re.search(pattern, said):
                problem = f"it does not print {pattern!r}"
        if problem:
            raise Failure(f"pipecat cloud {line}: {problem}\n--- printed ---\n{said}\n--- requests ---\n{self.simulator.log()}")
        return printed

    def json(self, line, **options):
        return json.loads(self.run("--output json " + line, **options))

    def status(self, agent):
        """An agent's document, which shows the deployment that is wanted as ready."""
        doc = self.json(f"agent status {agent}")
        self.check(doc["ready"] is True and doc["reconciledDeploymentId"] == doc["desiredDeploymentId"], agent + " is not ready", doc)
        return doc

    def check(self, ok, what, shown):
        if not ok:
            raise Failure(f"{what}: {json.dumps(shown, indent=1)}\n--- requests ---\n{self.simulator.log()}")


def image(doc):
    return doc["deployment"]["manifest"]["spec"].get("image")


def reading(t):
    """Nothing of this changes while others deploy."""
    t.run("organizations list", "simulated-org")
    t.run("regions list", "us-west", "eu-central", "arm64")
    t.run("agent list", "demo-agent\tus-west")
    t.run("agent status no-agent", "No deployment data found", code=1)
    t.run("agent profiles list", "agent-2x")
    t.run("organizations properties list", "us-west")
    t.run("organizations properties schema", "defaultRegion")
    t.run("build list", BUILD)
    t.run(f"build status {BUILD}", BUILD, "us-west")
    t.run("build status 00000000-0000-4000-8000-000000000000", "not found", code=1)


def secrets(t):
    t.run("secrets set new-secrets FIRST=one SECOND=two --skip", "created successfully")
    t.run("secrets set new-secrets THIRD=three --skip", "modified successfully")
    keys = t.json("secrets list new-secrets")["secrets"]
    t.check([k["fieldName"] for k in keys] == ["FIRST", "SECOND", "THIRD"], "the keys of new-secrets", keys)
    t.run("secrets unset new-secrets SECOND --skip", "SECOND")
    t.run("secrets image-pull-secret new-pull ghcr.io user:token --skip", "created successfully")
    sets = {s["name"]: s["type"] for s in t.json("secrets list")["secretSets"]}
    t.check(sets == {"demo-secrets": "secret", "new-secrets": "secret", "new-pull": "imagePullSecret"}, "the sets", sets)
    t.run("secrets list --region us-west", "new-secrets")


def deploying(t):
    """Needs the sets of secrets()."""
    t.run("--output rich agent status demo-agent", "Ready", "ghcr.io/acme/bot:v1")
    t.run("agent status demo-agent", "Ready: True", "ghcr.io/acme/bot:v1")
    before = t.status("demo-agent")["desiredDeploymentId"]
    t.run("deploy demo-agent ghcr.io/acme/bot:ok --yes --credentials new-pull --secrets new-secrets --min-agents 1 --max-agents 3 --profile agent-2x "
          "--max-session-duration 900 --krisp-viva-audio-filter tel --region us-west --architecture arm64", "'demo-agent' is ready")
    doc = t.status("demo-agent")
    spec = doc["deployment"]["manifest"]["spec"]
    t.check(doc["desiredDeploymentId"] != before and image(doc) == "ghcr.io/acme/bot:ok" and doc["autoScaling"] == {"minReplicas": 1, "maxReplicas": 3}
            and doc["agentProfile"] == "agent-2x" and doc["krispViva"] == {"audioFilter": "tel"} and spec["maxSessionDurationSeconds"] == 900
            and spec["imagePullSecretName"] == "new-pull" and spec["envFromSecretNames"] == ["new-secrets"], "not what was asked for", doc)

    t.run("deploy demo-agent ghcr.io/acme/bot:ok --yes --no-credentials --krisp-viva-audio-filter tel", "unchanged")
    t.check(t.status("demo-agent")["desiredDeploymentId"] == doc["desiredDeploymentId"], "unchanged, and yet another deployment", doc)
    t.run("deploy demo-agent ghcr.io/acme/bot:ok --force --no-credentials --krisp-viva-audio-filter tel", "'demo-agent' is ready")
    t.check(t.status("demo-agent")["desiredDeploymentId"] != doc["desiredDeploymentId"], "forced, and yet the same deployment", doc)
    made = t.json("agent deployments demo-agent")["deployments"]
    t.check(len(made) == 3, "deployments", made)
    t.run(f"agent logs demo-agent --deployment {made[0]['id']} --limit 5", "Uvicorn running")

    # What the simulator refuses, it says, and nothing is made.
    t.run("deploy demo-agent ghcr.io/acme/bot --yes --no-credentials", "Invalid parameters", code=1)
    t.run("deploy demo-agent ghcr.io/acme/bot:ok --yes --secrets no-secrets", "not found", code=1)
    t.run("deploy demo-agent ghcr.io/acme/bot:ok --yes --region nowhere", "Invalid region", code=1)
    t.run("deploy demo-agent ghcr.io/acme/bot:missing --yes --no-credentials", "PCC_IMAGE_NOT_FOUND", code=1)
    t.run("--output rich agent status demo-agent", "PCC_IMAGE_NOT_FOUND")
    t.run("secrets delete new-secrets --skip", "new-secrets")


def creating(t):
    (t.folder / "other.toml").write_text(CONFIG)
    t.run("deploy --config-file other.toml --yes", "'from-file' is ready")
    doc = t.status("from-file")
    t.check(doc["region"] == "us-west" and image(doc) == "ghcr.io/acme/bot:ok" and doc["autoScaling"] == {"minReplicas": 1, "maxReplicas": 4}
            and doc["agentProfile"] == "agent-2x" and doc["krispViva"] == {"audioFilter": "tel"}, "not what the file says", doc)
    t.run("deploy new-agent ghcr.io/acme/bot:ok --yes --no-credentials --region eu-central", "'new-agent' is ready")
    t.check(t.status("new-agent")["region"] == "eu-central", "the region of new-agent", {})
    t.run("agent list --region eu-central", "new-agent")
    t.run("agent delete new-agent --force", "deleted successfully")
    t.run("agent delete new-agent --force", "not found", code=1)
    t.run(f"deploy of-build --build-id {BUILD} --yes", "'of-build' is ready")


def calling(t):
    """Needs an agent that serves."""
    started = t.json("agent start from-file --force --use-daily --data {\"from\":\"oracle\"}")
    session = started["sessionId"]
    t.run("agent sessions from-file", session, "Active")
    t.run("--output rich agent sessions from-file", "Active")
    t.run(f"agent sessions from-file --id {session}", session)
    t.run(f"agent stop from-file --session-id {session} --force", "stopped successfully")
    listed = t.json("agent sessions from-file")["sessions"]
    t.check(len(listed) == 1 and listed[0]["endedAt"], "the session that was stopped", listed)
    t.run(f"agent logs from-file --session-id {session}", "Starting bot session")


def building(t):
    """A cloud build, in a separate folder: the simulator takes 40 seconds."""
    (t.folder / "Dockerfile").write_text("FROM dailyco/pipecat-base:latest\nCOPY bot.py .\n")
    (t.folder / "bot.py").write_text("print('bot')\n")
    (t.folder / "pcc-deploy.toml").write_text('agent_name = "built"\nregion = "us-west"\n')
    t.run("deploy --yes", "Build started", "Build Complete", "'built' is ready")
    builds = [b for b in t.json("build list --status success")["builds"] if b["id"] != BUILD]
    t.check(len(builds) == 1, "builds", builds)
    t.run(f"build status {builds[0]['id']}", "success")
    t.run(f"build logs {builds[0]['id']}", "exporting to image")
    t.run("deploy built-again --yes", "Cached Build Found", builds[0]["id"], "'built-again' is ready")


def run(program, folder):
    """Runs all commands, four at a time, because they mostly wait. Returns how many there were."""
    began = time.monotonic()
    with Simulator(program, folder) as simulator:
        terminals = []

        def one_by_one(name, *parts):
            terminal = Terminal(simulator, pathlib.Path(folder, name))
            terminals.append(terminal)
            for part in parts:
                part(terminal)

        with ThreadPoolExecutor() as threads:
            for done in [threads.submit(one_by_one, *of) for of in (
                ("building", building), ("deploying", secrets, deploying), ("creating", creating, calling), ("reading", reading),
            )]:
                done.result()
        odd = [line for line in simulator.log().splitlines() if re.search(r" (405|5\d\d)$", line)]
        if odd:
            raise Failure("requests that no one serves: " + "\n".join(odd))
        requests = len(simulator.log().splitlines())
    return sum(t.ran for t in terminals), requests, time.monotonic() - began
