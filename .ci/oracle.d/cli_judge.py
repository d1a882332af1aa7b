"""What the platform's own CLI makes of an agent's document.

Its deploy command itself runs: the request that would be sent is answered with
the document, and the breaks between its looks take no time.
"""

import asyncio
import io
import json
import types

import typer
from pipecatcloud._utils.console_utils import OutputMode, console
from pipecatcloud._utils.deploy_utils import DeployConfigParams
from pipecatcloud.cli.commands import deploy as command

# Its looks are as many as ours, and five seconds apart: see cmd/oracle.
LOOKS = 9


class Judge:
    """Asks the CLI again and again. It replaces what is the CLI's, so use one."""

    def __init__(self):
        async def no_sleep(_):
            pass

        command.MAX_ALIVE_CHECKS = LOOKS
        command.asyncio = types.SimpleNamespace(sleep=no_sleep)
        command.API._base_request = self._answer
        console.set_output_mode(OutputMode.json)
        console.output_json = self._printed
        self._loop = asyncio.new_event_loop()
        self._params = DeployConfigParams(agent_name="bot", image="ghcr.io/acme/bot:v2")

    async def _answer(self, method, url, **_):
        if method == "POST":
            self._created = True
            return {"name": "bot"}
        return {"body": self._document} if self._created else None

    def _printed(self, data):
        self._result = data

    def __call__(self, document):
        """The verdict, and why: serving, failed, pending when it waits to the end, or breaks."""
        self._document = json.loads(json.dumps(document))
        self._created, self._result = False, {}
        console.file = io.StringIO()
        try:
            self._loop.run_until_complete(command._deploy(self._params, "oracle", True))
        except typer.Exit:
            pass
        except Exception as e:  # a traceback, to its users
            return "breaks", f"{type(e).__name__}: {e}"
        said = console.file.getvalue()
        if "ready" not in self._result:
            return "failed", said[-300:]
        return ("serving" if self._result["ready"] else "pending"), said[-300:]
