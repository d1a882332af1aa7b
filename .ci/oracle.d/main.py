"""The half of .ci/oracle that runs in the virtual environment of the platform's own CLI."""

import argparse
import importlib.metadata
import os
import pathlib
import signal
import sys
import tempfile
import threading
import time

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "oracle.md"


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--programs", required=True, type=pathlib.Path, help="folder with cmd/simulator and cmd/oracle, built")
    options.add_argument("--sources", required=True, type=pathlib.Path, help="folder with the CLI's source distribution")
    options.add_argument("--documents", type=int, default=4000, help="how many to generate")
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()

    # Before the CLI is imported, which reads its settings then.
    folder = tempfile.mkdtemp(dir=options.programs)
    os.environ.update(PIPECAT_TOKEN="pcc_pat_oracle", PIPECAT_CONFIG_PATH=os.path.join(folder, "none.toml"))
    import cli_judge
    import commands
    import compare
    import configs
    import differences
    import fixtures

    print("pipecatcloud", importlib.metadata.version("pipecatcloud"))
    failures = []
    if differences.table() not in DOCS.read_text():
        failures.append("docs/oracle.md does not have the table that python3 .ci/oracle.d/differences.py prints")
    if configs.table() not in DOCS.read_text():
        failures.append("docs/oracle.md does not have the table of config files:\n" + configs.table())

    signal.signal(signal.SIGTERM, commands.stop)
    signal.signal(signal.SIGINT, commands.stop)

    # The commands mostly wait, so documents are compared in the meantime.
    def run_commands():
        try:
            results.append(commands.run(options.programs / "simulator", folder))
        except Exception as e:
            failures.append(str(e))

    results = []
    thread = threading.Thread(target=run_commands)
    thread.start()

    texts, equal, of_configs, wrong = configs.run(options.programs / "oracle", pathlib.Path(folder))
    failures += wrong
    began = time.monotonic()
    comparison = compare.Comparison(options.programs / "oracle", cli_judge.Judge())
    documents, files = fixtures.documents(options.sources)
    unread = comparison.run([compare.fixture_case(d) for d in documents], lossless=True)
    of_fixtures = dict(comparison.explained)
    agreed = comparison.agreed.total()
    comparison.run(compare.generated(options.programs / "oracle", options.documents, options.seed))
    took = time.monotonic() - began
    thread.join()

    for count, requests, seconds in results:
        print(f"commands: {count} on the simulator, {requests} requests, in {seconds:.0f}s")
    if files:
        print(f"fixtures: {len(documents)} documents in {files} files of the CLI's tests: {agreed} agree, {of_fixtures}")
        print(f"  fields that are not read here: {', '.join(unread)}")
    else:
        print("fixtures: the source distribution has no tests")
    print(f"config files: {texts}, {equal} read as the same, {of_configs}")
    print(f"judgments, in {took:.0f}s:")
    comparison.report()
    failures += comparison.failures
    for failure in failures[:20]:
        print("\nFAILED:", failure, file=sys.stderr)
    if failures:
        print(f"\noracle: {len(failures)} failures", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
