package phone

import (
	"context"
	"sync"
	"time"

	"pipecat-cloud-deploy/internal/pacing"
)

// mouth sends sound at the pace of a call: silence, or what is to be said. The zero
// mouth is silent.
type mouth struct {
	mu       sync.Mutex
	samples  []int16 // that are to be said yet
	length   time.Duration
	from, to time.Time // of what is said, if anything
	saying   bool
}

// say has samples sent from the next frame on.
func (m *mouth) say(samples []int16, length time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.samples, m.length, m.saying = samples, length, true
}

// said is when the caller spoke, and whether that continues, or is about to begin.
func (m *mouth) said() (from, to time.Time, saying bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.from, m.to, m.saying
}

// frame is the next to be sent.
func (m *mouth) frame(size int) []int16 {
	m.mu.Lock()
	defer m.mu.Unlock()
	samples := make([]int16, size)
	switch {
	case m.saying && len(m.samples) == 0: // the last of it was sent a frame ago
		m.to, m.saying = time.Now(), false
	case m.saying && m.from.IsZero():
		m.from = time.Now()
		m.to = m.from.Add(m.length)
	}
	m.samples = m.samples[copy(samples, m.samples):]
	return samples
}

// speak sends a frame every 20 ms, until ctx is done or the line fails. A network that
// has been stuck for long is not sent what it has missed.
func (m *mouth) speak(ctx context.Context, line Line) error {
	size := line.Rate() / int(time.Second/frame)
	due := time.Now()
	for {
		if err := line.Say(ctx, m.frame(size)); err != nil {
			return err
		}
		if due = due.Add(frame); time.Since(due) > stuck {
			due = time.Now()
		}
		if err := pacing.Sleep(ctx, time.Until(due)); err != nil {
			return err
		}
	}
}
