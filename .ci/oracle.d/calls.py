"""The half of .ci/oracle that phones real bots of the framework, run by its own development runner: see
docs/oracle.md. The action's own binary calls them, through the simulator, which hands the calls on."""

import argparse
import importlib.metadata
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import wave

import commands
import voice

HERE = pathlib.Path(__file__).parent
ROADS = ("twilio", "webrtc", "websocket")
UNHEARD = r"the agent was not heard within test-call-timeout \(8s\)"
ENDED = r"the agent ended the test call before it was heard"
LEFT = r"the agent ended the test call before it answered what the call said"
SPOKEN_TO = ("answers", "leaves")  # by the caller
LIMIT = 60  # seconds, of one call
FAR = 0.5  # seconds that a time of ours may be more than the bot's: a network, and a busy machine
NEAR = 0.08  # that it may be less: a bot has spoken a frame before it says so, and hears the caller late

# What becomes of a call to each bot: the verdict, what the log says, and which time is compared with the bot's own. The
# runner, unlike the platform, does not show the caller by WebRTC that bot() has raised.
WANTED = {
    "greets": lambda road: ("answered", "answered a test call", "answer"),
    "thinks": lambda road: ("answered", "answered a test call", "answer"),
    "answers": lambda road: ("answered", "answered a test call", "response"),
    "raises": lambda road: ("no-answer", UNHEARD if road == "webrtc" else ENDED, None),
    "silent": lambda road: ("no-answer", UNHEARD, None),
    "leaves": lambda road: ("no-answer", LEFT, None),
}


class Runner:
    """The framework's development runner, with bots.py."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        # The framework fetches a list of punctuation that it does not find; no bot here needs what is in it.
        (folder / "nltk" / "tokenizers" / "punkt_tab").mkdir(parents=True)
        self.spoke, self.log = folder / "spoke", folder / "runner.log"
        self.spoke.touch()
        env = dict(os.environ, BOTS_LOG=str(self.spoke), NLTK_DATA=str(folder / "nltk"))
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([sys.executable, str(HERE / "bots.py"), "--host", "127.0.0.1", "--port", str(self.port)],
                                            cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        commands.RUNNING.add(self.process)

    def wait(self):
        until = time.monotonic() + 90
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status", timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        raise commands.Failure("the runner does not start:\n" + self.log.read_text()[-3000:])

    def times(self, bot, road):
        """What a bot logs of a call; nothing if it has not spoken."""
        said = [json.loads(line) for line in self.spoke.read_text().splitlines()]
        return next((s for s in reversed(said) if s["bot"] == bot and s["road"] == road), {})

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        commands.RUNNING.discard(self.process)


def call(program, simulator, folder, road, bot):
    """Has the action check an agent, and call it. Returns its outputs, its log and how many seconds it took."""
    folder.mkdir()
    if bot in SPOKEN_TO:
        shutil.copy(folder.parent.parent / "say.wav", folder)
    outputs, summary = folder / "outputs", folder / "summary.md"
    outputs.touch()
    summary.touch()
    inputs = {"api-key": "sk_oracle", "public-api-key": "pk_oracle", "api-url": simulator.address + "/v1", "agent-name": bot, "check-only": "true",
              "test-call": road, "test-call-timeout": "20" if bot in SPOKEN_TO else "8", "test-call-say": "say.wav" if bot in SPOKEN_TO else ""}
    env = {"HOME": str(folder), "PATH": os.environ["PATH"], "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(folder), "GITHUB_OUTPUT": str(outputs),
           "GITHUB_STEP_SUMMARY": str(summary), **{"INPUT_" + name.upper(): value for name, value in inputs.items()}}
    began = time.monotonic()
    process = subprocess.Popen([program], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    commands.RUNNING.add(process)
    try:
        printed, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        printed, _ = process.communicate()
    commands.RUNNING.discard(process)
    took = time.monotonic() - began
    return dict(re.findall(r"^([a-z-]+)<<(?:\S+)\n(.*)\n\S+$", outputs.read_text(), re.M)), printed, took


def judge(bot, road, outputs, printed, own):
    """What is not as it should be, and of the times; and the two times."""
    verdict, says, compared = WANTED[bot](road)
    wrong = []
    if outputs.get("test-call") != verdict:
        wrong.append(f"test-call is {outputs.get('test-call')!r}, want {verdict!r}")
    if not re.search(says, printed):
        wrong.append(f"the log does not say {says!r}")
    if not compared:
        return wrong + ([f"the bot says that it spoke: {own}"] if own and bot != "leaves" else []), [], None, None
    ours, theirs = outputs.get(compared + "-time"), own.get(compared)
    if not ours or theirs is None:
        return wrong + [f"{compared} time: ours is {ours!r}, the bot's {theirs!r}"], [], None, None
    ours = float(ours)
    off = [] if -NEAR <= ours - theirs <= FAR else [f"{compared} time: ours is {ours:.2f} s, the bot's {theirs:.2f} s"]
    return wrong, off, ours, theirs


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--programs", required=True, type=pathlib.Path, help="folder with the action and cmd/simulator, built")
    options = options.parse_args()
    signal.signal(signal.SIGTERM, commands.stop)
    signal.signal(signal.SIGINT, commands.stop)
    folder = pathlib.Path(tempfile.mkdtemp(dir=options.programs))
    print("pipecat-ai", importlib.metadata.version("pipecat-ai"), flush=True)
    began, failures, printing = time.monotonic(), [], threading.Lock()
    runner = Runner(folder)
    with wave.open(str(folder / "say.wav"), "wb") as file:
        file.setparams((1, 2, voice.RATE, 0, "NONE", ""))
        file.writeframes(voice.speech(1.5))

    def calls(road, bots):
        place = pathlib.Path(tempfile.mkdtemp(prefix=road, dir=folder))
        path = "ws" if road == "twilio" else "ws-client"
        with commands.Simulator(options.programs / "simulator", place, "-runner", f"http://127.0.0.1:{runner.port}/{path}", *bots) as simulator:
            for bot in bots:
                for again in (True, False):
                    outputs, printed, took = call(options.programs / "action", simulator, place / f"{bot}-{again}", road, bot)
                    wrong, off, ours, theirs = judge(bot, road, outputs, printed, runner.times(bot, road))
                    if wrong or not off:
                        break  # else the machine may have been busy: it is measured again, once
                times = "" if ours is None else f", {WANTED[bot](road)[2]} {ours:.2f} s, by the bot's clock {theirs:.2f} s"
                with printing:
                    print(f"{road:9} {bot:7} {outputs.get('test-call', 'none')}{times}, verdict after {took:.1f} s", flush=True)
                    if wrong + off:
                        failures.append(f"{road} {bot}: {'; '.join(wrong + off)}\n--- printed ---\n{printed}--- requests ---\n{simulator.log()}")

    def attempt(*of):
        try:
            calls(*of)
        except Exception as e:
            failures.append(f"{of}: {e!r}")

    try:
        runner.wait()
        # Nothing else runs while times are compared.
        for road in ROADS:
            attempt(road, [bot for bot in WANTED if WANTED[bot](road)[2]])
        threads = [threading.Thread(target=attempt, args=(road, [bot])) for road in ROADS for bot in WANTED if not WANTED[bot](road)[2]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        printed = runner.log.read_text()
        if not re.search(r"^ERROR: +Exception in ASGI application$", printed, re.M):  # by which the action knows an exception that left bot()
            failures.append("the runner does not print that bot() has raised as it did")
        raised = printed.count("KeyError: 'NO_SUCH_KEY'")
        if raised < len(ROADS):
            failures.append(f"bot() has raised {raised} times, want {len(ROADS)} or more")
    except commands.Failure as e:
        failures.append(str(e))
    finally:
        runner.end()
    print(f"calls: {len(ROADS) * len(WANTED)} in {time.monotonic() - began:.0f}s")
    for failure in failures[:20]:
        print("\nFAILED:", failure, file=sys.stderr)
    if failures:
        print(f"\noracle: {len(failures)} failures. The end of the runner's log:\n{runner.log.read_text()[-2000:]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
