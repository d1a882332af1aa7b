package phone

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/zaf/g711"
)

const (
	narrow   = 8000 // samples in a second of a telephone
	maxMarks = 1000 // of an agent's that wait for an answer
)

// Twilio calls an agent as Twilio does for a call by telephone.
//
// https://www.twilio.com/docs/voice/media-streams/websocket-messages
type Twilio struct {
	Endpoint
	// Service is the agent and its organization, such as bot.acme, by which the
	// platform routes calls.
	Service string
}

// media is sound in a message of Twilio's.
type media struct {
	Track     string `json:"track,omitempty"`
	Chunk     string `json:"chunk,omitempty"`
	Timestamp string `json:"timestamp,omitempty"` // milliseconds
	Payload   []byte `json:"payload"`             // µ-law; base64 on the wire
}

type mark struct {
	Name string `json:"name"`
}

// twilioMessage is any message of either side.
type twilioMessage struct {
	Event    string       `json:"event"`
	Protocol string       `json:"protocol,omitempty"`
	Version  string       `json:"version,omitempty"`
	Sequence string       `json:"sequenceNumber,omitempty"`
	Stream   string       `json:"streamSid,omitempty"`
	Start    *twilioStart `json:"start,omitempty"`
	Media    *media       `json:"media,omitempty"`
	Mark     *mark        `json:"mark,omitempty"`
	Stop     *twilioCall  `json:"stop,omitempty"`
}

type twilioCall struct {
	Account string `json:"accountSid"`
	Call    string `json:"callSid"`
}

type twilioStart struct {
	twilioCall
	Stream     string            `json:"streamSid"`
	Tracks     []string          `json:"tracks"`
	Parameters map[string]string `json:"customParameters"`
	Format     struct {
		Encoding string `json:"encoding"`
		Rate     int    `json:"sampleRate"`
		Channels int    `json:"channels"`
	} `json:"mediaFormat"`
}

// Dial connects. Before the first frame, the line says what a bot reads before all
// else.
func (t Twilio) Dial(ctx context.Context) (Line, error) {
	s, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	l := &twilioLine{socket: s, stream: sid("MZ"), call: twilioCall{sid("AC"), sid("CA")}, played: time.Now()}
	l.start = &twilioStart{twilioCall: l.call, Stream: l.stream, Tracks: []string{"inbound"}, Parameters: parameters(t.Body)}
	l.start.Format.Encoding, l.start.Format.Rate, l.start.Format.Channels = "audio/x-mulaw", narrow, 1
	if t.Service != "" {
		l.start.Parameters["_pipecatCloudServiceHost"] = t.Service
	}
	return l, nil
}

// sid is an invented id of Twilio's, which no call has.
func sid(kind string) string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	return kind + hex.EncodeToString(id[:])
}

// parameters are a body as Twilio passes it: each value is a text.
func parameters(body map[string]any) map[string]string {
	all := make(map[string]string, len(body)+1)
	for name, value := range body {
		text, ok := value.(string)
		if !ok {
			data, _ := json.Marshal(value) // which was read from JSON
			text = string(data)
		}
		all[name] = text
	}
	return all
}

// twilioLine is a call by media streams.
type twilioLine struct {
	*socket
	stream string
	call   twilioCall
	start  *twilioStart // nil once it is sent

	mu       sync.Mutex
	sequence int
	chunks   int
	played   time.Time              // when all that the agent sent is played
	marks    map[string]*time.Timer // to be answered then; nil while one is being answered
}

func (l *twilioLine) Rate() int { return narrow }

func (l *twilioLine) Say(ctx context.Context, samples []int16) error {
	if l.start != nil {
		if err := l.send(ctx, twilioMessage{Event: "connected", Protocol: "Call", Version: "1.0.0"}); err != nil {
			return err
		}
		if err := l.send(ctx, twilioMessage{Event: "start", Stream: l.stream, Start: l.start}); err != nil {
			return err
		}
		l.start = nil
	}
	payload := make([]byte, len(samples))
	for i, s := range samples {
		payload[i] = g711.EncodeUlawFrame(s)
	}
	l.mu.Lock()
	l.chunks++
	m := media{Track: "inbound", Chunk: strconv.Itoa(l.chunks), Timestamp: strconv.Itoa((l.chunks - 1) * int(frame/time.Millisecond)), Payload: payload}
	l.mu.Unlock()
	return l.send(ctx, twilioMessage{Event: "media", Stream: l.stream, Media: &m})
}

func (l *twilioLine) Hear(ctx context.Context) (Heard, error) {
	kind, data, err := l.read(ctx)
	if err != nil {
		return Heard{}, err
	}
	var m twilioMessage
	if kind != websocket.MessageText || json.Unmarshal(data, &m) != nil {
		return Heard{Foreign: true}, nil
	}
	switch {
	case m.Event == "media" && m.Media != nil:
		samples := make([]int16, len(m.Media.Payload))
		for i, b := range m.Media.Payload {
			samples[i] = g711.DecodeUlawFrame(b)
		}
		l.play(len(samples))
		return Heard{Samples: samples, Rate: narrow}, nil
	case m.Event == "mark" && m.Mark != nil:
		l.answer(ctx, m.Mark.Name)
	case m.Event == "clear":
		l.clear(ctx)
		return Heard{Clear: true}, nil
	}
	return Heard{}, nil // a message of the bot's own
}

// play counts sound that is played once what came before it is.
func (l *twilioLine) play(samples int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.played.Before(now) {
		l.played = now
	}
	l.played = l.played.Add(time.Duration(samples) * time.Second / narrow)
}

// answer sends a mark back once the sound before it is played.
func (l *twilioLine) answer(ctx context.Context, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.marks == nil {
		l.marks = map[string]*time.Timer{}
	}
	if _, waits := l.marks[name]; len(l.marks) < maxMarks && !waits {
		l.marks[name] = time.AfterFunc(time.Until(l.played), func() { l.sendMark(ctx, name) })
	}
}

// sendMark answers a mark once. It counts among those that wait until it is sent, so that
// an agent which does not read cannot have the caller hold any number of them.
func (l *twilioLine) sendMark(ctx context.Context, name string) {
	l.mu.Lock()
	waits := l.marks[name] != nil
	if waits {
		l.marks[name] = nil
	}
	l.mu.Unlock()
	if !waits {
		return
	}
	_ = l.send(ctx, twilioMessage{Event: "mark", Stream: l.stream, Mark: &mark{name}}) // if it fails, so does Hear
	l.mu.Lock()
	delete(l.marks, name)
	l.mu.Unlock()
}

// clear forgets what is not played, and answers its marks, as Twilio does.
func (l *twilioLine) clear(ctx context.Context) {
	l.mu.Lock()
	l.played = time.Now()
	marks := maps.Clone(l.marks)
	l.mu.Unlock()
	for name, timer := range marks {
		if timer != nil {
			timer.Stop()
			l.sendMark(ctx, name)
		}
	}
}

func (l *twilioLine) HangUp(ctx context.Context) {
	l.mu.Lock()
	for _, timer := range l.marks {
		if timer != nil {
			timer.Stop()
		}
	}
	l.marks = nil
	l.mu.Unlock()
	brief, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	_ = l.send(brief, twilioMessage{Event: "stop", Stream: l.stream, Stop: &l.call})
	l.hangUp(ctx)
}

// send numbers a message, and sends it. Twilio numbers all but the first.
func (l *twilioLine) send(ctx context.Context, m twilioMessage) error {
	l.mu.Lock()
	if m.Event != "connected" {
		l.sequence++
		m.Sequence = strconv.Itoa(l.sequence)
	}
	l.mu.Unlock()
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("a message: %w", err)
	}
	return l.write(ctx, websocket.MessageText, data)
}
