"""Bots of the framework, which its own development runner runs: python bots.py --host 127.0.0.1 --port PORT.

They need no service and no key. The caller chooses one by its name, as bot. When one
begins to speak, it adds a line to the file BOTS_LOG, with what its own clock says of it."""

import asyncio
import json
import os
import time

import voice
from pipecat.frames.frames import BotStartedSpeakingFrame, EndWorkerFrame, InputAudioRawFrame, TTSAudioRawFrame, TTSStartedFrame, TTSStoppedFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.runner.utils import create_transport, parse_telephony_websocket
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

THINKS = 2  # seconds until the bot of that name greets
LOUD = 1000  # of a sample that is not silence
ENDS = 0.3  # seconds of silence after which a caller has spoken

TRANSPORTS = {
    "webrtc": lambda: TransportParams(audio_in_enabled=True, audio_out_enabled=True),
    "websocket": lambda: FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=ProtobufFrameSerializer()),
}


VOICE = voice.speech(1.5)


class Mind(FrameProcessor):
    """What a bot does, between its ears and its mouth."""

    def __init__(self, name, road, called):
        super().__init__()
        self.bot, self.road, self.called = name, road, called
        self.answers, self.leaves = name == "answers", name == "leaves"
        self.loud, self.told = None, False

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            now = time.monotonic()
            if max(map(abs, memoryview(frame.audio).cast("h")), default=0) > LOUD:
                self.loud = now
            elif self.answers and self.loud and now - self.loud > ENDS:
                self.answers = False
                await self.speak()
            elif self.leaves and self.loud and now - self.loud > ENDS:
                self.leaves = False
                await self.push_frame(EndWorkerFrame())
        if isinstance(frame, BotStartedSpeakingFrame) and not self.told:
            self.told = True
            now = time.monotonic()
            said = {"bot": self.bot, "road": self.road, "answer": now - self.called, "response": self.loud and now - self.loud}
            with open(os.environ["BOTS_LOG"], "a") as log:
                log.write(json.dumps(said) + "\n")
        await self.push_frame(frame, direction)

    async def speak(self, after=0):
        await asyncio.sleep(after)
        await self.push_frame(TTSStartedFrame())
        await self.push_frame(TTSAudioRawFrame(VOICE, voice.RATE, 1))
        await self.push_frame(TTSStoppedFrame())


async def bot(runner_args):
    called = time.monotonic()
    name = runner_args.websocket.query_params["bot"] if hasattr(runner_args, "websocket") else runner_args.body["bot"]
    if name == "raises":
        raise KeyError("NO_SUCH_KEY")
    road = "webrtc" if not hasattr(runner_args, "websocket") else runner_args.transport_type or "twilio"
    if road == "twilio":  # Twilio is not asked to hang up: nothing here leaves this machine
        _, call = await parse_telephony_websocket(runner_args.websocket)
        serializer = TwilioFrameSerializer(call["stream_id"], params=TwilioFrameSerializer.InputParams(auto_hang_up=False))
        transport = FastAPIWebsocketTransport(
            runner_args.websocket, FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=serializer))
    else:
        transport = await create_transport(runner_args, TRANSPORTS)
    mind = Mind(name, road, called)
    worker = PipelineWorker(Pipeline([transport.input(), mind, transport.output()]))

    @transport.event_handler("on_client_connected")
    async def connected(*_):
        if road == "webrtc":
            mind.called = time.monotonic()  # the way for sound has been found since
        if name in ("greets", "leaves"):
            await mind.speak()
        elif name == "thinks":
            await mind.speak(THINKS)

    @transport.event_handler("on_client_disconnected")
    async def disconnected(*_):
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    from pipecat.runner.run import main

    main()
