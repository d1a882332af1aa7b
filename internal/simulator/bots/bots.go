// Package bots has agents that take calls: by WebSocket, with Twilio's media streams
// or the framework's frames, and by WebRTC. They are written without the caller that
// they test.
package bots

import (
	"context"
	"math"
	"sync"
	"time"
)

// Bot is how an agent behaves in a call. The zero Bot is silent, and stays until its
// caller hangs up.
type Bot struct {
	Name, Text string

	Sound   Sound         // that it makes; nil: none
	After   time.Duration // from the connection until it makes it
	For     time.Duration // how long that lasts; 0: to the end
	Replies time.Duration // how long after a caller has spoken it makes it again; 0: it does not listen
	Waits   bool          // it makes it only when it is spoken to
	HangsUp time.Duration // when it hangs up; 0: never
	Raises  string        // what its bot() raises right after the connection; empty: nothing
	Mute    bool          // it sends nothing at all while it is silent, instead of silence
}

// Bots are those that have a name.
func Bots() []Bot {
	const s = time.Second
	return []Bot{
		{Name: "greets", Text: "greets at once, and answers", Sound: Speech, After: s / 2, For: 2 * s, Replies: s / 2, Mute: true},
		{Name: "waits", Text: "speaks only when it is spoken to", Sound: Speech, For: 2 * s, Replies: s, Waits: true},
		{Name: "deaf", Text: "greets, and never answers", Sound: Speech, After: s / 2, For: 2 * s},
		{Name: "late", Text: "greets after 20 seconds", Sound: Speech, After: 20 * s, For: 2 * s},
		{Name: "talks", Text: "does not stop talking", Sound: Speech, After: s / 2},
		{Name: "silent", Text: "says nothing"},
		{Name: "mute", Text: "sends nothing", Mute: true},
		{Name: "hisses", Text: "sends comfort noise, and loud", Sound: Hiss},
		{Name: "hums", Text: "sends a tone that does not end", Sound: Tone},
		{Name: "hangs-up", Text: "hangs up after a second", HangsUp: s},
		{Name: "raises", Text: "raises an exception at once", Raises: "KeyError: 'OPENAI_API_KEY'"},
	}
}

// Sound is a signal by the time since its beginning, between -1 and 1.
type Sound func(seconds float64) float64

// Speech has harmonics of a voice, in four syllables a second.
func Speech(t float64) (x float64) {
	phase := 2 * math.Pi * (130*t + 5*math.Sin(3*t))
	before, sine, twice := 0.0, math.Sin(phase), 2*math.Cos(phase)
	for h := 1.0; h < 16; h++ {
		x += sine / h
		before, sine = sine, twice*sine-before // of the next multiple of the phase
	}
	return 0.25 * x * math.Pow(math.Sin(4*math.Pi*t), 2)
}

// Hiss is noise of -35 dB.
func Hiss(t float64) float64 {
	n := uint64(t * 48000)
	n = (n ^ n>>7 ^ 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>31) * 0x94d049bb133111eb
	return (float64(n>>11)/(1<<53) - 0.5) * 0.06
}

// Tone is one of 440 Hz.
func Tone(t float64) float64 { return 0.2 * math.Sin(2*math.Pi*440*t) }

// line is a call as a bot has it: one goroutine sends, and another hears.
type line interface {
	rate() int
	send(ctx context.Context, samples []int16) error
	hear(ctx context.Context) (samples []int16, err error) // of 20 ms, or none
	close()
}

// talk is a call of a bot, until one of the two hangs up.
func (b Bot) talk(ctx context.Context, l line) {
	defer l.close()
	if b.Raises != "" {
		return
	}
	speaking, cancel := context.WithCancel(ctx)
	defer cancel()
	if b.HangsUp > 0 {
		speaking, cancel = context.WithTimeout(ctx, b.HangsUp)
		defer cancel()
	}
	var listening listener
	go func() {
		defer cancel()
		for {
			samples, err := l.hear(ctx)
			if err != nil {
				return
			}
			listening.hear(samples)
		}
	}()
	b.speak(speaking, l, &listening)
}

// speak sends frames at the pace of a call, in 40 ms as the framework does.
func (b Bot) speak(ctx context.Context, l line, heard *listener) {
	const frame = 40 * time.Millisecond
	began := time.Now()
	start := began.Add(b.After)
	if b.Waits {
		start = time.Time{}
	}
	tick := time.NewTicker(frame)
	defer tick.Stop()
	for {
		if at, over := heard.turn(); over && b.Replies > 0 {
			start = at.Add(b.Replies)
		}
		samples, sounds := make([]int16, l.rate()/25), false
		if since := time.Since(start); b.Sound != nil && !start.IsZero() && since >= 0 && (b.For == 0 || since < b.For) {
			sounds = true
			for i := range samples {
				samples[i] = int16(b.Sound(since.Seconds()+float64(i)/float64(l.rate())) * math.MaxInt16)
			}
		}
		if sounds || !b.Mute {
			if l.send(context.WithoutCancel(ctx), samples) != nil { // a frame is not broken off
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// listener notices when a caller has stopped speaking.
type listener struct {
	mu   sync.Mutex
	last time.Time // loud sound
}

func (l *listener) hear(samples []int16) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range samples {
		if s > 1000 || s < -1000 {
			l.last = time.Now()
			return
		}
	}
}

// turn reports when the caller stopped speaking, once for each time.
func (l *listener) turn() (at time.Time, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.IsZero() || time.Since(l.last) < 300*time.Millisecond {
		return time.Time{}, false
	}
	at, l.last = l.last, time.Time{}
	return at, true
}
