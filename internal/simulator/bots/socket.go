package bots

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/coder/websocket"
	"github.com/zaf/g711"
	"google.golang.org/protobuf/encoding/protowire"
)

// Start is what Twilio says of a call at its beginning, as the framework reads it.
type Start struct {
	Stream     string            `json:"streamSid"`
	Call       string            `json:"callSid"`
	Parameters map[string]string `json:"customParameters"`
}

// ServeTwilio takes a call by media streams. Begun is told how it begins; it may be nil.
func (b Bot) ServeTwilio(w http.ResponseWriter, r *http.Request, begun func(Start)) {
	conn, err := accept(w, r)
	if err != nil {
		return
	}
	l := &twilioLine{conn: conn}
	start, err := l.begin(r.Context())
	if err != nil {
		_ = conn.Close(websocket.StatusPolicyViolation, err.Error())
		return
	}
	if begun != nil {
		begun(start)
	}
	b.talk(r.Context(), l)
}

// ServeWebSocket takes a call by the framework's frames.
func (b Bot) ServeWebSocket(w http.ResponseWriter, r *http.Request) {
	if conn, err := accept(w, r); err == nil {
		b.talk(r.Context(), &socketLine{conn: conn})
	}
}

func accept(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
	return websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
}

// twilioLine is a call by media streams.
type twilioLine struct {
	conn   *websocket.Conn
	stream string
}

type twilioMessage struct {
	Event string `json:"event"`
	Start Start  `json:"start"`
	Media struct {
		Payload []byte `json:"payload"`
	} `json:"media"`
}

// begin reads the two messages that a bot reads before all else.
func (l *twilioLine) begin(ctx context.Context) (Start, error) {
	var first, second twilioMessage
	for _, m := range []*twilioMessage{&first, &second} {
		if err := l.read(ctx, m); err != nil {
			return Start{}, err
		}
	}
	if first.Event != "connected" || second.Event != "start" || second.Start.Stream == "" || second.Start.Call == "" {
		return Start{}, fmt.Errorf("unsupported telephony provider: %q, %q", first.Event, second.Event)
	}
	l.stream = second.Start.Stream
	return second.Start, nil
}

func (l *twilioLine) read(ctx context.Context, m *twilioMessage) error {
	_, data, err := l.conn.Read(ctx)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, m)
}

func (l *twilioLine) rate() int { return 8000 }

func (l *twilioLine) send(ctx context.Context, samples []int16) error {
	payload := make([]byte, len(samples))
	for i, s := range samples {
		payload[i] = g711.EncodeUlawFrame(s)
	}
	data, err := json.Marshal(map[string]any{"event": "media", "streamSid": l.stream, "media": map[string]any{"payload": payload}})
	if err != nil {
		return err
	}
	return l.conn.Write(ctx, websocket.MessageText, data)
}

func (l *twilioLine) hear(ctx context.Context) ([]int16, error) {
	var m twilioMessage
	if err := l.read(ctx, &m); err != nil {
		return nil, err
	}
	samples := make([]int16, len(m.Media.Payload))
	for i, b := range m.Media.Payload {
		samples[i] = g711.DecodeUlawFrame(b)
	}
	return samples, nil
}

func (l *twilioLine) close() { _ = l.conn.Close(websocket.StatusNormalClosure, "") }

// socketLine is a call by the framework's frames: 16 kHz in, 24 kHz out.
type socketLine struct{ conn *websocket.Conn }

func (l *socketLine) rate() int { return 24000 }

func (l *socketLine) send(ctx context.Context, samples []int16) error {
	pcm := make([]byte, 2*len(samples))
	for i, s := range samples {
		binary.LittleEndian.PutUint16(pcm[2*i:], uint16(s))
	}
	var audio []byte
	audio = protowire.AppendVarint(protowire.AppendTag(audio, 1, protowire.VarintType), 7)
	audio = protowire.AppendString(protowire.AppendTag(audio, 2, protowire.BytesType), "TTSAudioRawFrame#7")
	audio = protowire.AppendBytes(protowire.AppendTag(audio, 3, protowire.BytesType), pcm)
	audio = protowire.AppendVarint(protowire.AppendTag(audio, 4, protowire.VarintType), 24000)
	audio = protowire.AppendVarint(protowire.AppendTag(audio, 5, protowire.VarintType), 1)
	frame := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), audio)
	return l.conn.Write(ctx, websocket.MessageBinary, frame)
}

func (l *socketLine) hear(ctx context.Context) ([]int16, error) {
	_, data, err := l.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	number, _, n := protowire.ConsumeTag(data)
	if n < 0 || number != 2 {
		return nil, nil // a message
	}
	frame, _ := protowire.ConsumeBytes(data[n:])
	var samples []int16
	for len(frame) > 0 {
		number, kind, n := protowire.ConsumeField(frame)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		if number == 3 && kind == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(frame)
			pcm, _ := protowire.ConsumeBytes(frame[tag:])
			for ; len(pcm) >= 2; pcm = pcm[2:] {
				samples = append(samples, int16(binary.LittleEndian.Uint16(pcm)))
			}
		}
		frame = frame[n:]
	}
	return samples, nil
}

func (l *socketLine) close() { _ = l.conn.Close(websocket.StatusNormalClosure, "") }
