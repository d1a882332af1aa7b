"""The demo's agent: its crash is one of the simulator's scripts."""

import asyncio
import os

from loguru import logger

from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner

# a name that is not there
from pipecat.services.deepgram.stt import DeepgramSTTServce


async def bot(runner_args):
    stt = DeepgramSTTServce(api_key=os.environ["DEEPGRAM_API_KEY"])
    logger.info("starting")
    await PipelineRunner().run(Pipeline([stt]))


if __name__ == "__main__":
    asyncio.run(bot(None))
