package phone

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/encoding/protowire"

	"pipecat-cloud-deploy/internal/hearing"
)

const wide = 16000 // samples in a second of the framework's pipelines

// WebSocket calls an agent with the frames of the framework's protobuf serializer.
//
// https://docs.pipecat.ai/server/utilities/serializers/protobuf
type WebSocket struct{ Endpoint }

// The fields of the framework's frames.proto that a caller needs.
const (
	frameAudio        = 2
	frameMessage      = 4
	frameInterruption = 5

	audioSamples  = 3
	audioRate     = 4
	audioChannels = 5
	messageData   = 1
)

// Dial connects. Before the first frame, the line says that the caller is ready.
func (w WebSocket) Dial(ctx context.Context) (Line, error) {
	s, err := w.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &socketLine{socket: s}, nil
}

// socketLine is a call by the framework's frames.
type socketLine struct {
	*socket
	greeted bool
}

func (l *socketLine) Rate() int { return wide }

func (l *socketLine) Say(ctx context.Context, samples []int16) error {
	if !l.greeted {
		if err := l.message(ctx, clientReady); err != nil {
			return err
		}
		l.greeted = true
	}
	pcm := make([]byte, 0, 2*len(samples))
	for _, s := range samples {
		pcm = binary.LittleEndian.AppendUint16(pcm, uint16(s))
	}
	var audio []byte
	audio = protowire.AppendTag(audio, audioSamples, protowire.BytesType)
	audio = protowire.AppendBytes(audio, pcm)
	audio = protowire.AppendTag(audio, audioRate, protowire.VarintType)
	audio = protowire.AppendVarint(audio, wide)
	audio = protowire.AppendTag(audio, audioChannels, protowire.VarintType)
	audio = protowire.AppendVarint(audio, 1)
	return l.send(ctx, frameAudio, audio)
}

// message sends a message of RTVI.
func (l *socketLine) message(ctx context.Context, text string) error {
	data := protowire.AppendTag(nil, messageData, protowire.BytesType)
	return l.send(ctx, frameMessage, protowire.AppendString(data, text))
}

func (l *socketLine) send(ctx context.Context, kind protowire.Number, frame []byte) error {
	data := protowire.AppendTag(nil, kind, protowire.BytesType)
	return l.write(ctx, websocket.MessageBinary, protowire.AppendBytes(data, frame))
}

func (l *socketLine) Hear(ctx context.Context) (Heard, error) {
	kind, data, err := l.read(ctx)
	if err != nil {
		return Heard{}, err
	}
	fields, ok := decode(data)
	if kind != websocket.MessageBinary || !ok {
		return Heard{Foreign: true}, nil
	}
	switch {
	case fields[frameAudio].bytes != nil:
		return sound(fields[frameAudio].bytes), nil
	case fields[frameMessage].bytes != nil:
		inner, ok := decode(fields[frameMessage].bytes)
		if !ok {
			return Heard{Foreign: true}, nil
		}
		return rtvi(inner[messageData].bytes), nil
	case fields[frameInterruption].bytes != nil:
		return Heard{Clear: true}, nil
	}
	return Heard{}, nil
}

func (l *socketLine) HangUp(ctx context.Context) {
	brief, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	_ = l.message(brief, disconnectBot)
	l.hangUp(ctx)
}

// sound reads a frame of audio: 16 bits a sample, and perhaps a WAV file's header
// before them.
func sound(frame []byte) Heard {
	fields, ok := decode(frame)
	rate, channels := int(min(fields[audioRate].number, 1<<30)), int(max(1, min(fields[audioChannels].number, 1<<30)))
	pcm := fields[audioSamples].bytes
	if !ok || rate < hearing.MinRate || rate > hearing.MaxRate || channels > 8 {
		return Heard{Foreign: true} // of which nothing can be made, and which is no silence
	}
	if rest, found := bytes.CutPrefix(pcm, []byte("RIFF")); found && len(rest) > 8 {
		if at := bytes.Index(rest[:min(len(rest), 200)], []byte("data")); at >= 0 {
			pcm = rest[min(at+8, len(rest)):]
		}
	}
	samples := make([]int16, 0, len(pcm)/2/channels)
	for ; len(pcm) >= 2*channels; pcm = pcm[2*channels:] {
		sum := 0
		for c := range channels {
			sum += int(int16(binary.LittleEndian.Uint16(pcm[2*c:])))
		}
		samples = append(samples, int16(sum/channels))
	}
	return Heard{Samples: samples, Rate: rate}
}

// field is one of a message of protobuf: bytes that are not nil, or a number.
type field struct {
	bytes  []byte
	number uint64
}

// decode reads the fields of a message, of which the last with a number counts.
func decode(data []byte) (map[protowire.Number]field, bool) {
	fields := map[protowire.Number]field{}
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil, false
		}
		data = data[n:]
		switch kind {
		case protowire.BytesType:
			value, size := protowire.ConsumeBytes(data)
			fields[number], n = field{bytes: value}, size
		case protowire.VarintType:
			value, size := protowire.ConsumeVarint(data)
			fields[number], n = field{number: value}, size
		default:
			n = protowire.ConsumeFieldValue(number, kind, data)
		}
		if n < 0 {
			return nil, false
		}
		data = data[n:]
	}
	return fields, true
}
